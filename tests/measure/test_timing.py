"""Timing: only calls that worked, only the calls, and only until the stop rule is met."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.measure.timing import Answer, SteadyState, TimedCalls, timed


class Model:
    """Answers each input with itself; notes what it was asked."""

    def __init__(self, act: Callable[[Sequence[Any]], None] = lambda batch: None) -> None:
        self.asked: list[Sequence[Any]] = []
        self._act = act

    def __call__(self, batch: Sequence[Any]) -> Sequence[Any]:
        self.asked.append(batch)
        self._act(batch)
        return list(batch)


def rule(**fields: Any) -> MeasureSpec:
    return MeasureSpec.completed({"min_samples": 1, "min_seconds": 0, **fields})


BATCHES = [["a", "b"], ["c"], ["d"]]


def steady_state(model: Any, batches: Any, spec: MeasureSpec) -> tuple[list[Answer], TimedCalls]:
    """A dataset that comes in one portion."""
    steady = SteadyState(model, spec)
    answers = steady.first_round(batches)
    steady.further_rounds(
        [batch for batch, one in zip(batches, answers, strict=True) if isinstance(one, list)]
    )
    return answers, steady.calls


@pytest.mark.parametrize(("wanted", "made"), [(1, 3), (3, 3), (4, 4), (7, 7), (20, 20)])
def test_the_dataset_is_gone_through_once_and_then_on_until_there_are_enough_samples(
    wanted: int, made: int
) -> None:
    model = Model()
    answers, calls = steady_state(model, BATCHES, rule(min_samples=wanted))
    assert len(calls.durations_ns) == made
    assert model.asked == [BATCHES[index % 3] for index in range(made)]
    assert answers == BATCHES
    assert calls.first_round == 3
    assert calls.repeated == (3 if made > 3 else 0)
    assert calls.stopped_by == "enough"
    assert calls.busy_ns == sum(calls.durations_ns)


def test_a_dataset_in_portions_is_gone_through_once_and_then_on_in_the_last_one() -> None:
    model = Model()
    steady = SteadyState(model, rule(min_samples=6))
    assert steady.first_round(BATCHES[:2]) == BATCHES[:2]
    assert steady.first_round(BATCHES[2:]) == BATCHES[2:]
    assert steady.further_rounds(BATCHES[2:]) == [3]
    assert model.asked == [*BATCHES, ["d"], ["d"], ["d"]]
    assert (steady.calls.first_round, steady.calls.repeated) == (3, 1)


def test_enough_samples_are_not_enough_without_enough_seconds() -> None:
    model = Model(lambda batch: time.sleep(0.002))
    _, calls = steady_state(model, [["a"]], rule(min_samples=2, min_seconds=0.03))
    assert sum(calls.durations_ns) >= 0.03e9
    assert len(calls.durations_ns) >= 2
    assert sum(calls.durations_ns[2:-1]) < 0.03e9


def test_a_limit_of_samples_stops_before_there_are_enough_seconds() -> None:
    _, calls = steady_state(Model(), [["a"]], rule(min_seconds=5, max_samples=12))
    assert len(calls.durations_ns) == 12
    assert calls.stopped_by == "max_samples"


def test_a_limit_of_seconds_stops_before_there_are_enough_samples() -> None:
    model = Model(lambda batch: time.sleep(0.005))
    limits = rule(min_samples=1000, max_samples=1000, max_seconds=0.02)
    _, calls = steady_state(model, [["a"]], limits)
    assert len(calls.durations_ns) <= 4  # four of them take as long, however busy the machine
    assert calls.stopped_by == ("max_seconds" if len(calls.durations_ns) > 1 else "first round")


def test_the_first_round_is_whole_whatever_the_limits_say() -> None:
    limits = rule(min_samples=9, max_samples=9, max_seconds=1e-9)
    answers, calls = steady_state(Model(), BATCHES, limits)
    assert answers == BATCHES
    assert calls.stopped_by == "first round"


def test_a_failed_call_is_counted_not_timed_and_not_repeated() -> None:
    def act(batch: Sequence[Any]) -> None:
        if "c" in batch:
            time.sleep(0.05)
            raise ValueError("no c")

    model = Model(act)
    answers, calls = steady_state(model, BATCHES, rule(min_samples=6))
    assert (answers[0], answers[2]) == (["a", "b"], ["d"])
    assert str(answers[1]) == "no c"
    assert len(calls.durations_ns) == 6
    assert (calls.first_round, calls.repeated) == (2, 2)
    assert max(calls.durations_ns) < 0.05e9
    assert model.asked.count(["c"]) == 1


def test_a_call_that_fails_when_it_is_repeated_ends_the_timing() -> None:
    def act(batch: Sequence[Any]) -> None:
        if len(model.asked) > 4:
            raise ValueError("tired")

    model = Model(act)
    answers, calls = steady_state(model, BATCHES, rule(min_samples=100))
    assert answers == BATCHES
    assert len(calls.durations_ns) == 4
    assert (str(calls.late_error), calls.stopped_by) == ("tired", "error")


def test_nothing_goes_on_for_ever_when_every_call_fails() -> None:
    def act(batch: Sequence[Any]) -> None:
        raise RuntimeError("always")

    answers, calls = steady_state(Model(act), BATCHES, rule(min_samples=100))
    assert (len(calls.durations_ns), calls.stopped_by) == (0, "nothing left")
    assert [str(one) for one in answers] == ["always"] * 3


@pytest.mark.parametrize("answers", [[], ["x"], ["x", "y", "z"]])
def test_a_runner_gives_one_answer_to_each_sample(answers: list[str]) -> None:
    with pytest.raises(ModelbenchError, match=f"gave {len(answers)} answers to 2 samples"):
        timed(lambda batch: answers, ["a", "b"])
    given, _ = steady_state(lambda batch: answers, [["a", "b"]], rule())
    assert isinstance(given[0], ModelbenchError)


def test_an_array_without_dimensions_is_no_list_of_answers() -> None:
    with pytest.raises(ModelbenchError, match="predict gave a ndarray without a length: it must"):
        timed(lambda batch: np.array(3.0), ["a"])


def test_a_call_s_duration_is_that_of_the_call() -> None:
    tries = [timed(lambda batch: time.sleep(0.02) or batch, ["a"]) for _ in range(3)]
    assert all(answers == ["a"] for answers, _ in tries)
    durations = [duration for _, duration in tries]
    assert min(durations) >= 0.02e9
    assert min(durations) < 0.2e9  # of several, since anything may hold up one


@pytest.mark.parametrize("fails", [False, True])
def test_garbage_collection_is_held_off_while_a_call_runs_and_then_as_before(fails: bool) -> None:
    seen: list[bool] = []

    def call(batch: Sequence[Any]) -> Sequence[Any]:
        seen.append(gc.isenabled())
        if fails:
            raise ValueError
        return batch

    def make() -> None:
        if fails:
            with pytest.raises(ValueError, match=r"^$"):
                timed(call, ["a"])
        else:
            timed(call, ["a"])

    assert gc.isenabled()
    make()
    assert gc.isenabled()
    gc.disable()
    try:
        make()
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert seen == [False, False]
