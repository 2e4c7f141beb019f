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
    10 ms. A call that fails here fails again when it is timed, and is reported there.
    """
    seen = WarmUp()
    seen.first_ns = _attempt(call, batches[0], seen)
    if spec.warmup != "auto":
        for number in range(spec.warmup):
            _attempt(call, batches[(number + 1) % len(batches)], seen)
        seen.rule = f"{spec.warmup} calls, as the suite asks"
        return seen
    _until_steady(call, batches, spec, seen)
    return seen


def _attempt(call: Call, batch: Sequence[Any], seen: WarmUp) -> int | None:
    try:
        _, duration = timed(call, batch)
    except Exception:
        return None
    seen.durations_ns.append(duration)
    return duration


def _until_steady(
    call: Call, batches: Sequence[Sequence[Any]], spec: MeasureSpec, seen: WarmUp
) -> None:
    limit = _Limit(spec)
    # The first call says nothing about the length of the others, the second does.
    second = _attempt(call, batches[0], seen) if limit.allows() else None
    limit.count(second)
    size = window_size((second or 0) / 1e9)
    inputs = [batches[position % len(batches)] for position in range(size)]
    before: list[int | None] = []
    change = None
    while True:
        window: list[int | None] = []
        for batch in inputs:
            if not limit.allows():
                _end(seen, limit.reason, size, change)
                return
            window.append(_attempt(call, batch, seen))
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
    calls = max(0, len(seen.durations_ns) - 1)
    seconds = sum(seen.durations_ns[1:]) / 1e9
    if change is None:
        comparison = f"too few to compare two windows of {size}"
    else:
        words = "within" if why == "steady" else "not within"
        comparison = (
            f"the last two windows of {size} calls differ by {change:+.1%}, {words} {AGREEMENT:.0%}"
        )
    seen.rule = f"{calls} calls in {seconds:.2f} s: {comparison}"


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
