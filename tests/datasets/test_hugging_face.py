"""Rows of Hugging Face datasets, from local directories and an unreachable hub."""

from __future__ import annotations

import io
import itertools
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.datasets.hugging_face import rows
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.errors import ModelbenchError, Unavailable

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def cache_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A directory of two parquet files: `test` of ten rows, `train` of three."""
    folder = tmp_path / "words"
    folder.mkdir()
    for split, count in (("test", 10), ("train", 3)):
        table = datasets.Dataset.from_dict({"text": [f"{split} {n}" for n in range(count)]})
        table.to_parquet(str(folder / f"{split}.parquet"))
    return folder


def texts(place: Path | str, split: str, base: Path = Path("/nowhere"), **more: Any) -> list[str]:
    spec = DatasetSpec(id=str(place), split=split, **more)
    return [row["text"] for row in rows(spec, base)]


def test_a_directory_beside_the_suite_is_read(words: Path) -> None:
    """`id` is relative to `base_dir`."""
    assert texts("words", "train", words.parent) == ["train 0", "train 1", "train 2"]


@pytest.mark.parametrize(
    ("split", "numbers"),
    [
        ("test", range(10)),
        ("test[:3]", range(3)),
        ("test[4:6]", range(4, 6)),
        ("test[8:]", range(8, 10)),
        ("test[6:4]", range(0)),
        ("test[-2:]", range(8, 10)),
        ("test[:20%]", range(2)),
    ],
)
def test_splits_are_sliced(words: Path, split: str, numbers: range) -> None:
    """By number, from the end, and by percent."""
    assert texts(words, split) == [f"test {n}" for n in numbers]


@pytest.mark.parametrize("split", ["nope", "validation", "nope[:3]", "nope[:50%]"])
def test_a_split_that_is_not_there_is_named_with_those_that_are(words: Path, split: str) -> None:
    """None is chosen silently."""
    with pytest.raises(ModelbenchError, match=r"words.*(test.*train|train.*test)"):
        texts(words, split)


def test_one_split_alone_is_not_taken_for_another(tmp_path: Path) -> None:
    """A directory with one file has the split `train`, and says so."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "data.jsonl").write_text('{"text": "a"}\n')
    assert texts("one", "train", tmp_path) == ["a"]
    with pytest.raises(ModelbenchError, match="has no split 'validation'; it has train"):
        texts("one", "validation", tmp_path)


def test_an_unknown_configuration_is_named_with_those_that_are(words: Path) -> None:
    """As `datasets` lists them."""
    with pytest.raises(ModelbenchError, match=r"config 'en'.*Available: \['default'\]"):
        texts(words, "test", config="en")


# `datasets` leaves the CSV file it streamed to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*test.csv:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("layout", ["json", "jsonl", "csv"])
def test_text_formats_are_read(tmp_path: Path, layout: str) -> None:
    """A directory of JSON, JSON lines or CSV."""
    text = {"json": '[{"text": "a"}, {"text": "b"}]', "csv": "text\na\nb\n"}
    (tmp_path / f"test.{layout}").write_text(
        text.get(layout, '{"text": "a"}\n{"text": "b"}\n'), encoding="utf-8"
    )
    assert texts(tmp_path, "test") == ["a", "b"]


def test_saved_splits_are_read(words: Path, tmp_path: Path) -> None:
    """What `DatasetDict.save_to_disk` wrote, slices and sums included."""
    splits = {
        "test": datasets.Dataset.from_dict({"text": list("abcdefghij")}),
        "train": datasets.Dataset.from_dict({"text": list("xyz")}),
    }
    datasets.DatasetDict(splits).save_to_disk(str(tmp_path / "saved"))
    assert texts("saved", "train", tmp_path) == list("xyz")
    assert texts("saved", "test[:20%]+train[-1:]", tmp_path) == list("abz")
    for split in ("validation", "test[", "test[1:5"):
        with pytest.raises(ModelbenchError, match=r"has no split .*; it has test, train"):
            texts("saved", split, tmp_path)


def test_a_dataset_saved_without_a_split_is_the_split_asked_for(tmp_path: Path) -> None:
    """It has no name to contradict; one that has a name keeps it."""
    datasets.Dataset.from_dict({"text": list("abc")}).save_to_disk(str(tmp_path / "saved"))
    assert texts("saved", "validation[1:]", tmp_path) == ["b", "c"]
    datasets.Dataset.from_dict({"text": ["a"]}, split="train").save_to_disk(str(tmp_path / "named"))
    assert texts("named", "train", tmp_path) == ["a"]
    with pytest.raises(ModelbenchError, match="has no split 'validation'; it has train"):
        texts("named", "validation", tmp_path)


