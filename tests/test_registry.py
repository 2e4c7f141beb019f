"""The registry: read strictly, never emptied, with real files behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.documents.problems import DocumentError
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.registry import (
    Candidate,
    derive_model_type,
    load_registry,
    resolve_model_path,
)

ENTRY: dict[str, Any] = {
    "version": "v1",
    "base_model": "org/base",
    "distilled_from": None,
    "quantization": "int8",
    "model_path": "models/v1",
    "timestamp": "2026-01-01T00:00:00",
    "metrics": {"latency_ms": 5},
    "active": True,
    "last_good": False,
    "commit_hash": "abc123",
}


def written(folder: Path, value: Any) -> Path:
    file = folder / "registry.json"
    file.write_text(value if isinstance(value, str) else json.dumps(value, indent=1))
    return file


def faults(file: Path) -> list[tuple[int | None, str]]:
    with pytest.raises(DocumentError) as caught:
        load_registry(file)
    assert all(problem.file == file for problem in caught.value.problems)
    return [(one.line, str(one).split(": ", 1)[1]) for one in caught.value.problems]


def test_a_registry_of_the_reference_system_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "models" / "v1").mkdir(parents=True)
    (candidate,) = load_registry(written(tmp_path, [ENTRY])).candidates()
    assert candidate == Candidate(
        "v1", str(tmp_path / "models" / "v1"), "org/base", quantization="int8"
    )
    assert candidate.model_type == "quantized"


@pytest.mark.parametrize(
    ("quantization", "distilled_from", "model_type"),
    [
        (None, None, "base"),
        ("int8", None, "quantized"),
        (None, "big", "distilled"),
        ("int8", "big", "quantized+distilled"),
    ],
)
def test_the_type_of_a_model_follows_from_what_was_done_to_it(
    quantization: str | None, distilled_from: str | None, model_type: str
) -> None:
    assert derive_model_type(quantization, distilled_from) == model_type


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        ({"version": ""}, 3, '[0].version: "" should not be empty'),
        ({"version": 1}, 3, "[0].version: 1 should be a string"),
        ({"model_path": None}, 7, "[0].model_path: null should be a string"),
        ({"model_path": "a\0"}, 7, "[0].model_path: 'a\\x00' cannot be used as a path"),
        ({"model_path": "x" * 300}, 7, "cannot be used as a path: File name too long"),
        ({"active": "yes"}, 12, '[0].active: "yes" should be true or false'),
        ({"metrics": []}, 9, "[0].metrics: [] should be an object"),
        ({"quantization": 8}, 6, "[0].quantization: 8 should be a string"),
        ({"quantisation": "int8"}, 15, "unknown field; did you mean 'quantization'?"),
    ],
)
def test_a_wrong_entry_is_told_with_its_line(
    tmp_path: Path, change: dict[str, Any], line: int, words: str
) -> None:
    ((found, message),) = faults(written(tmp_path, [{**ENTRY, **change}]))
    assert words in message
    assert found == line


@pytest.mark.parametrize("missing", ["version", "model_path"])
def test_an_entry_says_at_least_its_name_and_its_files(tmp_path: Path, missing: str) -> None:
    entry = {name: value for name, value in ENTRY.items() if name != missing}
    assert faults(written(tmp_path, [entry])) == [
        (2, f"[0].{missing}: is missing: it must be given")
    ]


def test_a_version_given_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    text = '[{"version": "a",\n"model_path": "m"},\n{"model_path": "m",\n"version": "a"}]'
    assert faults(written(tmp_path, text)) == [
        (4, "[1].version: 'a' is already the version on line 1: versions differ")
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [("", 1), ("[", 1), ('[\n{"version": "a"\n"model_path": "b"}]', 3), ("{}", 1), ("null", 1)],
)
def test_a_corrupt_registry_is_an_error_and_never_an_empty_one(
    tmp_path: Path, text: str, line: int
) -> None:
    assert faults(written(tmp_path, text))[0][0] == line


def test_a_missing_registry_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelbenchError, match=r"none\.json: no such file"):
        load_registry(tmp_path / "none.json")


def test_a_size_is_that_of_the_files_there_are(tmp_path: Path) -> None:
    model = tmp_path / "model"
    (model / "deep").mkdir(parents=True)
    (model / "a.bin").write_bytes(bytes(1_500_000))
    (model / "deep" / "b.bin").write_bytes(bytes(250_000))
    assert Candidate("m", str(model)).file_size_mb == 1.75
    assert Candidate("m", str(model / "a.bin")).file_size_mb == 1.5
    assert Candidate("m", str(tmp_path / "absent")).file_size_mb is None
    assert Candidate("m", "org/model").file_size_mb is None


def test_a_path_is_local_when_written_so_or_when_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    (tmp_path / "org" / "here").mkdir(parents=True)
    expected = {
        "org/here": str(tmp_path / "org" / "here"),
        "org/away": "org/away",
        "org/away.xml": str(tmp_path / "org" / "away.xml"),
        "./away": str(tmp_path / "away"),
        "../away": str(tmp_path.parent / "away"),
        "/abs/away": "/abs/away",
        "~/models": "/home/me/models",
    }
    assert {text: resolve_model_path(text, tmp_path) for text in expected} == expected


def test_a_directory_without_a_file_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert Candidate("m", str(tmp_path / "empty")).file_size_mb is None
