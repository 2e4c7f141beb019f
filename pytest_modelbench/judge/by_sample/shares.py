"""The difference of two shares over the same samples: right and wrong answers of two sides."""

from __future__ import annotations

import math
from functools import partial

_NEXT_TO = 1e-9
"""So far from the estimate the search begins: at an estimate of 0 the variance may be 0, too."""


def mcnemar_p(lost: int, won: int) -> float:
    """The exact two-sided p-value of as many losses as wins (McNemar, 1947).

    >>> round(mcnemar_p(7, 1), 4), mcnemar_p(0, 0)
    (0.0703, 1.0)
    """
    from scipy.stats import binomtest

    return float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0


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


def _excess(lost: int, won: int, count: int, quantile: float, difference: float) -> float:
    """Above 0 where a difference is so far off that it is ruled out."""
    linear = (2 * count - won + lost) * difference - won - lost
    constant = -lost * difference * (1 - difference)
    # The most likely share of samples that are lost, if this is the true difference.
    root = math.sqrt(max(0.0, linear**2 - 8 * count * constant))
    share_lost = (root - linear) / (4 * count)
    variance = count * (2 * share_lost + difference * (1 - difference))
    return (won - lost - count * difference) ** 2 - quantile**2 * max(0.0, variance)
