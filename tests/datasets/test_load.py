"""Samples from rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from all_samples import load_samples

from pytest_modelbench.datasets import DATASET_SOURCES
from pytest_modelbench.datasets.samples import UnusableRow
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.errors import ModelbenchError, Unavailable


def json_spec(folder: Path, rows: list[Any], **fields: Any) -> DatasetSpec:
    folder.mkdir(exist_ok=True)
    (folder / "rows.json").write_text(json.dumps(rows))
    return DatasetSpec(source="json", path=str(folder / "rows.json"), **fields)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The rows that the source `listed` gives, and a note of how many were asked for."""
    given: list[Any] = []

    def listed(spec: DatasetSpec, base_dir: Path) -> Iterator[dict[str, Any]]:
        yield from given

    monkeypatch.setitem(DATASET_SOURCES._added, "listed", listed)
    return given


def test_unusable_rows_do_not_count(tmp_path: Path) -> None:
    """They are passed over, counted and named, and the sample keeps its row number."""
    rows = [
        {"text": None},
        {"text": "one"},
        {"text": "  "},
        {"text": 7},
        {"other": "x"},
        {"text": "two"},
        {"text": "three"},
    ]
    found = load_samples(json_spec(tmp_path, rows, max_samples=2), tmp_path, "text")
    assert [(sample.id, sample.input) for sample in found.samples] == [("1", "one"), ("5", "two")]
    assert found.unusable == [
        UnusableRow(0, "the input 'text' is null"),
        UnusableRow(2, "the input 'text' is blank"),
        UnusableRow(3, "the input 'text' is of type int, not text"),
        UnusableRow(4, "the input 'text' is absent"),
    ]
    assert found.unusable_count == 4
    assert not found.has_references


def test_only_the_first_unusable_rows_are_named_but_all_are_counted(tmp_path: Path) -> None:
    """Twenty of thirty."""
    spec = json_spec(tmp_path, [{"text": "one"}, *[{"text": ""}] * 30])
    found = load_samples(spec, tmp_path, "text")
    assert (len(found.unusable), found.unusable_count) == (20, 30)


def test_references_are_kept_as_they_are(tmp_path: Path) -> None:
    """Text and numbers, zero included; what is blank, null or absent makes its row unusable."""
    answers = ["yes", 4.5, 0, "", None, False]
    rows: list[Any] = [{"text": "a", "answer": answer} for answer in answers]
    spec = json_spec(tmp_path, [*rows, {"text": "a"}], reference_column="answer")
    found = load_samples(spec, tmp_path, "text")
    assert [sample.reference for sample in found.samples] == ["yes", 4.5, 0, False]
    assert [unusable.reason for unusable in found.unusable] == [
        "the reference 'answer' is blank",
        "the reference 'answer' is null",
        "the reference 'answer' is absent",
    ]
    assert found.reference_column == "answer"
    assert found.has_references


def test_a_reference_that_is_nan_is_none(source: list[Any], tmp_path: Path) -> None:
    """Tables write it for an absent number."""
    source += [{"text": "a", "score": float("nan")}, {"text": "a", "score": 1.0}]
    spec = DatasetSpec(source="listed", reference_column="score")
    found = load_samples(spec, tmp_path, "text")
    assert [sample.id for sample in found.samples] == ["1"]


def test_two_input_columns_make_pairs(tmp_path: Path) -> None:
    """Both must be there."""
    rows = [{"a": "x", "b": "y"}, {"a": "x", "b": ""}, {"a": 1, "b": "y"}]
    spec = json_spec(tmp_path, rows, input_column=["a", "b"])
    assert [each.input for each in load_samples(spec, tmp_path, "text").samples] == [("x", "y")]
    assert [each.input for each in load_samples(spec, tmp_path, "any").samples] == [
        ("x", "y"),
        (1, "y"),
    ]


def test_any_takes_the_column_as_it_is(tmp_path: Path) -> None:
    """Lists, numbers and objects too."""
    values = [[1, 2], {"x": 1}, 0, False, "text"]
    spec = json_spec(tmp_path, [{"text": value} for value in values])
    assert [each.input for each in load_samples(spec, tmp_path, "any").samples] == values


