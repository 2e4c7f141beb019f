"""Percentiles of timed calls, with what they are worth."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_modelbench.results.metric import Metric, measured

SAMPLES_NEEDED = {50: 11, 90: 64, 95: 130, 99: 662}
"""Calls below which a percentile is flagged: MLPerf's early-stopping rule at 99 % confidence."""
CONFIDENCE = 0.95


def percentile_metric(ordered_ms: Sequence[float], percent: int) -> Metric:
    """The percentile of `ordered_ms` (ascending, not empty), in ms, with its interval.

    The value interpolates linearly between order statistics (Hyndman and Fan's type 7, NumPy's
    default). The interval's ends are order statistics chosen by the binomial distribution, so it
    assumes nothing about the shape of the latencies; an end that the sample cannot give is None.
    """
    low, high = order_statistic_ranks(len(ordered_ms), percent / 100)
    interval = [
        None if low is None else ordered_ms[low - 1],
        None if high is None else ordered_ms[high - 1],
    ]
    notes: dict[str, object] = {
        "samples": len(ordered_ms),
        "interval": interval,
        "confidence": CONFIDENCE,
    }
    needed = SAMPLES_NEEDED[percent]
    if len(ordered_ms) < needed:
        notes |= {"flag": "too_few_samples", "samples_needed": needed}
    return measured(interpolated(ordered_ms, percent / 100), "ms", **notes)


def interpolated(ordered: Sequence[float], share: float) -> float:
    """The `share` quantile of an ascending sequence, interpolated linearly.

    >>> interpolated([1.0, 2.0, 3.0, 4.0], 0.5)
    2.5
    """
    rank = (len(ordered) - 1) * share
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def order_statistic_ranks(
    n: int, share: float, confidence: float = CONFIDENCE
) -> tuple[int | None, int | None]:
    """Ranks (from 1) of the order statistics that enclose a quantile with `confidence`.

    Each side misses with at most half of the remaining probability: the count of samples below
    the quantile is binomial(n, share) (David and Nagaraja, Order Statistics, section 7.1).

    >>> order_statistic_ranks(20, 0.5)
    (6, 15)
    """
    tail = (1 - confidence) / 2
    low = high = None
    cumulative = 0.0
    # Further down there is nothing to add up: less than 1e-30 of the probability.
    spread = math.sqrt(n * share * (1 - share))
    for count in range(max(0, int(n * share - 12 * spread - 12)), n):
        cumulative += _binomial(n, count, share)
        if cumulative <= tail:
            low = count + 1
        if cumulative >= 1 - tail:
            high = count + 1
            break
    return low, high


def _binomial(n: int, count: int, share: float) -> float:
    combinations = math.lgamma(n + 1) - math.lgamma(count + 1) - math.lgamma(n - count + 1)
    return math.exp(combinations + count * math.log(share) + (n - count) * math.log1p(-share))
