"""Timing: only calls that worked, only the calls, and only until the stop rule is met."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.measure.timing import steady_state, timed, warm_up


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


@pytest.mark.parametrize(("wanted", "made"), [(1, 3), (3, 3), (4, 4), (7, 7), (20, 20)])
def test_the_dataset_is_gone_through_once_and_then_on_until_there_are_enough_samples(
    wanted: int, made: int
) -> None:
    model = Model()
    calls = steady_state(model, BATCHES, rule(min_samples=wanted))
    assert len(calls.durations_ns) == len(calls.called) == made
    assert calls.called == [index % 3 for index in range(made)]
    assert model.asked == [BATCHES[index % 3] for index in range(made)]
    assert calls.answers == BATCHES
    assert calls.first_round == 3
    assert calls.errors == {}


def test_enough_samples_are_not_enough_without_enough_seconds() -> None:
    model = Model(lambda batch: time.sleep(0.002))
    calls = steady_state(model, [["a"]], rule(min_samples=2, min_seconds=0.03))
    assert sum(calls.durations_ns) >= 0.03e9
    assert 5 <= len(calls.durations_ns) <= 15
    assert sum(calls.durations_ns[:-1]) < 0.03e9


def test_a_limit_of_samples_stops_before_there_are_enough_seconds() -> None:
    calls = steady_state(Model(), [["a"]], rule(min_seconds=5, max_samples=12))
    assert len(calls.durations_ns) == 12


def test_a_limit_of_seconds_stops_before_there_are_enough_samples() -> None:
    model = Model(lambda batch: time.sleep(0.005))
    calls = steady_state(model, [["a"]], rule(min_samples=1000, max_samples=1000, max_seconds=0.02))
    assert 2 <= len(calls.durations_ns) <= 4


def test_the_first_round_is_whole_whatever_the_limits_say() -> None:
    calls = steady_state(Model(), BATCHES, rule(max_samples=1, max_seconds=1e-9))
    assert calls.answers == BATCHES


def test_a_failed_call_is_counted_not_timed_and_not_repeated() -> None:
    def act(batch: Sequence[Any]) -> None:
        if "c" in batch:
            time.sleep(0.05)
            raise ValueError("no c")

    model = Model(act)
    calls = steady_state(model, BATCHES, rule(min_samples=6))
    assert calls.answers == [["a", "b"], None, ["d"]]
    assert list(calls.errors) == [1]
    assert str(calls.errors[1]) == "no c"
    assert calls.called == [0, 2, 0, 2, 0, 2]
    assert max(calls.durations_ns) < 0.05e9
    assert model.asked.count(["c"]) == 1


def test_nothing_goes_on_for_ever_when_every_call_fails() -> None:
    def act(batch: Sequence[Any]) -> None:
        raise RuntimeError("always")

    calls = steady_state(Model(act), BATCHES, rule(min_samples=100))
    assert (calls.durations_ns, calls.answers) == ([], [None, None, None])
    assert len(calls.errors) == 3


@pytest.mark.parametrize("answers", [[], ["x"], ["x", "y", "z"]])
def test_a_runner_gives_one_answer_to_each_sample(answers: list[str]) -> None:
    with pytest.raises(ModelbenchError, match=f"gave {len(answers)} answers to 2 samples"):
        timed(lambda batch: answers, ["a", "b"])
    calls = steady_state(lambda batch: answers, [["a", "b"]], rule())
    assert isinstance(calls.errors[0], ModelbenchError)


def test_a_call_s_duration_is_that_of_the_call() -> None:
    answers, duration = timed(lambda batch: time.sleep(0.02) or batch, ["a"])
    assert answers == ["a"]
    assert 0.02e9 <= duration < 0.2e9


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


def test_the_first_call_is_timed_apart_and_the_warm_up_follows_it() -> None:
    pauses = iter([0.02, 0, 0, 0])
    model = Model(lambda batch: time.sleep(next(pauses)))
    first = warm_up(model, [["a"], ["b"]], rule(warmup=3))
    assert first is not None
    assert first >= 0.02e9
    assert model.asked == [["a"], ["b"], ["a"], ["b"]]


def test_a_first_call_that_fails_has_no_duration() -> None:
    def act(batch: Sequence[Any]) -> None:
        if batch == ["a"]:
            raise ValueError("no")

    model = Model(act)
    assert warm_up(model, [["a"], ["b"]], rule(warmup=1)) is None
    assert len(model.asked) == 2