def test_audio_is_looked_for_beside_the_data_then_beside_the_suite(tmp_path: Path) -> None:
    """And decoded at the rate asked for; what cannot be is unusable."""
    soundfile = pytest.importorskip("soundfile")
    suite, data = tmp_path, tmp_path / "data"
    data.mkdir()
    soundfile.write(data / "near.wav", np.full(800, 0.25), 8_000)
    soundfile.write(suite / "near.wav", np.full(800, 0.75), 8_000)
    soundfile.write(suite / "far.wav", np.full(1600, 0.5), 16_000)
    (data / "broken.wav").write_text("no sound")
    rows = [{"audio": f"{name}.wav"} for name in ("near", "far", "none", "broken")]
    rows.append({"audio": str(suite / "near.wav")})
    rows += [{"audio": "UklGRiQ" * 50}, {"audio": "~nobody-is-here/x.wav"}]
    spec = json_spec(data, rows, input_column="audio")
    found = load_samples(spec, suite, "audio")
    assert [sample.id for sample in found.samples] == ["0", "1", "4"]
    assert [float(np.median(sample.input.samples)) for sample in found.samples] == pytest.approx(
        [0.25, 0.5, 0.75], abs=0.01
    )
    assert {len(sample.input.samples) for sample in found.samples} == {1600}
    assert "none.wav does not exist" in found.unusable[0].reason
    assert "broken.wav cannot be decoded" in found.unusable[1].reason
    assert "cannot be used as a path: File name too long" in found.unusable[2].reason
    assert "does not exist" in found.unusable[3].reason


def test_an_absent_package_is_no_unusable_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It skips the case instead."""
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    (tmp_path / "a.wav").write_bytes(b"x")
    spec = json_spec(tmp_path, [{"audio": "a.wav"}], input_column="audio")
    with pytest.raises(Unavailable, match="soundfile is not installed"):
        load_samples(spec, tmp_path, "audio")


def test_audio_models_take_one_column(tmp_path: Path) -> None:
    """A pair of sounds has no meaning."""
    spec = json_spec(tmp_path, [{}], input_column=["a", "b"])
    with pytest.raises(ModelbenchError, match="has two columns; an audio model takes one"):
        load_samples(spec, tmp_path, "audio")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"input_column": "sentense"},
            r"no column 'sentense' \(input_column\); it has sentence, label; did you mean 'sente",
        ),
        ({"input_column": ["sentence", "b"]}, r"no column 'b' \(input_column\); it has sentence"),
        (
            {"input_column": "sentence", "reference_column": "labels"},
            r"no column 'labels' \(reference_column\); it has sentence, label; did you",
        ),
    ],
)
def test_a_column_that_no_row_has_is_named_with_those_there_are(
    tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    """With the likely one."""
    spec = json_spec(tmp_path, [{"sentence": "a", "label": 1}] * 3, **fields)
    with pytest.raises(ModelbenchError, match=message):
        load_samples(spec, tmp_path, "text")


def test_no_usable_row_says_how_many_were_seen_and_why(tmp_path: Path) -> None:
    """The first reason stands for the rest."""
    with pytest.raises(
        ModelbenchError, match=r"no usable row in its 2 rows; row 0: the input 'text' is null"
    ):
        load_samples(json_spec(tmp_path, [{"text": None}, {"text": 5}]), tmp_path, "text")
    with pytest.raises(ModelbenchError, match=r"rows\.json' is empty: it has no rows"):
        load_samples(json_spec(tmp_path, []), tmp_path, "text")


def test_a_thousand_rows_without_a_usable_one_are_enough(source: list[Any], tmp_path: Path) -> None:
    """The rest, which may be endless, is not read."""
    source += [{"text": None}] * 1_000 + [{"text": "late"}]
    with pytest.raises(
        ModelbenchError,
        match=r"source 'listed' has no usable row among its first 1,000 rows; row 0",
    ):
        load_samples(DatasetSpec(source="listed"), tmp_path, "text")
    source[0] = {"text": "early"}
    found = load_samples(DatasetSpec(source="listed"), tmp_path, "text")
    assert [sample.input for sample in found.samples] == ["early", "late"]


def test_rows_are_read_no_further_than_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the source is closed, so that its files are."""
    seen: list[Any] = []

    def endless(spec: DatasetSpec, base_dir: Path) -> Iterator[dict[str, Any]]:
        try:
            while True:
                seen.append("row")
                yield {"text": "a"}
        finally:
            seen.append("closed")

    monkeypatch.setitem(DATASET_SOURCES._added, "endless", endless)
    load_samples(DatasetSpec(source="endless", max_samples=3), tmp_path, "text")
    assert seen == ["row"] * 3 + ["closed"]


