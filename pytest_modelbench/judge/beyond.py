"""More than what is allowed, and not only by what floats make of it."""

from __future__ import annotations

import math

ROUNDING = 1e-9
"""By so much more than is allowed a figure may be: the difference of two floats is not exact."""


def is_beyond(value: float, allowed: float) -> bool:
    """Whether a figure without any doubt about it is more than what is allowed.

    >>> 2.1 - 2.0 > 0.1, is_beyond(2.1 - 2.0, 0.1), is_beyond(1e-12, 0.0)
    (True, False, True)
    """
    return value > allowed and not math.isclose(value, allowed, rel_tol=ROUNDING)
