"""Warm-up: the first call apart, then on until the series is steady, within limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_modelbench.measure import timing
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.measure.warmup import change_between, warm_up, window_size


def spec(**fields: Any) -> MeasureSpec:
    return MeasureSpec.completed(fields)


class Model:
    """Takes as long as it is told for each call, by a clock that only it moves.

    Notes what it was asked.
    """

    now_ns = 0

    def __init__(self, seconds: Any) -> None:
        self.asked: list[Any] = []
        self._seconds = seconds

    def __call__(self, batch: Sequence[Any]) -> Sequence[Any]:
        self.asked.append(batch[0])
        Model.now_ns += round(1e9 * self._seconds(len(self.asked), batch[0]))
        return batch


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "clock_ns", lambda: Model.now_ns)


def test_a_number_of_calls_is_made_as_asked_after_the_first_which_is_timed_apart() -> None:
    model = Model(lambda number, _: 0.02 if number == 1 else 0)
    seen = warm_up(model, [["a"], ["b"]], spec(warmup=3))
    assert seen.first_ns is not None
    assert seen.first_ns >= 0.02e9
    assert seen.first_ns == seen.durations_ns[0]
    assert model.asked == ["a", "b", "a", "b"]
    assert (seen.ended_by, seen.is_steady) == ("count", None)
    assert seen.rule == "3 calls, as the suite asks"


def test_a_first_call_that_fails_has_no_duration() -> None:
    def model(batch: Sequence[Any]) -> Sequence[Any]:
        if batch == ["a"]:
            raise ValueError("no")
        return batch

    seen = warm_up(model, [["a"], ["b"]], spec(warmup=1))
    assert seen.first_ns is None
    assert len(seen.durations_ns) == 1


def test_a_model_that_gets_faster_is_warmed_up_until_it_does_not() -> None:
    """20 % faster with every five calls, from 8 to 2 ms: not one window may agree before."""

    def seconds(number: int, _: Any) -> float:
        return max(0.002, 0.008 * 0.8 ** (number // 5))

    model = Model(seconds)
    # So wide a limit that only the series itself ends it.
    seen = warm_up(model, [["a"]], spec(warmup_max_seconds=60))
    assert seen.ended_by == "steady"
    assert len(model.asked) > 30, seen.rule
    assert seen.durations_ns[-1] < 0.004e9
    assert "within 2%" in seen.rule


def test_inputs_of_different_length_do_not_make_a_series_unsteady() -> None:
    """Each call is compared with the one on the same input."""
    model = Model(lambda _, length: length)
    batches = [[0.001], [0.005], [0.009]]
    assert warm_up(model, batches, spec(warmup_max_seconds=60)).is_steady is True


@pytest.mark.parametrize(
    ("limits", "ended_by"),
    [({"warmup_max_seconds": 0.2}, "max_seconds"), ({"warmup_max_samples": 60}, "max_samples")],
)
def test_a_series_that_never_settles_is_given_up_at_a_limit_and_says_so(
    limits: dict[str, Any], ended_by: str
) -> None:
    model = Model(lambda number, _: 0.0005 * 1.02**number)  # always slower
    seen = warm_up(model, [["a"]], spec(**limits))
    assert (seen.ended_by, seen.is_steady) == (ended_by, False)
    assert "not within 2%" in seen.rule
    assert len(model.asked) < 300


def test_a_limit_before_two_windows_leaves_it_open_whether_the_series_was_steady() -> None:
    model = Model(lambda *_: 0.03)
    seen = warm_up(model, [["a"]], spec(warmup_max_seconds=0.01))
    assert (seen.ended_by, len(model.asked)) == ("max_seconds", 2)
    assert "too few to compare two windows" in seen.rule


@pytest.mark.parametrize(
    ("warmup", "rule"),
    [("auto", "0 calls in 0.00 s: "), (10, "2 of 10 calls, as the suite asks: ")],
)
def test_calls_that_all_fail_are_given_up_after_three(warmup: Any, rule: str) -> None:
    asked = []

    def model(batch: Sequence[Any]) -> Sequence[Any]:
        asked.append(batch)
        raise RuntimeError("never")

    seen = warm_up(model, [["a"], ["b"]], spec(warmup=warmup))
    assert len(asked) == 3
    assert seen.first_ns is None
    assert not seen.durations_ns
    assert seen.rule == f"{rule}given up after 3 failed calls in a row"
    assert not seen.is_steady


def test_a_model_that_begins_to_fail_is_given_up_as_well() -> None:
    def model(batch: Sequence[Any]) -> Sequence[Any]:
        asked.append(batch)
        if len(asked) > 5:
            raise RuntimeError("no more")
        return batch

    asked: list[Any] = []
    seen = warm_up(model, [["a"]], spec())
    assert len(asked) == 8
    assert seen.rule.startswith("4 calls in ")


def test_single_inputs_that_fail_do_not_end_the_warm_up() -> None:
    """The first one fails here: it alone must not count three times."""

    def seconds(_: int, name: str) -> float:
        if name in ("a", "b"):
            raise ValueError(name)
        return 0.001

    model = Model(seconds)
    seen = warm_up(model, [["a"], ["b"], ["c"], ["d"]], spec(warmup_max_seconds=60))
    assert seen.is_steady is True
    assert set(model.asked) == {"a", "b", "c", "d"}
    assert seen.first_ns is None


def test_no_warm_up_is_possible() -> None:
    model = Model(lambda *_: 0)
    assert len(warm_up(model, [["a"]], spec(warmup=0)).durations_ns) == 1
    assert len(model.asked) == 1


def test_windows_are_long_enough_to_mean_something_and_short_enough_to_wait_for() -> None:
    assert [window_size(seconds) for seconds in (0.0, 1e-5, 0.001, 0.05, 0.2, 9.0)] == [
        10, 1000, 10, 5, 1, 1,
    ]  # fmt: skip
    assert change_between([], [1, 2]) is None
    assert change_between([100, 100, 100], [90, 110, 101]) == 0.01
