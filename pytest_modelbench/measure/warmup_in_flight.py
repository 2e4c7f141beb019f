"""Warm-up of calls in flight: as many at once as will be timed, until their rate holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pytest_modelbench.measure.in_flight import Enough, InFlightCalls
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.measure.warmup import AGREEMENT, EndedBy, WarmUp, comparison_of

_WINDOW_SECONDS = 0.1
_LONGEST_WINDOW_SECONDS = 0.5
_CALLS_A_PLACE = 4
_MOST_CALLS = 4096

Batches = Sequence[Sequence[Any]]
Run = Callable[[Batches, Enough], InFlightCalls]
"""Calls each batch once, then goes round them until there is enough."""


def warm_up_in_flight(run: Run, batches: Batches, limit: int, spec: MeasureSpec) -> WarmUp:
    """Make the first call by itself, then calls with `limit` under way.

    Unless the suite gives a number, they go on until two successive windows of the same calls
    have rates (calls a second) within 2 % of each other. A window has four calls a place, and
    more, so that it takes 0.1 s; fewer, down to one a place, where it would take over 0.5 s.
    """
    windows = _Windows(run, batches)
    first = windows.make(1)
    windows.seen.first_ns = first.durations_ns[0] if first.durations_ns else None
    if spec.warmup != "auto":
        if spec.warmup:
            windows.make(spec.warmup)
        windows.seen.rule = f"{spec.warmup} calls, as the suite asks, {limit} at once"
        return windows.seen
    _until_steady(windows, limit, spec)
    return windows.seen


class _Windows:
    """Windows of calls, each of which begins with the first batch."""

    def __init__(self, run: Run, batches: Batches) -> None:
        self.seen = WarmUp()
        self.calls = 0
        """Successful ones, without the first of all."""
        self.seconds = 0.0
        self._run = run
        self._batches = batches

    def make(self, size: int, most_seconds: float = float("inf")) -> InFlightCalls:
        """So many calls, unless they take longer."""
        # Each of the batches given is called at least once.
        batches = self._batches[:size]
        made = self._run(batches, lambda count, seconds: count >= size or seconds >= most_seconds)
        self.seen.durations_ns.extend(made.durations_ns)
        return made


def _until_steady(windows: _Windows, limit: int, spec: MeasureSpec) -> None:
    size, rate, change = _CALLS_A_PLACE * limit, None, None
    is_trial = True
    while True:
        left = spec.warmup_max_seconds - windows.seconds
        room = spec.warmup_max_samples - windows.calls
        if left <= 0 or room <= 0:
            return _end(windows, "max_seconds" if left <= 0 else "max_samples", size, limit, change)
        made = windows.make(min(size, room), left)
        count = len(made.durations_ns)
        windows.calls += count
        windows.seconds += made.wall_ns / 1e9
        if not count or made.late_error is not None:
            # What they fail of, the timed calls will say.
            windows.seen.ended_by = "max_samples"
            windows.seen.rule = f"{windows.calls} calls: given up, as calls fail"
            return None
        before, rate = rate, count / made.wall_ns * 1e9
        if is_trial:  # it says how long the others are to be
            size, rate, is_trial = window_size(rate, limit), None, False
        elif count != size:
            rate = None  # cut short, or calls failed
        elif before is not None:
            change = rate / before - 1
            if abs(change) <= AGREEMENT:
                return _end(windows, "steady", size, limit, change)


def window_size(calls_per_second: float, limit: int) -> int:
    """How many calls are compared with as many before them.

    >>> window_size(20_000, 4), window_size(1000, 4), window_size(20, 4), window_size(0.1, 4)
    (2000, 100, 10, 4)
    """
    least = max(_CALLS_A_PLACE * limit, round(_WINDOW_SECONDS * calls_per_second))
    most = max(limit, int(_LONGEST_WINDOW_SECONDS * calls_per_second))
    return min(least, most, max(limit, _MOST_CALLS))


def _end(windows: _Windows, why: EndedBy, size: int, limit: int, change: float | None) -> None:
    """Note why it ended, and the decision in words, with its figures."""
    windows.seen.ended_by = why
    comparison = comparison_of("the rates of the last two windows", size, change, why)
    windows.seen.rule = (
        f"{windows.calls} calls in {windows.seconds:.2f} s, {limit} at once: {comparison}"
    )
