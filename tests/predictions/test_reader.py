"""Files of predictions are read to the last whole line; what is none is said, with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_predictions import leaderboard, prediction, written

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.predictions.line import PredictionLine, sample_id
from pytest_modelbench.predictions.reader import answered, read_predictions


def test_a_line_is_read_as_it_was_written(tmp_path: Path) -> None:
    line = PredictionLine.model_validate(
        prediction(3, "zwei\nZeilen", "“Straße” \u2028", notes={"finish": "stop", "n": [1, None]})
    )
    file = tmp_path / "p.jsonl"
    file.write_bytes(line.as_bytes())
    (found,) = read_predictions(file)
    assert found == line
    assert list(json.loads(file.read_text()))[:5] == [
        "audio_filepath", "duration", "time", "text", "pred_text",
    ]  # fmt: skip


def test_lines_of_the_leaderboard_take_model_and_dataset_from_the_name(tmp_path: Path) -> None:
    file = written(
        tmp_path / "MODEL_acme-1.5_DATASET_esb_ami_test.jsonl",
        leaderboard(0, "one", "two", a_field_of_theirs=True),
        leaderboard(1, "one", "two", duration=5, time=0),
    )
    first, second = read_predictions(file)
    assert (first.model, first.dataset, first.split) == ("acme-1.5", "esb_ami_test", "")
    assert (first.status, first.duration, first.time) == ("ok", 10.0, 0.5)
    assert (second.duration, second.time) == (5.0, 0.0)
    assert first.key != second.key


def test_a_file_without_any_hint_is_by_itself(tmp_path: Path) -> None:
    (line,) = read_predictions(written(tmp_path / "my.results.jsonl", leaderboard(0, "a", "b")))
    assert (line.model, line.dataset) == ("my.results", "")


def test_lines_say_themselves_what_they_are_of(tmp_path: Path) -> None:
    file = written(tmp_path / "MODEL_x_DATASET_y.jsonl", prediction(0, "a", "b"))
    (line,) = read_predictions(file)
    assert (line.model, line.dataset, line.split) == ("acme/listen-1", "corpus", "test")


def test_wherever_a_writer_was_killed_the_whole_lines_are_read(tmp_path: Path) -> None:
    whole = json.dumps(prediction(0, "eins", "zwei ä", notes={"a": {"b": 1}}), ensure_ascii=False)
    text = whole.encode() + b"\n"
    last = json.dumps(prediction(1, "drei", "ä"), ensure_ascii=False).encode()
    file = tmp_path / "p.jsonl"
    for end in range(1, len(last)):
        file.write_bytes(text + last[:end])
        notes: list[str] = []
        assert [line.row for line in read_predictions(file, notes)] == ["0"], last[:end]
        assert notes == [f"{file}:2: cut short: passed over"]
    file.write_bytes(text + last)  # but for its line end, whole
    assert [line.row for line in read_predictions(file)] == ["0", "1"]


def test_a_line_that_was_cut_short_may_have_others_after_it(tmp_path: Path) -> None:
    torn = json.dumps(prediction(1, "a", "b"))[:50] + "\n"
    file = written(tmp_path / "p.jsonl", prediction(0, "a", "b"), torn, prediction(1, "a", "b"))
    notes: list[str] = []
    assert [line.row for line in read_predictions(file, notes)] == ["0", "1"]
    assert len(notes) == 1


def test_empty_lines_and_what_a_power_failure_leaves_are_nothing(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    line = json.dumps(prediction(0, "a", "b")).encode()
    file.write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\n  \n" + line + b"\n" + b"\0" * 512)
    assert len(list(read_predictions(file))) == 2


def changed(**fields: Any) -> dict[str, Any]:
    return prediction(1, "a", "b", **fields)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no json\n", "not a line of JSON: Expecting value"),
        ("[1, 2]\n", "should be a JSON object: a prediction a line"),
        ('{"text": "a" "b": 1}\n', "not a line of JSON: Expecting ',' delimiter"),
        ("[" * 100_000 + "\n", "nested too deeply"),
        ({"text": "a"}, "pred_text: is missing: it must be given"),
        (changed(duration="5"), 'duration: "5" should be a number'),
        (changed(duration=-1.0), "duration: -1.0 should be at least 0"),
        (changed(time=float("nan")), "time: NaN should be a finite number"),
        (changed(text=5), "text: 5 should be a string"),
        (changed(sent_at="noon"), "sent_at: 'noon' should be a time such as"),
        (changed(durationn=1.0), "durationn: unknown field; did you mean 'duration'?"),
        (changed(status="error"), "'status' is \"error\" although 'pred_text' has an answer"),
        (changed(pred_text=None), "'status' should be \"error\": 'pred_text' is null"),
    ],
)
def test_what_is_no_prediction_is_told_with_file_and_line(
    tmp_path: Path, line: dict[str, Any] | str, message: str
) -> None:
    file = written(tmp_path / "p.jsonl", prediction(0, "a", "b"), line, prediction(2, "a", "b"))
    with pytest.raises(ModelbenchError) as caught:
        list(read_predictions(file))
    assert str(caught.value).startswith(f"{file}:2: {message}")
    assert "\n" not in str(caught.value)


def test_text_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    file.write_bytes(b'{"text": "\xe4", "pred_text": ""}\n')
    with pytest.raises(ModelbenchError, match=r"p\.jsonl:1: not UTF-8 text"):
        list(read_predictions(file))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelbenchError, match="cannot be read"):
        list(read_predictions(tmp_path))


def test_samples_of_equal_content_differ_by_their_row() -> None:
    assert sample_id(5, "1") == "0000000000000005-1"
    assert len({sample_id(5, "1"), sample_id(5, "2"), sample_id(-5, "1")}) == 3


def test_the_answers_of_a_killed_session_are_found_by_sample(tmp_path: Path) -> None:
    file = written(
        tmp_path / "p.jsonl",
        prediction(0, "a", "first"),
        prediction(1, "a", None),
        prediction(0, "a", "last"),
        prediction(0, "a", None),
        '{"audio_filepath": "sam',
    )
    assert {key: line.pred_text for key, line in answered(file).items()} == {
        sample_id(0, "0"): "last"
    }
    assert answered(tmp_path / "none.jsonl") == {}
