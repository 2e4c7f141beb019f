"""How a session is called: one call after the other, or several in flight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_modelbench.measure.in_flight import Enough, InFlight, InFlightCalls
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.measure.timing import (
    Answer,
    SteadyState,
    StoppedBy,
    TimedCalls,
    reason_to_stop,
    why_no_further,
)
from pytest_modelbench.measure.warmup import WarmUp, warm_up
from pytest_modelbench.measure.warmup_in_flight import warm_up_in_flight
from pytest_modelbench.runners.contract import Session, part_of

Batches = Sequence[Sequence[Any]]


@dataclass(slots=True)
class Portion:
    """What the timed calls of a part of the dataset gave."""

    answers: list[Answer]
    """For each batch, of the first time it was called."""
    repeats: list[int]
    """How often each batch was called again after that."""


class Calls(Protocol):
    """Calls a loaded model and times it."""

    timed: TimedCalls

    def warm_up(self, batches: Batches) -> WarmUp: ...

    def portion(self, batches: Batches, *, is_last: bool) -> Portion:
        """Call each batch once, and the last portion's until the stop rule is met."""


def calls_of(session: Session, spec: MeasureSpec) -> Calls:
    """As the session wants to be called."""
    if part_of(session, "max_in_flight") > 1:
        return CallsInFlight(session, spec)
    return OneByOne(session, spec)


class OneByOne:
    """One call at a time: how long does an answer take?"""

    def __init__(self, session: Session, spec: MeasureSpec) -> None:
        self._session = session
        self._spec = spec
        self._steady = SteadyState(session.predict, spec)
        self.timed = self._steady.calls

    def warm_up(self, batches: Batches) -> WarmUp:
        return warm_up(self._session.predict, batches, self._spec)

    def portion(self, batches: Batches, *, is_last: bool) -> Portion:
        answers = self._steady.first_round(batches)
        repeats = [0] * len(batches)
        if is_last:
            working = [at for at, one in enumerate(answers) if not isinstance(one, Exception)]
            counts = self._steady.further_rounds([batches[at] for at in working])
            for at, count in zip(working, counts, strict=True):
                repeats[at] = count
        return Portion(answers, repeats)


class CallsInFlight:
    """Several calls at once: how many answers a second?"""

    def __init__(self, session: Session, spec: MeasureSpec) -> None:
        self._session = session
        self._spec = spec
        self._meter = InFlight(session.max_in_flight)
        self._reason: StoppedBy | None = None
        self.timed = TimedCalls()

    def warm_up(self, batches: Batches) -> WarmUp:
        return warm_up_in_flight(self._run, batches, self._session.max_in_flight, self._spec)

    def portion(self, batches: Batches, *, is_last: bool) -> Portion:
        before, timed = len(self.timed.durations_ns), self.timed
        seen = self._run(batches, self._enough if is_last else lambda count, seconds: True)
        answers = seen.answers
        repeats = [-1] * len(batches)
        for at in seen.called:
            repeats[at] += 1
        timed.durations_ns.extend(seen.durations_ns)
        timed.busy_ns += seen.wall_ns
        worked = sum(not isinstance(answer, Exception) for answer in answers)
        timed.first_round = before + worked
        timed.repeated = worked if is_last and len(seen.called) > worked else 0
        timed.in_flight = max(timed.in_flight, seen.peak_in_flight)
        if seen.late_error is not None:
            timed.late_error, timed.stopped_by = seen.late_error, "error"
        elif is_last and not timed.repeated:
            timed.stopped_by = why_no_further(self._reason, bool(worked))
        return Portion(answers, [max(0, count) for count in repeats])

    def _run(self, batches: Batches, enough: Enough) -> InFlightCalls:
        wait = part_of(self._session, "wait")
        return self._meter.run(self._session.start, batches, enough, wait)

    def _enough(self, count: int, seconds: float) -> bool:
        total = len(self.timed.durations_ns) + count
        reason = reason_to_stop(self._spec, total, self.timed.busy_ns / 1e9 + seconds)
        if reason:
            self._reason = self.timed.stopped_by = reason
        return reason is not None
