"""Timing of calls: one, a round of them, and on until the stop rule is met."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Callable, Collection, Mapping, Sequence, Set, Sized
from dataclasses import dataclass, field
from itertools import chain, cycle
from time import perf_counter_ns
from typing import Any, Literal

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.measure.tick import Tick, no_tick

# Bound here, so that a model which replaces the module's function does not change our clock.
clock_ns = perf_counter_ns
Call = Callable[[Sequence[Any]], Sequence[Any]]
_NO_LISTS = (Mapping, Set, str, bytes)
"""These have a length, too, but their parts are no answers, or in no order."""
Answer = Sequence[Any] | Exception
"""What a call gave, or what it raised."""
StoppedBy = Literal["enough", "max_samples", "max_seconds", "first round", "nothing left", "error"]


def timed(call: Call, batch: Sequence[Any]) -> tuple[Sequence[Any], int]:
    """One call and its duration in ns, with garbage collection held off meanwhile."""
    __tracebackhide__ = True
    collecting = gc.isenabled()
    gc.disable()
    try:
        start = clock_ns()
        answers = call(batch)
        duration = clock_ns() - start
    finally:
        if collecting:
            gc.enable()
    check_answers(answers, batch)
    return answers, duration


def check_answers(answers: Any, batch: Sequence[Any]) -> None:
    """Raises `ModelbenchError` unless there is one answer for each of `batch`."""
    if not isinstance(answers, Sized) or isinstance(answers, _NO_LISTS):
        raise ModelbenchError(
            f"the runner's predict gave a {type(answers).__name__}: it must give a list with one "
            "answer for each sample"
        )
    try:
        count = len(answers)
    except Exception:  # as of an array without dimensions, which has the method all the same
        raise ModelbenchError(
            f"the runner's predict gave a {type(answers).__name__} without a length: it must give "
            "a list with one answer for each sample"
        ) from None
    if count != len(batch):
        raise ModelbenchError(
            f"the runner gave {count} answers to {len(batch)} samples: it must give one each"
        )


@dataclass(slots=True)
class TimedCalls:
    """The calls of the steady state."""

    durations_ns: array[int] = field(default_factory=lambda: array("q"))
    """Successful calls only, in the order made."""
    first_round: int = 0
    """How many of those calls belong to the first round of the dataset."""
    repeated: int = 0
    """Calls after those go round the last so many of the first round, in their order."""
    busy_ns: int = 0
    """Wall time in which calls were under way."""
    in_flight: int = 1
    """How many calls were under way at once, at most."""
    late_error: Exception | None = None
    """What a call of a later round failed with; nothing was timed after it."""
    stopped_by: StoppedBy = "first round"

    def leave_out(self, called: Sequence[int], useless: Collection[int]) -> None:
        """Of the last calls, take those of `useless` batches back, as if they had failed.

        `called` says of which batch each was; of each batch the first call is among them.
        """
        start = len(self.durations_ns) - len(called)
        last = self.durations_ns[start:]
        del self.durations_ns[start:]
        for at, duration in zip(called, last, strict=True):
            if at not in useless:
                self.durations_ns.append(duration)
            elif self.in_flight == 1:  # else others were under way at the same time
                self.busy_ns -= duration
        self.first_round -= len(useless)
        self.repeated = max(0, self.repeated - len(useless))


def reason_to_stop(spec: MeasureSpec, count: int, seconds: float) -> StoppedBy | None:
    """Why there should be no further call after `count` in `seconds`, or None."""
    if count >= spec.min_samples and seconds >= spec.min_seconds:
        return "enough"
    if count >= spec.max_samples:
        return "max_samples"
    return "max_seconds" if seconds >= spec.max_seconds else None


def why_no_further(limit: StoppedBy | None, did_any_work: bool) -> StoppedBy:
    """Why the calls end with the first round, where `limit` says what it reached.

    >>> why_no_further("max_samples", True), why_no_further(None, False)
    ('first round', 'nothing left')
    """
    if limit == "enough":
        return limit
    return "first round" if limit or did_any_work else "nothing left"


class SteadyState:
    """Times calls one after the other: every batch once, then on until the stop rule is met."""

    def __init__(self, call: Call, spec: MeasureSpec, tick: Tick = no_tick) -> None:
        self.calls = TimedCalls()
        self._call = call
        self._spec = spec
        self._tick = tick

    def first_round(self, batches: Sequence[Sequence[Any]]) -> list[Answer]:
        """Time each batch once; a dataset may come in several parts."""
        __tracebackhide__ = True  # by pytest, in the traceback of a test's own function
        answers: list[Answer] = []
        calls = self.calls
        gc.collect()
        for batch in batches:
            try:
                answer, duration = timed(self._call, batch)
            except Exception as error:
                answers.append(error)
                continue
            answers.append(answer)
            calls.durations_ns.append(duration)
            calls.busy_ns += duration
            self._tick(len(answers))
        calls.first_round = len(calls.durations_ns)
        return answers

    def further_rounds(self, batches: Sequence[Sequence[Any]], new: int = 0) -> list[int]:
        """Go on with `batches`, the last ones that worked; how often each was called.

        The last `new` of them were not called before: their first calls, as far as they are
        needed, belong to the first round.
        """
        __tracebackhide__ = True
        calls = self.calls
        counts = [0] * len(batches)
        limit = self._limit()
        if limit or not batches:
            calls.stopped_by = why_no_further(limit, bool(batches))
            return counts
        for index in chain(range(len(batches) - new, len(batches)), cycle(range(len(batches)))):
            if limit := self._limit():
                calls.stopped_by = limit
                break
            try:
                _, duration = timed(self._call, batches[index])
            except Exception as error:
                calls.late_error, calls.stopped_by = error, "error"
                break
            calls.durations_ns.append(duration)
            calls.busy_ns += duration
            counts[index] += 1
            self._tick(len(batches))
        calls.first_round += min(new, sum(counts))
        calls.repeated = len(batches) if sum(counts) > new else 0
        return counts

    def _limit(self) -> StoppedBy | None:
        return reason_to_stop(self._spec, len(self.calls.durations_ns), self.calls.busy_ns / 1e9)
