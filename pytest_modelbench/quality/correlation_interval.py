"""The 95 % interval of a correlation over samples, honest of few samples."""

from __future__ import annotations

import math

from pytest_modelbench.normal import Z_95_PERCENT
from pytest_modelbench.quality.bootstrap import METHOD
from pytest_modelbench.quality.unseen import unseen_share

FEWEST = 5
"""Of four pairs the ranks agree by chance in 1 of 24 cases: too often for any interval of 95 %."""
CORRELATION_METHOD = f"{METHOD}, no narrower than Fisher's z"
_PERFECT = 1 - 1e-12


def correlation_interval(
    value: float, count: int, bootstrapped: list[float] | None, *, by_rank: bool
) -> list[float]:
    """Of `value` over `count` pairs: the wider of two at each end.

    A percentile bootstrap is too narrow where pairs are few, and has no width where all of them
    agree; Fisher's z, with the standard error of Bonett and Wright (2000) for ranks, supposes that
    both series are about normal. Of fewer than `FEWEST` pairs anything is possible.
    """
    if count < FEWEST:
        return [-1.0, 1.0]
    if abs(value) > _PERFECT:
        # The transformation knows no end. As many pairs as may be unseen could be unrelated.
        least = 1 - unseen_share(count)
        return [least, value] if value > 0 else [value, -least]
    error = math.sqrt((1 + (value**2 / 2 if by_rank else 0)) / (count - 3))
    middle, half = math.atanh(value), Z_95_PERCENT * error
    low, high = math.tanh(middle - half), math.tanh(middle + half)
    if bootstrapped is not None:
        low, high = min(low, bootstrapped[0]), max(high, bootstrapped[1])
    return [low, high]
