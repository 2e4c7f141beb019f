"""Timing of calls: first, warm-up, and the steady state until the stop rule is met."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.measure.spec import MeasureSpec

Call = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(slots=True)
class TimedCalls:
    """What the steady state gave. `answers[i]` belongs to `batches[i]` of the first round."""

    durations_ns: list[int] = field(default_factory=list)
    """Successful calls only, in the order made."""
    called: list[int] = field(default_factory=list)
    """Which batch each of those calls was given."""
    first_round: int = 0
    """How many of those calls belong to the first round."""
    answers: list[Sequence[Any] | None] = field(default_factory=list)
    errors: dict[int, Exception] = field(default_factory=dict)
    """Batches of the first round whose call failed."""
    late_error: Exception | None = None
    """What a call of a later round failed with; nothing was timed after it."""


def timed(call: Call, batch: Sequence[Any]) -> tuple[Sequence[Any], int]:
    """One call and its duration in ns, with garbage collection held off meanwhile."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter_ns()
        answers = call(batch)
        duration = time.perf_counter_ns() - start
    finally:
        if collecting:
            gc.enable()
    if not isinstance(answers, Sized):
        raise ModelbenchError(
            f"the runner's predict gave a {type(answers).__name__}: it must give a list with one "
            "answer for each sample"
        )
    if len(answers) != len(batch):
        raise ModelbenchError(
            f"the runner gave {len(answers)} answers to {len(batch)} samples: it must give one each"
        )
    return answers, duration


def warm_up(call: Call, batches: Sequence[Sequence[Any]], spec: MeasureSpec) -> int | None:
    """Make the first call and the warm-up calls; the first call's duration in ns, or None.

    A call that fails here fails again in the first round, and is reported there.
    """
    first = None
    for number in range(1 + spec.warmup):
        try:
            _, duration = timed(call, batches[number % len(batches)])
        except Exception:
            continue
        if number == 0:
            first = duration
    return first


def steady_state(call: Call, batches: Sequence[Sequence[Any]], spec: MeasureSpec) -> TimedCalls:
    """Go through all batches once, then on through those that worked until the rule is met."""
    calls = TimedCalls()
    gc.collect()
    for index, batch in enumerate(batches):
        try:
            answers, duration = timed(call, batch)
        except Exception as error:
            calls.errors[index] = error
            calls.answers.append(None)
            continue
        calls.answers.append(answers)
        calls.durations_ns.append(duration)
        calls.called.append(index)
    calls.first_round = len(calls.durations_ns)
    _further_rounds(call, batches, spec, calls)
    return calls


def _further_rounds(
    call: Call, batches: Sequence[Sequence[Any]], spec: MeasureSpec, calls: TimedCalls
) -> None:
    working = list(calls.called)
    seconds = sum(calls.durations_ns) / 1e9
    while working:
        for index in working:
            count = len(calls.durations_ns)
            if count >= spec.max_samples or seconds >= spec.max_seconds:
                return
            if count >= spec.min_samples and seconds >= spec.min_seconds:
                return
            try:
                _, duration = timed(call, batches[index])
            except Exception as error:
                calls.late_error = error
                return
            calls.durations_ns.append(duration)
            calls.called.append(index)
            seconds += duration / 1e9
