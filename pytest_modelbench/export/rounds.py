"""Timed calls as pytest-benchmark sums up its rounds, by its own definitions."""

from __future__ import annotations

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any


def stats_of_rounds(seconds: Sequence[float]) -> dict[str, Any]:
    """Each call a round of one iteration; `seconds` has at least one."""
    ordered = sorted(seconds)
    mean, total = statistics.mean(seconds), sum(seconds)
    stddev = statistics.stdev(seconds) if len(seconds) > 1 else 0
    q1, q3 = _quartiles(ordered)
    low_fence, high_fence = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    by_stddev = sum(not mean - stddev <= one <= mean + stddev for one in seconds)
    by_fence = sum(not low_fence <= one <= high_fence for one in seconds)
    return {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": mean,
        "stddev": stddev,
        "rounds": len(seconds),
        "median": statistics.median(ordered),
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": by_fence,
        "stddev_outliers": by_stddev,
        "outliers": f"{by_stddev};{by_fence}",
        "ld15iqr": ordered[bisect_left(ordered, low_fence)],
        "hd15iqr": ordered[bisect_right(ordered, high_fence) - 1],
        "ops": len(seconds) / total if total else 0,
        "total": total,
        "data": list(seconds),
        "iterations": 1,
    }


def _quartiles(ordered: Sequence[float]) -> tuple[float, float]:
    """Medians of the halves; of an odd number, weighted means of two neighbours (its method 3)."""
    count = len(ordered)
    if count == 1:
        return ordered[0], ordered[0]
    if count % 2 == 0:
        half = count // 2
        return statistics.median(ordered[:half]), statistics.median(ordered[half:])
    n = count // 4
    if count % 4 == 1:
        return (
            0.25 * ordered[n - 1] + 0.75 * ordered[n],
            0.75 * ordered[3 * n] + 0.25 * ordered[3 * n + 1],
        )
    return (
        0.75 * ordered[n] + 0.25 * ordered[n + 1],
        0.25 * ordered[3 * n + 1] + 0.75 * ordered[3 * n + 2],
    )
