"""What launches of the same code differ by, and what that adds to the interval of a timing."""

from __future__ import annotations

import math

from pytest_modelbench.normal import Z_95_PERCENT

LAUNCH_SD = 0.01
"""Standard deviation between launches of the same code, as a share: 0.6 to 1.4 % were measured.
A process keeps its share for as long as it lives, so no number of calls averages it out."""


def launch_floor() -> tuple[float, str]:
    """The standard deviation between launches here, as a share, and where it is from."""
    from pytest_modelbench.calibration import saved_calibration

    made = saved_calibration()
    if made is None:
        return LAUNCH_SD, "default"
    return max(LAUNCH_SD, made.launch_floor), f"calibrated with {made.model} on {made.timestamp}"


def launch_margin(floor: float | None = None) -> float:
    """How far 95 % of launches lie from their middle, in logarithms; by this machine's floor, or
    by the given one."""
    return Z_95_PERCENT * (launch_floor()[0] if floor is None else floor)


def widened(
    value: float, low: float | None, high: float | None, floor: float | None = None
) -> tuple[float | None, float | None]:
    """The interval of one launch's `value` as one of what any launch would have given.

    Both kinds of noise are added as variances, on the scale of logarithms. An end that is not
    known stays so, and what is not above 0 stays as it is.

    >>> [round(end, 2) for end in widened(100.0, 100.0, 100.0)]
    [98.06, 101.98]
    """
    margin = launch_margin(floor)
    return _further(value, low, -margin), _further(value, high, margin)


def _further(value: float, end: float | None, margin: float) -> float | None:
    """`margin` is below 0 for the lower end."""
    if end is None or value <= 0 or end <= 0:
        return end
    sign = math.copysign(1.0, margin)
    own = max(0.0, sign * math.log(end / value))
    return value * math.exp(sign * math.hypot(own, margin))
