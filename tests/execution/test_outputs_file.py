"""Answers in a file: written by one process, read by another, and never trusted."""

from __future__ import annotations

import json
import zipfile
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.execution import outputs_file
from pytest_modelbench.execution.outputs_file import (
    OutputsFileError,
    as_numbers,
    read_outputs,
    write_outputs,
)

LONG = 10**30
"""More than any type of number in an array holds."""
ANSWERS: list[Any] = [
    "a text \ud800 with half a character",
    "",
    None,
    1.5,
    True,
    7,
    2 - 1j,
    np.float32(0.1),
    np.arange(6, dtype=np.int16).reshape(2, 3),
    np.arange(6, dtype=">f8").reshape(3, 2).T,
    np.zeros((0, 4)),
    [1, 2, 3],
    [[1.0, 2.0], [3.0, 4.0]],
    [np.float32([1, 2]), np.float32([3, 4])],
    {"logits": np.float16([[0.5, 1.5]]), "text": "ok", "nested": {"ids": [1, 2], "none": None}},
    ["a", ["b", 2.0], [1.0, [2.0]]],
    [],
    {},
    LONG,
    np.array(["x", 2.5], dtype=object),
    array("d", [1.0, 2.0]),
]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        other = np.asarray(other)
        return one.shape == other.shape and bool((one == other).all())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        parts = list(other.tolist() if isinstance(other, np.ndarray) else other)
        return len(one) == len(parts) and all(map(_same, one, parts))
    return bool(one == other)


def test_answers_of_all_kinds_come_back(tmp_path: Path) -> None:
    file = tmp_path / "answers.npz"
    write_outputs(file, ANSWERS)
    read = read_outputs(file)
    assert len(read) == len(ANSWERS)
    for given, came in zip(ANSWERS, read, strict=True):
        assert _same(came, str(given) if given is LONG else given), (given, came)
    assert read[8].dtype == np.int16
    assert isinstance(read[14]["logits"], np.ndarray)


def test_a_million_numbers_and_as_many_samples_take_little_more_than_their_bytes(
    tmp_path: Path,
) -> None:
    file = tmp_path / "answers.npz"
    write_outputs(file, list(np.random.default_rng(0).normal(size=100_000)))
    assert file.stat().st_size < 100_000 * 12 + 2_000
    assert len(read_outputs(file)) == 100_000


def test_no_answers_at_all_come_back_as_none(tmp_path: Path) -> None:
    write_outputs(tmp_path / "a.npz", [])
    assert read_outputs(tmp_path / "a.npz") == []
    write_outputs(tmp_path / "a.npz", [None, None])
    assert read_outputs(tmp_path / "a.npz") == [None, None]


def test_what_prevents_writing_is_told_to_who_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "answers.npz"
    monkeypatch.setattr(outputs_file, "LARGEST_BYTES", 1000)
    write_outputs(file, [np.zeros(200)])
    with pytest.raises(OutputsFileError, match=r"answers\.npz: the answers take 0\.0 GB, and at"):
        read_outputs(file)

    class Unreadable:
        def __repr__(self) -> str:
            raise ValueError("no words for it")

    write_outputs(file, [Unreadable()])
    with pytest.raises(OutputsFileError, match=r"answers\.npz: ValueError: no words for it"):
        read_outputs(file)
    write_outputs(tmp_path / "no folder" / "a.npz", ["a"])
    with pytest.raises(OutputsFileError, match="the measuring process left no answers there"):
        read_outputs(tmp_path / "no folder" / "a.npz")


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "answers.npz"
    write_outputs(file, [np.zeros(2000)])
    monkeypatch.setattr(outputs_file, "LARGEST_BYTES", 10_000)
    with pytest.raises(OutputsFileError, match="at most 1e-05 GB are compared: 'max_samples'"):
        read_outputs(file)


def _document(**fields: Any) -> np.ndarray[Any, Any]:
    return np.frombuffer(json.dumps(fields).encode(), dtype=np.uint8)


NUMBER = {"forms": [["<f8", []]], "texts": []}
WRONG: dict[str, dict[str, Any]] = {
    "nothing": {},
    "no document": {"form_of": np.zeros(1, dtype=np.int32)},
    "pickled": {
        "document": _document(**NUMBER),
        "form_of": np.array([0]),
        "<f8": np.array([{}], dtype=object),
    },
    "too few numbers": {
        "document": _document(**NUMBER),
        "form_of": np.array([0, 0]),
        "<f8": np.zeros(1),
    },
    "too many numbers": {
        "document": _document(**NUMBER),
        "form_of": np.array([0]),
        "<f8": np.zeros(2),
    },
    "no such form": {
        "document": _document(**NUMBER),
        "form_of": np.array([5]),
        "<f8": np.zeros(1),
    },
    "no such series": {"document": _document(**NUMBER), "form_of": np.array([0])},
    "no form": {"document": _document(forms=[7], texts=[]), "form_of": np.array([0])},
    "no shape": {
        "document": _document(forms=[["<f8", ["a"]]], texts=[]),
        "form_of": np.array([0]),
        "<f8": np.zeros(1),
    },
    "no text": {"document": _document(forms=["text"], texts=[]), "form_of": np.array([0])},
    "no texts": {"document": _document(forms=["text"], texts=[1]), "form_of": np.array([0])},
    "no JSON": {"document": np.frombuffer(b"{", dtype=np.uint8), "form_of": np.array([0])},
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_file_of_answers_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    file = tmp_path / "answers.npz"
    np.savez(file, **WRONG[name])
    with pytest.raises(OutputsFileError, match=r"answers\.npz: does not hold answers of a case"):
        read_outputs(file)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_was_cut_short_or_is_of_another_kind_is_refused(
    tmp_path: Path, share: float
) -> None:
    file = tmp_path / "answers.npz"
    write_outputs(file, ANSWERS)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(OutputsFileError, match="does not hold answers of a case"):
        read_outputs(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("document.npy", "no array")
    with pytest.raises(OutputsFileError, match="does not hold answers of a case"):
        read_outputs(file)


@pytest.mark.parametrize(
    "value", ["1", None, [], ["a"], [1, [2]], [1, "a"], {"a": 1}, 10**30, np.array(["a"])]
)
def test_what_is_no_number_and_no_array_of_them_is_none(value: Any) -> None:
    assert as_numbers(value) is None


def test_nothing_but_the_members_is_given_to_numpy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NumPy before 2.2 takes each keyword for an array to save."""
    plain, given = np.savez, list[str]()

    def older(file: Any, *arrays: Any, **named: Any) -> None:
        given.extend(named)
        plain(file, *arrays, **named)

    monkeypatch.setattr(np, "savez", older)
    write_outputs(tmp_path / "a.npz", ["text", 1.5])
    with np.load(tmp_path / "a.npz") as found:
        assert sorted(given) == sorted(found.files)
