"""The first call, and the calls after it until the series is steady."""

from __future__ import annotations

import statistics
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.measure.timing import Call, timed

AGREEMENT = 0.02
"""Windows whose median ratio differs from 1 by no more are the same."""
_CALLS = 10
_LONGEST_WINDOW_SECONDS = 0.25
_SHORTEST_WINDOW_SECONDS = 0.01
_MOST_CALLS = 1000
GIVE_UP_AFTER = 3
"""So many failed calls in a row end the warm-up: what they fail of, the timed calls will say."""

_GIVEN_UP = f"given up after {GIVE_UP_AFTER} failed calls in a row"

EndedBy = Literal["steady", "count", "max_seconds", "max_samples"]


@dataclass(slots=True)
class WarmUp:
    """The calls before the timed ones."""

    durations_ns: array[int] = field(default_factory=lambda: array("q"))
    """Successful calls, in the order made."""
    first_ns: int | None = None
    """The first call of all; None when it failed."""
    ended_by: EndedBy = "count"
    rule: str = ""
    """How it was decided."""

    @property
    def is_steady(self) -> bool | None:
        """None when nobody asked."""
        return None if self.ended_by == "count" else self.ended_by == "steady"


def warm_up(call: Call, batches: Sequence[Sequence[Any]], spec: MeasureSpec) -> WarmUp:
    """Make the first call and the warm-up calls.

    Unless the suite gives a number, calls go on until two successive windows agree: their calls
    are compared one by one on the same inputs, and the median of the ratios is within 2 % of 1. A
    window has 10 calls; fewer, so that it takes no longer than 0.25 s, and more, so that it takes
    10 ms. A call that fails here fails again when it is timed, and is reported there; after three
    in a row there are no more.
    """
    attempts = _Attempts(call, batches)
    seen = attempts.seen
    seen.first_ns = attempts.make(0)
    if spec.warmup == "auto":
        _until_steady(attempts, spec)
        return seen
    seen.rule = f"{spec.warmup} calls, as the suite asks"
    for number in range(spec.warmup):
        if attempts.are_hopeless:
            seen.rule = f"{number} of {seen.rule}: {_GIVEN_UP}"
            break
        attempts.make(number + 1)
    return seen


class _Attempts:
    """Calls that may fail."""

    def __init__(self, call: Call, batches: Sequence[Sequence[Any]]) -> None:
        self.seen = WarmUp()
        self.failed_in_a_row = 0
        self._call = call
        self._batches = batches

    def make(self, position: int) -> int | None:
        """Its duration in ns; None if it failed. After the last batch comes the first."""
        try:
            _, duration = timed(self._call, self._batches[position % len(self._batches)])
        except Exception:
            self.failed_in_a_row += 1
            return None
        self.failed_in_a_row = 0
        self.seen.durations_ns.append(duration)
        return duration

    @property
    def are_hopeless(self) -> bool:
        return self.failed_in_a_row >= GIVE_UP_AFTER


def _until_steady(attempts: _Attempts, spec: MeasureSpec) -> None:
    seen, limit = attempts.seen, _Limit(spec)
    start, second = 0, None
    # The first call says nothing about the length of the others, the second does. Where calls
    # fail it is the first that works: one bad input at the beginning is not the model's fault.
    while second is None and limit.allows() and not attempts.are_hopeless:
        start = attempts.failed_in_a_row
        second = attempts.make(start)
        limit.count(second)
    size = window_size((second or 0) / 1e9)
    before: list[int | None] = []
    change = None
    while True:
        window: list[int | None] = []
        for position in range(start, start + size):
            if attempts.are_hopeless:
                seen.ended_by, seen.rule = "max_samples", f"{_calls_so_far(seen)}: {_GIVEN_UP}"
                return
            if not limit.allows():
                _end(seen, limit.reason, size, change)
                return
            window.append(attempts.make(position))
            limit.count(window[-1])
        change = change_between(before, window)
        if change is not None and abs(change) <= AGREEMENT:
            _end(seen, "steady", size, change)
            return
        before = window


def window_size(seconds_per_call: float) -> int:
    """How many calls are compared with as many before them.

    >>> window_size(1e-6), window_size(0.0002), window_size(0.01), window_size(0.1), window_size(3)
    (1000, 50, 10, 2, 1)
    """
    if seconds_per_call <= 0:
        return _CALLS
    least = round(_SHORTEST_WINDOW_SECONDS / seconds_per_call)
    most = max(1, int(_LONGEST_WINDOW_SECONDS / seconds_per_call))
    return min(max(_CALLS, least), most, _MOST_CALLS)


def change_between(before: Sequence[int | None], after: Sequence[int | None]) -> float | None:
    """The median of `after / before - 1`, call by call; None where there is nothing to compare.

    >>> change_between([100, 200, None], [101, 202, 300])
    0.01
    """
    pairs = zip(before, after, strict=False)
    ratios = [new / old for old, new in pairs if old and new]
    return round(statistics.median(ratios) - 1, 6) if ratios else None


def _end(seen: WarmUp, why: EndedBy, size: int, change: float | None) -> None:
    """Note why it ended, and the decision in words, with its figures."""
    seen.ended_by = why
    comparison = comparison_of("the last two windows", size, change, why)
    seen.rule = f"{_calls_so_far(seen)}: {comparison}"


def comparison_of(what: str, size: int, change: float | None, why: EndedBy) -> str:
    """By how much two windows of `size` calls differ, in words."""
    if change is None:
        return f"too few to compare two windows of {size}"
    words = "within" if why == "steady" else "not within"
    return f"{what} of {size} calls differ by {change:+.1%}, {words} {AGREEMENT:.0%}"


def _calls_so_far(seen: WarmUp) -> str:
    """Successful ones, without the first of all."""
    durations = seen.durations_ns if seen.first_ns is None else seen.durations_ns[1:]
    return f"{len(durations)} calls in {sum(durations) / 1e9:.2f} s"


class _Limit:
    """How much warming up the suite allows."""

    def __init__(self, spec: MeasureSpec) -> None:
        self._spec = spec
        self._calls = 0
        self._seconds = 0.0
        self.reason: EndedBy = "max_samples"

    def allows(self) -> bool:
        if self._calls >= self._spec.warmup_max_samples:
            self.reason = "max_samples"
            return False
        if self._seconds >= self._spec.warmup_max_seconds:
            self.reason = "max_seconds"
            return False
        return True

    def count(self, duration_ns: int | None) -> None:
        self._calls += 1
        # A call that fails takes time that nobody measured: let it count, too.
        self._seconds += (duration_ns if duration_ns is not None else 1e8) / 1e9
