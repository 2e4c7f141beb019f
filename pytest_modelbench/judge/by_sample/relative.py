"""A change as a share of the baseline's value, which is no surer than the candidate's."""

from __future__ import annotations

import math
from collections.abc import Callable

from pytest_modelbench.judge.bounds.expression_interval import Ends, Interval

Weighted = Callable[[float, float], Ends]
"""Given a weight and a confidence, the interval of candidate - weight * baseline."""

FIRST_STEP, LARGEST_STEP = 1e-3, 1e4


def relative_ends(
    values: Ends, weighted: Weighted, confidence: float, *, is_rate: bool
) -> Interval:
    """The interval of (candidate - baseline) / |baseline|, by Fieller's argument (1954).

    A share is within it where candidate - (1 + share) * baseline may be 0, by the interval of that
    difference. So it holds what is not known of the baseline, too, and has no end (None) where
    nothing says that the baseline is not 0. `values` are (baseline, candidate), the baseline not
    0; of a rate nothing falls by more than all of it.
    """
    before, after = values
    sign = math.copysign(1.0, before)
    found = (after - before) / abs(before)

    def end_at(which: int, share: float) -> float:
        return weighted(1 + sign * share, confidence)[which]

    high = _crossing(lambda share: end_at(1, share), found, 1.0)
    low = _crossing(lambda share: -end_at(0, share), found, -1.0)
    if is_rate:
        low = -1.0 if low is None else max(-1.0, low)
    return low, high


def _crossing(end: Callable[[float], float], start: float, direction: float) -> float | None:
    """Where `end`, at least 0 at `start`, falls below 0 on the way from there."""
    from scipy.optimize import brentq

    if end(start) <= 0:
        return start
    near, step = start, FIRST_STEP
    while step <= LARGEST_STEP:
        far = start + direction * step
        if end(far) < 0:
            return float(brentq(end, near, far))
        near, step = far, 2 * step
    return None
