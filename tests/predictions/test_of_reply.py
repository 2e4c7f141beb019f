"""What came of a request, as a line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.endpoints.contract import Answer
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.predictions.line import PredictionLine
from pytest_modelbench.predictions.of_reply import Clock, Source, line_of

SECOND = 1_000_000_000
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCE = Source("openai/whisper-1", "corpus", "test", "s::c[w]", "run", "https://host/v1")
SAMPLE = Sample("7", None, "Guten Tag", "clips/7.wav")


def reply(**fields: Any) -> Reply:
    """Due at 100 s, sent 1 s later, sent again after 3 s, answered 2 s after that."""
    times = {"intended_ns": 100 * SECOND, "first_sent_ns": 101 * SECOND, "sent_ns": 104 * SECOND,
             "retry_ns": 3 * SECOND, "ended_ns": 106 * SECOND, "attempts": 2}  # fmt: skip
    return Reply(**{"place": 0, "part": "measured", **times, **fields})


def made(reply: Reply, sample: Sample = SAMPLE) -> PredictionLine:
    line = line_of(reply, sample, -1, 2.5, SOURCE, Clock(100 * SECOND, NOON))
    return PredictionLine.model_validate(json.loads(line.as_bytes()))


def test_service_is_without_retries_and_wall_is_all_of_it() -> None:
    line = made(reply(answer=Answer("guten tag", notes={"language": "de"})))
    assert (line.time, line.wall_seconds, line.attempts) == (2.0, 6.0, 2)
    assert line.sent_at == NOON + timedelta(seconds=1)
    assert line.ended_at == NOON + timedelta(seconds=6)
    assert (line.status, line.text, line.pred_text) == ("ok", "Guten Tag", "guten tag")
    assert (line.audio_filepath, line.duration, line.row) == ("clips/7.wav", 2.5, "7")
    assert (line.sample_id, line.variant) == ("f" * 16 + "-7", None)
    assert line.notes == {"language": "de"}


def test_a_sample_that_was_never_answered_is_an_error_with_its_reason() -> None:
    line = made(reply(error="the server said 500 four times"))
    assert (line.status, line.error) == ("error", "the server said 500 four times")
    assert (line.time, line.pred_text) == (None, None)
    assert line.wall_seconds == 6.0


def test_one_that_was_never_sent_has_no_time_of_sending() -> None:
    line = made(reply(first_sent_ns=0, sent_ns=0, retry_ns=0, attempts=0, error="no connection"))
    assert (line.sent_at, line.status) == (None, "error")


def test_which_of_several_addresses_answered_is_kept() -> None:
    answer = Answer("x")
    assert made(reply(answer=answer, endpoint="http://b:1/v1")).endpoint == "http://b:1/v1"
    assert made(reply(answer=answer)).endpoint == "https://host/v1"


@pytest.mark.parametrize("text", ["half a \ud800 character", "\u0000", "日本\n"])
def test_any_answer_can_be_written(text: str) -> None:
    line = made(reply(answer=Answer(text)), Sample("0", None, text))
    assert line.pred_text == line.text == text.replace("\ud800", "?")
    assert line.audio_filepath == "sample_0"
