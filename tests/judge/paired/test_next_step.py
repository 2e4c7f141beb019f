"""What is measured next follows from what was measured."""

from __future__ import annotations

from typing import Any

import pytest
from simulated_launches import Code, procedure, question, recorded

from pytest_modelbench.judge.paired import PairedData, is_measured_in_pairs, next_step

SAME = [Code(), Code()]
SLOWER = [Code(), Code(0.2)]
NEAR = [Code(), Code(0.04)]
P50 = question()


def step(*launches: Any, questions: Any = (P50,), left: float = 1.0, **fields: Any) -> str:
    return next_step(recorded(*launches, **fields), questions, left)


def series(decisions: int, confirmations: int) -> dict[str, list[str]]:
    return {"series": ["decision"] * decisions + ["confirmation"] * confirmations}


def test_nothing_asked_is_nothing_measured() -> None:
    data = PairedData(("baseline", "candidate"), procedure(), [])
    assert next_step(data, [], 9.0) == "done"
    assert next_step(data, [question("wer", 0.01)], 9.0) == "done"
    assert next_step(data, [P50], 9.0) == "launch"


@pytest.mark.parametrize("metric", ["p50_latency_ms", "p99_latency_ms", "peak_ram_mb"])
def test_whoever_asks_gets_two_launches(metric: str) -> None:
    asked = [question(metric, None)]
    assert step(SAME, questions=asked) == "launch"
    assert step(SAME, SAME, questions=asked) == "done"


def test_equal_sides_are_done_at_the_first_look() -> None:
    assert step(SAME, SAME) == "done"


def test_it_goes_on_while_it_is_undecided_until_there_may_be_no_more() -> None:
    for count in (2, 3, 4, 5):
        assert step(*[NEAR] * count) == "launch"
    assert step(*[NEAR] * 6) == "done"
    assert step(*[NEAR] * 4, most_launches=4) == "done"


def test_it_goes_on_while_any_question_is_undecided() -> None:
    strict = question("mean_latency_ms", "1%")
    assert step(SAME, SAME, questions=[P50, strict]) == "launch"


def test_without_time_left_there_is_no_further_launch() -> None:
    assert step(*[NEAR] * 2, left=0.0) == "done"
    assert step(NEAR, left=-1.0) == "done"


def test_a_regression_is_confirmed_once_everything_is_decided() -> None:
    strict = question("mean_latency_ms", "21%")
    assert step(SLOWER, SLOWER) == "confirm"
    assert step(SLOWER, SLOWER, questions=[P50, strict]) == "launch"


def test_confirming_has_time_of_its_own() -> None:
    assert step(SLOWER, SLOWER, left=0.0) == "confirm"
    assert step(SLOWER, SLOWER, SLOWER, **series(2, 1), left=0.0) == "done"


def test_confirming_goes_on_until_it_is_shown_or_not() -> None:
    assert step(*[SLOWER] * 3, **series(2, 1)) == "confirm"
    assert step(*[SLOWER] * 4, **series(2, 2)) == "done"
    assert step(SLOWER, SLOWER, SAME, SAME, **series(2, 2)) == "done"
    assert step(SLOWER, SLOWER, NEAR, NEAR, **series(2, 2)) == "confirm"
    assert step(*[SLOWER] * 2, *[NEAR] * 6, **series(2, 6)) == "done"


def test_confirming_is_stricter_where_there_are_many_verdicts() -> None:
    assert step(*[SLOWER] * 4, **series(2, 2), verdict_count=100_000) == "confirm"


def test_tails_have_launches_until_there_are_calls_enough() -> None:
    tail = [question("p95_latency_ms", "15%")]
    for count in (2, 4):
        assert step(*[SAME] * count, questions=tail) == "launch"
    assert step(*[SAME] * 6, questions=tail) == "done"
    assert step(*[SAME] * 2, questions=tail, blocks=60) == "launch", "two launches are too few"


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        (question("p99_latency_ms", "25%"), {}),
        (question("p95_latency_ms", "15%"), {"repeats": 5}),
        (question("max_latency_ms", "15%"), {}),
        (question("compile_seconds", "15%"), {}),
        (question("tokens_per_sec", "15%", better="higher"), {}),
    ],
    ids=lambda one: getattr(one, "metric", ""),
)
def test_no_launches_are_made_for_what_none_would_answer(
    asked: Any, fields: dict[str, Any]
) -> None:
    assert step(SAME, SAME, questions=[asked], **fields) == "done"


def test_what_is_measured_in_pairs_is_known_by_name() -> None:
    for name in ("latency_ms", "p90_latency_ms", "x_realtime", "peak_ram_mb", "first_latency_ms"):
        assert is_measured_in_pairs(name)
    for name in ("wer", "sample_count", "file_size_mb", "inference_seconds", "anything"):
        assert not is_measured_in_pairs(name)
