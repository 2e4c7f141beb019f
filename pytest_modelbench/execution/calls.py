"""How a session is called: one call after the other, or several in flight."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.measure.in_flight import PATIENCE_SECONDS, InFlight
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.measure.timing import (
    Answer,
    Call,
    SteadyState,
    TimedCalls,
    check_answers,
    reason_to_stop,
)
from pytest_modelbench.measure.warmup import WarmUp, warm_up
from pytest_modelbench.runners.contract import Session

ROUNDS_TOGETHER = 4
LONGEST_TOGETHER_SECONDS = 1.0
"""Warm-up of the streams of a device, which calls that come one by one do not use."""

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
    if session.max_in_flight > 1:
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
        self.timed = TimedCalls()

    def warm_up(self, batches: Batches) -> WarmUp:
        """One call at a time until they are steady, then as many at once as will be timed."""
        seen = warm_up(waiting(self._session), batches, self._spec)
        if self._spec.warmup != 0:
            rounds, seconds = (
                ROUNDS_TOGETHER * self._session.max_in_flight,
                LONGEST_TOGETHER_SECONDS,
            )
            together = [batches[at % len(batches)] for at in range(self._session.max_in_flight)]
            self._meter.run(
                self._session.start, together, lambda count, took: count >= rounds or took > seconds
            )
        return seen

    def portion(self, batches: Batches, *, is_last: bool) -> Portion:
        before, timed = len(self.timed.durations_ns), self.timed
        enough = self._enough if is_last else lambda count, seconds: True
        seen = self._meter.run(self._session.start, batches, enough)
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
        return Portion(answers, [max(0, count) for count in repeats])

    def _enough(self, count: int, seconds: float) -> bool:
        total = len(self.timed.durations_ns) + count
        reason = reason_to_stop(self._spec, total, self.timed.busy_ns / 1e9 + seconds)
        if reason:
            self.timed.stopped_by = reason
        return reason is not None


def waiting(session: Session) -> Call:
    """A call that begins one and waits for its answer."""

    def call(batch: Sequence[Any]) -> Sequence[Any]:
        answered = threading.Event()
        found: list[Answer] = []

        def done(answer: Answer) -> None:
            found.append(answer)
            answered.set()

        session.start(batch, done)
        if not answered.wait(PATIENCE_SECONDS):
            raise ModelbenchError(
                f"a call was not answered for {PATIENCE_SECONDS:g} s: Session.start must give "
                "`done` an answer, or what went wrong"
            )
        if isinstance(found[0], Exception):
            raise found[0]
        check_answers(found[0], batch)
        return found[0]

    return call
