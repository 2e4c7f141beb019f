"""Calls in flight end for the reasons that calls one by one do."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_modelbench.execution.calls import Calls, calls_of
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.runners.contract import Session, part_of


class Answering(Session):
    def __init__(self, places: int, failing: Sequence[str] = ()) -> None:
        self.max_in_flight = places
        self._failing = failing

    def predict(self, batch: Sequence[Any]) -> Sequence[Any]:
        if batch[0] in self._failing:
            raise ValueError("no")
        return batch

    def start(self, batch: Sequence[Any], done: Any) -> None:
        def answer() -> None:
            try:
                done(self.predict(batch))
            except ValueError as error:
                done(error)

        threading.Thread(target=answer, daemon=True).start()


def timed(places: int, batches: int, failing: Sequence[str] = (), **spec: Any) -> Calls:
    rule = MeasureSpec(**{"min_samples": 1, "min_seconds": 0, "warmup": 0, **spec})
    calls = calls_of(Answering(places, failing), rule)
    given = [[str(number)] for number in range(batches)]
    calls.warm_up(given)
    calls.portion(given, is_last=True)
    return calls


@pytest.mark.parametrize("places", [1, 3])
@pytest.mark.parametrize(
    ("spec", "stopped_by", "made"),
    [
        ({"min_samples": 5}, "enough", 50),
        ({"min_samples": 10, "max_samples": 10, "min_seconds": 9}, "first round", 50),
        ({"min_samples": 60, "max_samples": 60, "min_seconds": 9}, "max_samples", 60),
    ],
)
def test_why_timing_stopped_means_the_same_in_both_modes(
    places: int, spec: dict[str, Any], stopped_by: str, made: int
) -> None:
    calls = timed(places, 50, **spec)
    assert (calls.timed.stopped_by, len(calls.timed.durations_ns)) == (stopped_by, made)


@pytest.mark.parametrize("places", [1, 3])
def test_a_last_portion_of_failures_leaves_nothing_to_go_on_with(places: int) -> None:
    calls = timed(places, 3, failing=["0", "1", "2"], min_samples=9)
    assert (calls.timed.stopped_by, calls.timed.repeated) == ("nothing left", 0)


def test_warm_up_in_flight_is_decided_on_calls_in_flight() -> None:
    rule = MeasureSpec(warmup_max_seconds=0.2)
    seen = calls_of(Answering(3), rule).warm_up([["a"], ["b"]])
    assert "3 at once" in seen.rule
    assert seen.first_ns == seen.durations_ns[0]


class OfItsOwnShape:
    """A session that is no `Session`, and has none of what may be left out."""

    batch_size = 1

    def predict(self, batch: Sequence[Any]) -> Sequence[Any]:
        return batch


def test_what_a_class_of_its_own_shape_leaves_out_is_the_usual() -> None:
    session = OfItsOwnShape()
    calls = calls_of(session, MeasureSpec(min_samples=3, min_seconds=0, warmup=0))  # type: ignore[arg-type]
    assert calls.portion([["a"], ["b"]], is_last=True).answers == [["a"], ["b"]]
    assert part_of(session, "prepare_batch")(["a"]) == ["a"]
    assert (part_of(session, "prepared_bytes"), part_of(session, "compile_seconds")) == (None, None)
    assert part_of(session, "batch_size") == 1