def test_an_unknown_source_is_named(tmp_path: Path) -> None:
    """With those there are."""
    with pytest.raises(
        ModelbenchError, match="'jsno' is not a dataset source; did you mean 'json'"
    ):
        load_samples(DatasetSpec(source="jsno"), tmp_path, "text")


class TestHub:
    """Only hub datasets are searched for a reference."""

    @pytest.fixture
    def hub(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        given: list[Any] = []
        monkeypatch.setitem(DATASET_SOURCES._added, "hf", lambda spec, base_dir: iter(given))
        return given

    @pytest.mark.parametrize(
        ("columns", "asked", "used"),
        [
            (["audio", "normalized_text", "transcript"], None, "transcript"),
            (["audio", "text", "sentence"], None, "text"),
            (["audio", "text", "sentence"], "sentence", "sentence"),
            (["audio", "text"], "absent", "text"),
            (["audio", "label"], None, None),
        ],
    )
    def test_the_first_usual_column_is_the_reference(
        self, hub: list[Any], tmp_path: Path, columns: list[str], asked: str | None, used: str
    ) -> None:
        """Where the suite names none that is there."""
        hub.append(dict.fromkeys(columns, "x"))
        spec = DatasetSpec(id="a/b", input_column="audio", reference_column=asked)
        found = load_samples(spec, tmp_path, "any")
        assert found.reference_column == used
        assert found.samples[0].reference == ("x" if used else None)

    def test_the_input_is_not_its_own_reference(self, hub: list[Any], tmp_path: Path) -> None:
        """`text` is the default input."""
        hub.append({"text": "a", "label": 1})
        assert load_samples(DatasetSpec(id="a/b"), tmp_path, "text").reference_column is None

    def test_wrong_columns_are_told_at_the_first_row(self, hub: list[Any], tmp_path: Path) -> None:
        """Not after a thousand downloads."""
        hub += [{"audio": "x"}, ZeroDivisionError]
        for fields in (
            {"input_column": "sound"},
            {"input_column": "audio", "reference_column": "w"},
        ):
            with pytest.raises(ModelbenchError, match=r"'a/b', split 'validation', has no column"):
                load_samples(DatasetSpec(id="a/b", **fields), tmp_path, "any")

    def test_beside_texts_no_column_is_taken_for_a_reference(
        self, hub: list[Any], tmp_path: Path
    ) -> None:
        """An embedding suite without a reference is not scored against a text."""
        hub.append({"text": "a", "sentence": "b"})
        assert load_samples(DatasetSpec(id="a/b"), tmp_path, "text").reference_column is None

    def test_json_files_are_not_searched(self, tmp_path: Path) -> None:
        """Their columns are the user's own."""
        spec = json_spec(tmp_path, [{"audio": "x", "text": "y"}], input_column="audio")
        assert load_samples(spec, tmp_path, "any").reference_column is None

    def test_a_saved_dataset_of_audio_is_heard(self, tmp_path: Path) -> None:
        """End to end, from bytes in Arrow to samples, without torchcodec."""
        datasets = pytest.importorskip("datasets")
        soundfile = pytest.importorskip("soundfile")
        import pyarrow

        soundfile.write(tmp_path / "a.wav", np.full(800, 0.5), 8_000)
        features = datasets.Features({"audio": datasets.Audio(), "text": datasets.Value("string")})
        audio = {"bytes": (tmp_path / "a.wav").read_bytes(), "path": "a.wav"}
        table = pyarrow.table(
            {"audio": [audio, None], "text": ["one", "two"]}, schema=features.arrow_schema
        )
        datasets.disable_progress_bars()
        datasets.Dataset(table).save_to_disk(str(tmp_path / "saved"))
        spec = DatasetSpec(id="saved", input_column="audio")
        found = load_samples(spec, tmp_path, "audio")
        assert [(sample.id, sample.reference) for sample in found.samples] == [("0", "one")]
        assert found.samples[0].input.duration_seconds == pytest.approx(0.1)
        assert found.unusable == [UnusableRow(1, "the input 'audio' is null")]
