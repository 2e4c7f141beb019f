"""A series of numbers as a line of small bars."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise

BARS = "▁▂▃▄▅▆▇█"
MOST_BARS = 60


def sparkline(values: Sequence[float]) -> str:
    """From the lowest to the highest value; where there are too many, medians of neighbours.

    >>> sparkline([1.0, 2.0, 8.0]), sparkline([3.0, 3.0]), len(sparkline(range(1000)))
    ('▁▂█', '▄▄', 60)
    """
    shown = _thinned(values)
    low, high = min(shown), max(shown)
    if high == low:
        return BARS[3] * len(shown)
    steps = len(BARS) - 1
    return "".join(BARS[round((value - low) / (high - low) * steps)] for value in shown)


def _thinned(values: Sequence[float]) -> Sequence[float]:
    count = len(values)
    if count <= MOST_BARS:
        return values
    ends = [round(number * count / MOST_BARS) for number in range(MOST_BARS + 1)]
    return [statistics.median(values[low:high]) for low, high in pairwise(ends)]
