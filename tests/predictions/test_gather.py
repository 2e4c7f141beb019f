"""Lines put together: each sample once, speeds from every answer that was timed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from made_predictions import BEGAN, leaderboard, prediction

from pytest_modelbench.predictions.gather import Gathered, gather, seconds_in
from pytest_modelbench.predictions.line import PredictionLine


def gathered(*lines: dict[str, Any]) -> Gathered:
    (found,) = gather(PredictionLine.model_validate(line) for line in lines).values()
    return found


def answers(found: Gathered) -> list[str | None]:
    return [one.answer for one in found.samples.values()]


def moment(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat()


def test_of_a_sample_that_is_there_twice_the_last_answer_counts() -> None:
    lines = [
        prediction(1, "r", "first"),
        prediction(0, "r", None),
        prediction(2, "r", "only"),
        prediction(1, "r", "second"),
        prediction(0, "r", "at last"),
        prediction(1, "r", None),
    ]
    found = gathered(*lines)
    assert answers(found) == ["second", "at last", "only"]
    assert found.repeated == 3


def test_which_is_last_goes_by_when_they_ended_whatever_the_order_of_files() -> None:
    late = prediction(0, "r", "late", ended_at=moment(100))
    assert answers(gathered(late, prediction(0, "r", "early"))) == ["late"]
    one, other = gathered(late), gathered(prediction(0, "r", "early"))
    one.merge(other)
    assert answers(one) == ["late"]
    assert (one.repeated, one.timed) == (1, 2)


def test_lines_that_a_resumed_session_has_copied_are_no_further_answers() -> None:
    mine = {"run_id": "benchmark_20260101_000000_0000000000aa"}
    copied = prediction(0, "r", "a", sent_at=moment(0), ended_at=moment(10), **mine)
    one = gathered(copied, prediction(1, "r", "b", sent_at=moment(1), ended_at=moment(5), **mine))
    one.merge(gathered(copied, prediction(2, "r", "c", sent_at=moment(90), ended_at=moment(99))))
    assert (one.repeated, one.timed) == (0, 3)
    assert one.service_seconds == pytest.approx(3 * (copied["time"]))


def test_lines_of_the_leaderboard_are_told_apart_by_name_reference_and_length() -> None:
    found = gathered(
        leaderboard(0, "a", "x"),
        leaderboard(0, "b", "x"),
        leaderboard(0, "a", "y"),
        leaderboard(0, "a", "x", duration=3.0),
    )
    assert answers(found) == ["y", "x", "x"]


def test_lines_that_nothing_tells_apart_are_samples_of_their_own() -> None:
    line = leaderboard(0, "a", "x", audio_filepath=None)
    one, other = gathered(line, line), gathered(line)
    one.merge(other)
    assert len(one.samples) == 3


def test_cases_and_variants_are_not_thrown_together() -> None:
    lines = [
        prediction(0, "r", "x"),
        prediction(0, "r", "x", case="speech::other[listen]"),
        prediction(0, "r", "x", variant="language=de"),
        prediction(0, "r", "x", split="dev"),
    ]
    assert len(gather(PredictionLine.model_validate(line) for line in lines)) == 4


def test_answers_of_a_cache_are_in_no_speed() -> None:
    found = gathered(
        prediction(0, "r", "x", time=0.0),
        prediction(1, "r", "x", time=None),
        prediction(2, "r", "x", time=4.0),
        prediction(3, "r", "x", time=4.0, duration=None),
    )
    assert (found.timed, found.untimed, found.without_length) == (1, 2, 1)
    assert (found.timed_audio_seconds, found.service_seconds) == (10.0, 4.0)


def test_the_time_of_a_run_goes_from_its_first_request_to_its_last_answer() -> None:
    """What lies between a run and the one that goes on with it is nobody's time."""
    found = gathered(
        prediction(0, "r", "x"),
        prediction(9, "r", None),
        prediction(1000, "r", "x", run_id="another", sent_at=moment(1000), ended_at=moment(1005)),
    )
    assert seconds_in(found.windows.values()) == 10.0 + 5.0


@pytest.mark.parametrize(
    ("windows", "seconds"),
    [
        ([], 0),
        ([(0, 5)], 5),
        ([(0, 5), (5, 6), (8, 9)], 7),
        ([(8, 9), (0, 5), (3, 7)], 8),
        ([(0, 10), (2, 3), (4, 12)], 12),
        ([(3, 3), (3, 3)], 0),
    ],
)
def test_time_in_which_several_are_under_way_counts_once(
    windows: list[tuple[int, int]], seconds: float
) -> None:
    made = [tuple(BEGAN + timedelta(seconds=end) for end in one) for one in windows]
    assert seconds_in(made) == seconds  # type: ignore[arg-type]
