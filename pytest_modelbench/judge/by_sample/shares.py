"""The difference of two shares over the same samples: right and wrong answers of two sides."""

from __future__ import annotations

import math
from functools import lru_cache, partial

_NEXT_TO = 1e-9
"""So far from the estimate the search begins: at an estimate of 0 the variance may be 0, too."""


def mcnemar_p(lost: int, won: int) -> float:
    """The exact two-sided p-value of as many losses as wins (McNemar, 1947).

    >>> round(mcnemar_p(7, 1), 4), mcnemar_p(0, 0)
    (0.0703, 1.0)
    """
    from scipy.stats import binomtest

    return float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0


@lru_cache(maxsize=16)  # a search for a ratio asks for the same one again and again
def paired_share_interval(
    lost: int, won: int, count: int, confidence: float
) -> tuple[float, float]:
    """Tango's score interval (1998) of `(won - lost) / count`, which no library we need has.

    It has a width even where both sides are right on the same samples: about that of the rule
    of three.

    >>> [round(end, 4) for end in paired_share_interval(25, 28, 618, 0.9)]
    [-0.0148, 0.0247]
    >>> [round(end, 3) for end in paired_share_interval(0, 0, 100, 0.95)]
    [-0.037, 0.037]
    """
    from statistics import NormalDist

    from scipy.optimize import brentq

    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    found = (won - lost) / count
    excess = partial(_excess, lost, won, count, quantile)
    low = -1.0 if found == -1 else brentq(excess, -1.0, found - _NEXT_TO)
    high = 1.0 if found == 1 else brentq(excess, found + _NEXT_TO, 1.0)
    return float(low), float(high)


def weighted_share_interval(
    right: int, lost: int, won: int, count: int, weight: float, confidence: float
) -> tuple[float, float]:
    """The interval of (share of the candidate) - weight * (share of the baseline, `right`).

    It is the difference, with Tango's interval, plus 1 - weight of the baseline's share, with
    Wilson's (1927); they add up as variances do, with the covariance that the samples show
    (Zou, 2008). So at a weight of 1 it is Tango's.

    >>> [round(end, 4) for end in weighted_share_interval(80, 10, 5, 100, 1.0, 0.95)]
    [-0.1335, 0.0286]
    >>> [round(end, 4) for end in weighted_share_interval(80, 0, 0, 100, 0.0, 0.95)]
    [0.7038, 0.8762]
    """
    difference = (won - lost) / count
    low, high = paired_share_interval(lost, won, count, confidence)
    rest = 1 - weight
    if rest == 0:
        return low, high
    share, ends = right / count, _wilson(right, count, confidence)
    rest_low, rest_high = sorted(rest * end for end in ends)
    related = math.copysign(1.0, rest) * _correlation(share, lost, won, count)
    found = difference + rest * share
    down = _added(difference - low, rest * share - rest_low, related)
    up = _added(high - difference, rest_high - rest * share, related)
    return found - down, found + up


@lru_cache(maxsize=16)
def _wilson(right: int, count: int, confidence: float) -> tuple[float, float]:
    from scipy.stats import binomtest

    interval = binomtest(right, count).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def _correlation(share: float, lost: int, won: int, count: int) -> float:
    """Of the baseline's being right with the difference, over samples."""
    difference = (won - lost) / count
    variances = share * (1 - share), (won + lost) / count - difference**2
    if min(variances) <= 0:
        return 0.0
    covariance = -lost / count - share * difference
    return covariance / math.sqrt(variances[0] * variances[1])


def _added(one: float, other: float, related: float) -> float:
    return math.sqrt(max(0.0, one**2 + other**2 + 2 * related * one * other))


def _excess(lost: int, won: int, count: int, quantile: float, difference: float) -> float:
    """Above 0 where a difference is so far off that it is ruled out."""
    linear = (2 * count - won + lost) * difference - won - lost
    constant = -lost * difference * (1 - difference)
    # The most likely share of samples that are lost, if this is the true difference.
    root = math.sqrt(max(0.0, linear**2 - 8 * count * constant))
    share_lost = (root - linear) / (4 * count)
    variance = count * (2 * share_lost + difference * (1 - difference))
    return (won - lost - count * difference) ** 2 - quantile**2 * max(0.0, variance)