def wav() -> bytes:
    soundfile = pytest.importorskip("soundfile")
    file = io.BytesIO()
    soundfile.write(file, np.zeros(800), 8_000, format="WAV")
    return file.getvalue()


def test_audio_columns_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet and saved datasets give bytes, a folder gives paths; torchcodec is never needed."""
    monkeypatch.setitem(sys.modules, "torchcodec", None)
    features = datasets.Features(
        {"audio": datasets.Audio(16_000), "text": datasets.Value("string")}
    )
    import pyarrow

    table = pyarrow.table(
        {"audio": [{"bytes": wav(), "path": "a.wav"}] * 2, "text": ["a", "b"]},
        schema=features.arrow_schema,
    )
    saved = datasets.Dataset(table)
    saved.save_to_disk(str(tmp_path / "saved"))
    (tmp_path / "parquet").mkdir()
    saved.to_parquet(str(tmp_path / "parquet" / "test.parquet"))
    folder = tmp_path / "folder" / "test"
    folder.mkdir(parents=True)
    (folder / "a.wav").write_bytes(wav())
    (folder / "metadata.jsonl").write_text('{"file_name": "a.wav", "text": "a"}\n')

    for place, audio in (
        ("saved", {"bytes": wav(), "path": "a.wav"}),
        ("parquet", {"bytes": wav(), "path": "a.wav"}),
        ("folder", {"bytes": None, "path": str(folder / "a.wav")}),
    ):
        for split in ("test", "test[:1]"):
            spec = DatasetSpec(id=place, split=split, input_column="audio")
            assert next(rows(spec, tmp_path)) == {"audio": audio, "text": "a"}


def test_media_that_a_row_only_points_to_is_fetched(tmp_path: Path) -> None:
    """A streamed hub folder gives addresses; those of the input column become bytes."""
    import fsspec

    with fsspec.open("memory://clips/a.wav", "wb") as file:
        file.write(b"sound")
    saved = datasets.Dataset.from_dict(
        {name: [{"bytes": None, "path": "memory://clips/a.wav"}] for name in ("audio", "other")},
        features=datasets.Features(
            {
                name: {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
                for name in ("audio", "other")
            }
        ),
    )
    saved.save_to_disk(str(tmp_path / "saved"))
    row = next(rows(DatasetSpec(id="saved", input_column="audio"), tmp_path))
    assert row["audio"]["bytes"] == b"sound"
    assert row["other"]["bytes"] is None


def test_a_few_rows_of_many_files_open_one(tmp_path: Path) -> None:
    """Streaming: a broken second file is never met."""
    (tmp_path / "test-0.jsonl").write_text('{"text": "a"}\n' * 100)
    (tmp_path / "test-1.jsonl").write_text("broken\n")
    reading = rows(DatasetSpec(id=str(tmp_path), split="test"), tmp_path)
    assert len(list(itertools.islice(reading, 24))) == 24
    with pytest.raises(ModelbenchError, match=r"row 100 cannot be read"):
        list(reading)


def test_a_hub_that_does_not_answer_is_told_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the way out, and without a trace left in the settings of `datasets`."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    before, began = datasets.config.HF_HUB_OFFLINE, time.monotonic()
    with pytest.raises(
        ModelbenchError,
        match=r"'some/dataset' is neither a local directory nor cached, and the hub at "
        r"http://127\.0\.0\.1:1 does not answer: connect, or download it",
    ):
        texts("some/dataset", "test")
    assert time.monotonic() - began < 10
    assert before == datasets.config.HF_HUB_OFFLINE


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("../none", "is not a directory"),
        ("/none/at/all", "'/none/at/all': /none/at/all is not a directory"),
        ("a/b/c", "is not a directory"),
        ("./file.parquet", "is not a directory; 'id' takes a directory"),
        ("json", "'json' is a file format, not a dataset: give a hub id"),
        (None, "source 'hf' needs an 'id'"),
    ],
)
def test_an_id_that_is_none_is_named(tmp_path: Path, place: str | None, message: str) -> None:
    """A path that is not there, a file, a format, nothing."""
    (tmp_path / "file.parquet").write_bytes(b"")
    with pytest.raises(ModelbenchError, match=message):
        list(rows(DatasetSpec(id=place), tmp_path))


def test_a_directory_without_data_is_named(tmp_path: Path) -> None:
    """In the words of `datasets`."""
    with pytest.raises(ModelbenchError, match="doesn't contain any data files"):
        texts(tmp_path, "test")


def test_without_the_package_its_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line that installs it."""
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(Unavailable, match=r"datasets is not installed: pip install .*\[hf\]"):
        texts(tmp_path, "test")
