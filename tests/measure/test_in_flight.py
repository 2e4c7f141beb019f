"""Calls in flight: as many as asked for, each timed by itself, and none waited for without end."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.measure.in_flight import InFlight, InFlightCalls

Done = Callable[[Any], None]
PAUSE_SECONDS = 0.03


class Model:
    """Answers each input with itself, in a thread of its own; notes what it was asked."""

    def __init__(self, act: Callable[[Sequence[Any]], Any] = list) -> None:
        self.asked: list[Sequence[Any]] = []
        self._act = act

    def start(self, batch: Sequence[Any], done: Done) -> None:
        self.asked.append(batch)
        threading.Thread(target=self._answer, args=(batch, done), daemon=True).start()

    def _answer(self, batch: Sequence[Any], done: Done) -> None:
        try:
            answer = self._act(batch)
        except Exception as error:
            answer = error
        done(answer)


def pause(batch: Sequence[Any]) -> list[Any]:
    time.sleep(PAUSE_SECONDS)
    return list(batch)


def at_least(samples: int) -> Callable[[int, float], bool]:
    return lambda count, seconds: count >= samples


def once(count: int, seconds: float) -> bool:
    return True


BATCHES = [["a", "b"], ["c"], ["d"]]


def run(model: Model, limit: int, enough: Callable[[int, float], bool] = once) -> InFlightCalls:
    return InFlight(limit, patience_seconds=30).run(model.start, BATCHES, enough)


@pytest.mark.parametrize(("wanted", "made"), [(1, 3), (3, 3), (4, 4), (20, 20)])
@pytest.mark.parametrize("limit", [1, 2, 8])
def test_each_batch_is_called_once_and_then_on_until_there_is_enough(
    limit: int, wanted: int, made: int
) -> None:
    model = Model()
    calls = run(model, limit, at_least(wanted))
    assert calls.called.tolist() == [number % 3 for number in range(made)]
    assert model.asked == [BATCHES[number % 3] for number in range(made)]
    assert len(calls.durations_ns) == made
    assert calls.answers == BATCHES
    assert (calls.errors, calls.late_error) == ({}, None)


def test_as_many_calls_as_asked_for_are_under_way_and_no_more() -> None:
    """Only all four together get past the barrier; a fifth would break it."""
    barrier = threading.Barrier(4)

    def meet(batch: Sequence[Any]) -> list[Any]:
        barrier.wait(20)
        return list(batch)

    calls = run(Model(meet), 4, at_least(20))
    assert calls.peak_in_flight == 4
    assert calls.errors == {}


def test_calls_one_after_the_other_are_never_two() -> None:
    assert run(Model(pause), 1).peak_in_flight == 1


def test_the_window_is_shorter_than_the_calls_in_it() -> None:
    calls = run(Model(pause), 4, at_least(8))
    assert min(calls.durations_ns) >= PAUSE_SECONDS * 1e9
    assert calls.wall_ns >= 2 * PAUSE_SECONDS * 1e9
    assert calls.wall_ns < sum(calls.durations_ns)
    assert calls.wall_ns >= max(calls.durations_ns)


def test_waiting_for_a_place_is_no_part_of_a_call() -> None:
    """Six calls of equal length through one place: the last waits five times as long as it takes.

    Of several tries the quietest counts, as another process may hold up any call.
    """
    longest = min(max(run(Model(pause), 1, at_least(6)).durations_ns) for _ in range(3))
    assert longest < 4 * PAUSE_SECONDS * 1e9


def test_seconds_are_those_of_the_window() -> None:
    seen: list[tuple[int, float]] = []

    def enough(count: int, seconds: float) -> bool:
        seen.append((count, seconds))
        return seconds >= 0.1

    calls = run(Model(pause), 2, enough)
    counts = [count for count, _ in seen]
    assert counts == list(range(3, 3 + len(seen)))
    assert seen[-1][1] >= 0.1
    assert all(seconds < 0.1 for _, seconds in seen[:-1])
    assert calls.wall_ns >= 0.1e9


@pytest.mark.parametrize("where", ["start", "thread"])
def test_a_call_that_fails_is_told_apart_not_timed_and_its_batch_left_out(where: str) -> None:
    def act(batch: Sequence[Any]) -> list[Any]:
        if batch == ["c"]:
            raise ValueError("no c")
        return list(batch)

    model = Model(act)
    if where == "start":

        def start(batch: Sequence[Any], done: Done) -> None:
            model.asked.append(batch)
            done(act(batch))

        model.start = start  # type: ignore[method-assign]
    calls = run(model, 1, at_least(6))
    assert [calls.answers[0], calls.answers[2]] == [["a", "b"], ["d"]]
    assert list(calls.errors) == [1]
    assert str(calls.errors[1]) == "no c"
    assert calls.called.tolist() == [0, 2] * 3
    assert model.asked.count(["c"]) == 1
    assert calls.late_error is None


def test_a_batch_called_again_before_its_failure_is_known_is_one_failure() -> None:
    def act(batch: Sequence[Any]) -> list[Any]:
        time.sleep(PAUSE_SECONDS)
        raise ValueError("slowly")

    calls = run(Model(act), 8, at_least(8))
    assert (list(calls.errors), calls.late_error) == ([0, 1, 2], None)
    assert (calls.durations_ns.tolist(), calls.called.tolist()) == ([], [])


def test_nothing_goes_on_when_every_call_fails() -> None:
    def act(batch: Sequence[Any]) -> list[Any]:
        raise RuntimeError("always")

    model = Model(act)
    calls = run(model, 1, at_least(100))
    assert len(calls.errors) == len(model.asked) == 3


def test_a_batch_that_fails_after_it_worked_ends_the_window() -> None:
    asked: list[Any] = []

    def act(batch: Sequence[Any]) -> list[Any]:
        asked.append(batch)
        if asked.count(["d"]) == 3:
            raise ValueError("third time")
        return list(batch)

    calls = run(Model(act), 1, at_least(100))
    assert str(calls.late_error) == "third time"
    assert calls.called.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert (calls.answers, calls.errors) == (BATCHES, {})


def test_a_call_has_one_answer_for_each_sample() -> None:
    calls = run(Model(lambda batch: ["x"]), 2)
    assert list(calls.errors) == [0]
    assert str(calls.errors[0]).startswith("the runner gave 1 answers to 2 samples")


def test_only_the_first_answer_of_a_call_counts() -> None:
    def start(batch: Sequence[Any], done: Done) -> None:
        done(list(batch))
        done(ValueError("and again"))

    calls = InFlight(2, patience_seconds=30).run(start, BATCHES, at_least(9))
    assert (calls.answers, calls.errors) == (BATCHES, {})
    assert len(calls.durations_ns) == 9


@pytest.mark.parametrize("limit", [1, 4])
def test_an_answer_that_never_comes_is_a_fault_after_a_time(limit: int) -> None:
    def start(batch: Sequence[Any], done: Done) -> None:
        if batch != ["c"]:
            done(list(batch))

    begun = time.monotonic()
    with pytest.raises(ModelbenchError, match=r"none of 1 calls .* 0\.05 s; .* call 2, of batch 1"):
        InFlight(limit, patience_seconds=0.05).run(start, BATCHES, once)
    assert time.monotonic() - begun < 20


def test_patience_begins_anew_with_every_answer() -> None:
    """Eight calls of 0.2 s one after the other, with a patience of 1 s."""

    def act(batch: Sequence[Any]) -> list[Any]:
        time.sleep(0.2)
        return list(batch)

    for left in (2, 1, 0):
        try:
            calls = InFlight(1, patience_seconds=1).run(Model(act).start, BATCHES, at_least(8))
            break
        except ModelbenchError:  # the machine may have stood still for so long
            if not left:
                raise
    assert calls.wall_ns > 1e9


@pytest.mark.parametrize("on", [True, False])
def test_garbage_collection_is_held_off_meanwhile_and_then_as_before(on: bool) -> None:
    seen: list[bool] = []

    def act(batch: Sequence[Any]) -> list[Any]:
        seen.append(gc.isenabled())
        return list(batch)

    (gc.enable if on else gc.disable)()
    try:
        run(Model(act), 2)
        assert gc.isenabled() is on
    finally:
        gc.enable()
    assert seen == [False] * 3


def test_without_batches_there_is_nothing() -> None:
    calls = InFlight(2).run(Model().start, [], at_least(1))
    assert (calls.wall_ns, calls.peak_in_flight, calls.answers) == (0, 0, [])


def test_a_session_that_can_be_waited_for_answers_when_it_is() -> None:
    """Never more than the limit, the end as it says, and a call that it begins has its place."""
    under_way: list[tuple[Sequence[Any], Any, int]] = []
    most: list[int] = []

    def start(batch: Sequence[Any], done: Any) -> None:
        under_way.append((batch, done, time.perf_counter_ns()))
        most.append(len(under_way))

    def wait() -> bool:
        batch, done, begun = under_way.pop()
        time.sleep(0.001)
        done(list(batch), begun + 7000)
        return True

    calls = InFlight(3, patience_seconds=30).run(start, BATCHES, at_least(20), wait)
    assert (max(most), len(calls.durations_ns), calls.answers) == (3, 20, BATCHES)
    assert min(calls.durations_ns) < 1e6
    assert all(duration >= 7000 for duration in calls.durations_ns)
    assert under_way == []
