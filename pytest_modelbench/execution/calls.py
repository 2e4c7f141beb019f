"""How a session is called: one call after the other, or several in flight."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Protocol

from pytest_modelbench.measure.in_flight import Enough, InFlight, InFlightCalls
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.measure.tick import Tick, no_tick
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
    called: Sequence[int]
    """Of which batch each timed call was, in their order."""


class Calls(Protocol):
    """Calls a loaded model and times it."""

    timed: TimedCalls

    def warm_up(self, batches: Batches) -> WarmUp: ...

    def portion(self, batches: Batches, *, is_last: bool) -> Portion:
        """Call each batch once, and the last portion's until the stop rule is met."""

    def further(self, called: Batches, new: Batches) -> list[int]:
        """What is left of that after `portion` with all of the last portion, part by part.

        `called` are the batches of it that worked, `new` those that were not called: an earlier
        session did. How often each of both was called now.
        """

    def seconds_of(self, batches: int) -> float:
        """How long calling so many takes, about; after the warm-up."""


def calls_of(session: Session, spec: MeasureSpec, tick: Tick = no_tick) -> Calls:
    """As the session wants to be called."""
    if part_of(session, "max_in_flight") > 1:
        return CallsInFlight(session, spec, tick)
    return OneByOne(session, spec, tick)


def _usual_ns(timed: TimedCalls, warm: WarmUp) -> float:
    """From one call to the next; before any was timed, how long those of the warm-up took."""
    if timed.busy_ns:
        return timed.busy_ns / max(1, len(timed.durations_ns))
    return statistics.median(warm.durations_ns) if warm.durations_ns else 0.0


class OneByOne:
    """One call at a time: how long does an answer take?"""

    def __init__(self, session: Session, spec: MeasureSpec, tick: Tick = no_tick) -> None:
        self._session = session
        self._spec = spec
        self._steady = SteadyState(session.predict, spec, tick)
        self._warm = WarmUp()
        self.timed = self._steady.calls

    def warm_up(self, batches: Batches) -> WarmUp:
        self._warm = warm_up(self._session.predict, batches, self._spec)
        return self._warm

    def seconds_of(self, batches: int) -> float:
        return batches * _usual_ns(self.timed, self._warm) / 1e9

    def portion(self, batches: Batches, *, is_last: bool) -> Portion:
        answers = self._steady.first_round(batches)
        repeats = [0] * len(batches)
        working = [at for at, one in enumerate(answers) if not isinstance(one, Exception)]
        if is_last:
            counts = self._steady.further_rounds([batches[at] for at in working])
            for at, count in zip(working, counts, strict=True):
                repeats[at] = count
        called = [*working, *islice(cycle(working), sum(repeats))]
        return Portion(answers, repeats, called)

    def further(self, called: Batches, new: Batches) -> list[int]:
        return self._steady.further_rounds([*called, *new], new=len(new))


class CallsInFlight:
    """Several calls at once: how many answers a second?"""

    def __init__(self, session: Session, spec: MeasureSpec, tick: Tick = no_tick) -> None:
        self._session = session
        self._spec = spec
        self._meter = InFlight(session.max_in_flight, tick=tick)
        self._warm = WarmUp()
        self._reason: StoppedBy | None = None
        self.timed = TimedCalls()

    def warm_up(self, batches: Batches) -> WarmUp:
        limit = self._session.max_in_flight
        self._warm = warm_up_in_flight(self._run, batches, limit, self._spec)
        return self._warm

    def seconds_of(self, batches: int) -> float:
        usual_ns = _usual_ns(self.timed, self._warm)
        return batches * usual_ns / 1e9 / (1 if self.timed.busy_ns else self._session.max_in_flight)

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
        return Portion(answers, [max(0, count) for count in repeats], seen.called)

    def further(self, called: Batches, new: Batches) -> list[int]:
        timed, batches = self.timed, [*new, *called]
        counts = [0] * len(batches)
        if (limit := self._limit(0, 0.0)) or not batches:
            timed.stopped_by = why_no_further(limit, bool(batches))
            return counts
        seen = self._run(batches, self._enough, at_least=0)
        for at in seen.called:
            counts[at] += 1
        timed.durations_ns.extend(seen.durations_ns)
        timed.busy_ns += seen.wall_ns
        timed.first_round += sum(map(bool, counts[: len(new)]))
        timed.repeated = len(batches) if sum(counts) > len(new) else 0
        timed.in_flight = max(timed.in_flight, seen.peak_in_flight)
        if late := seen.late_error or next(iter(seen.errors.values()), None):
            timed.late_error, timed.stopped_by = late, "error"
        return [*counts[len(new) :], *counts[: len(new)]]

    def _run(self, batches: Batches, enough: Enough, at_least: int | None = None) -> InFlightCalls:
        wait = part_of(self._session, "wait")
        return self._meter.run(self._session.start, batches, enough, wait, at_least)

    def _enough(self, count: int, seconds: float) -> bool:
        reason = self._limit(count, seconds)
        if reason:
            self._reason = self.timed.stopped_by = reason
        return reason is not None

    def _limit(self, count: int, seconds: float) -> StoppedBy | None:
        total = len(self.timed.durations_ns) + count
        return reason_to_stop(self._spec, total, self.timed.busy_ns / 1e9 + seconds)
