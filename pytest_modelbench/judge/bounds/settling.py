"""How many samples would settle a bound that an interval straddles."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pytest_modelbench.judge.bounds.expression_interval import Interval
from pytest_modelbench.judge.launch_noise import launch_floor, launch_margin
from pytest_modelbench.quality.unseen import times_as_many

FEWEST = 10
"""Of fewer samples the spread is hardly known: no figure rests on it."""
MOST_TIMES = 1000.0
"""As many samples as there are: more than that nobody will take."""


def what_would_settle(
    value: float,
    interval: Interval,
    bounds: Iterable[float],
    samples: float | None,
    *,
    is_timed: bool,
) -> str | None:
    """A clause such as `about 80 samples instead of 24 would settle it`; None if none is known.

    An interval shrinks as 1/sqrt(n), but for what launches differ by, which does not. So it would
    no longer hold the bound, if the value stayed where it is. `bounds` are those it straddles. One
    that begins or ends at its value is of what never happened, and shrinks as 1/n.
    """
    unit = "calls" if is_timed else "samples"
    times = [_times(value, interval, bound, is_timed=is_timed) for bound in bounds]
    known = [one for one in times if one is not None]
    if not known or len(known) < len(times):
        return None
    most = max(known)
    if math.isinf(most):
        floor = f"{100 * launch_floor()[0]:.2g} %"
        return f"more {unit} would not settle it, launches of the same code differ by {floor} (SD)"
    if samples is None:
        return None
    if samples < FEWEST and not _is_of_the_unseen(value, interval):
        return (
            None if is_timed else f"at least {FEWEST} samples instead of {samples:,.0f} are needed"
        )
    if most > MOST_TIMES:
        return f"over {MOST_TIMES:,.0f} times as many {unit} would be needed to settle it"
    return f"about {_rounded_up(most * samples):,} {unit} instead of {samples:,.0f} would settle it"


def _times(value: float, interval: Interval, bound: float, *, is_timed: bool) -> float | None:
    """By how much the number of samples would grow; infinite where that would not help."""
    end = interval[1] if bound > value else interval[0]
    if end is None or bound == value:
        return None
    if not is_timed:
        reach, room = abs(end - value), abs(bound - value)
        if _is_of_the_unseen(value, interval) and reach > 0:
            return times_as_many(reach, room)
        return (reach / room) ** 2
    if min(value, end, bound) <= 0:
        return None
    fixed = launch_margin() ** 2
    own, room = (math.log(one / value) ** 2 - fixed for one in (end, bound))
    return own / room if room > 0 else math.inf


def _is_of_the_unseen(value: float, interval: Interval) -> bool:
    """Whether the value is an end of its interval: all samples are alike in what is asked."""
    low, high = interval
    return value in interval and low is not None and high is not None and high - low < 1


def _rounded_up(count: float) -> int:
    """To two digits: it is no better known.

    >>> _rounded_up(78.2), _rounded_up(1234.5)
    (79, 1300)
    """
    step = 10.0 ** max(0, math.floor(math.log10(count)) - 1)
    return int(math.ceil(round(count / step, 6)) * step)
