"""Rows of JSON files."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.datasets import json_stream
from pytest_modelbench.datasets.json_files import rows
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.errors import ModelbenchError

TWO = [{"text": "one"}, {"text": "two"}]
AS_LINES = "".join(json.dumps(row) + "\n" for row in TWO)


def read(path: Path, source: str = "json") -> list[dict[str, Any]]:
    return list(rows(DatasetSpec(source=source, path=str(path)), Path("/nowhere")))


def written(folder: Path, text: str | bytes, name: str = "data.json") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("name", ["data.json", "data.jsonl", "data.ndjson", "data.txt"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps(TWO), id="list"),
        pytest.param(json.dumps(TWO, indent=2), id="indented list"),
        pytest.param("\ufeff" + json.dumps(TWO), id="list with a byte order mark"),
        pytest.param(AS_LINES, id="lines"),
        pytest.param("\ufeff" + AS_LINES, id="lines with a byte order mark"),
        pytest.param(AS_LINES.replace("\n", "\r\n\r\n"), id="blank lines and CRLF"),
        pytest.param(AS_LINES.strip(), id="lines without a last line end"),
    ],
)
def test_a_list_and_lines_are_told_apart_by_content(tmp_path: Path, name: str, text: str) -> None:
    """Both read the same, whatever the file is called."""
    assert read(written(tmp_path, text, name)) == TWO


@pytest.mark.parametrize("source", ["json", "jsonl", "local", "local_json", "local_jsonl"])
@pytest.mark.parametrize("indent", [None, 1])
def test_an_object_holds_its_rows_among_other_keys(
    tmp_path: Path, source: str, indent: int | None
) -> None:
    """Keys before and after `rows` are of no matter."""
    document = {"license": "MIT", "n": 12.5, "meta": {"rows": [1]}, "rows": TWO, "after": [1, 2]}
    assert read(written(tmp_path, json.dumps(document, indent=indent)), source) == TWO


def test_one_object_is_one_row_where_lines_are_asked_for(tmp_path: Path) -> None:
    """The suffix or the source says so."""
    text = '{"text": "one"}'
    assert read(written(tmp_path, text, "a.jsonl")) == TWO[:1]
    assert read(written(tmp_path, text, "a.txt"), "jsonl") == TWO[:1]
    assert read(written(tmp_path, text, "a.json"), "jsonl") == TWO[:1]


def test_an_empty_list_has_no_rows(tmp_path: Path) -> None:
    """No rows is not a fault of the file."""
    assert read(written(tmp_path, "[]")) == []
    assert read(written(tmp_path, '{"rows": []}')) == []


@pytest.mark.parametrize("size", range(1, 12))
def test_values_may_lie_across_any_chunk_border(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Characters, escapes, numbers and literals that are cut are read on."""
    monkeypatch.setattr(json_stream, "_CHUNK_BYTES", size)
    table = [{"a": 12345.678e-3, "b": True, "c": None, "d": 'é\u20ac😀"\\\n', "e": [-1, {"f": 0}]}]
    document = {"x": 123456, "y": "z" * 50, "v": -1.5e-07, "n": None, "rows": table * 3, "w": 1e22}
    for ascii_only in (True, False):
        for held in (document, document["rows"]):
            written(tmp_path, json.dumps(held, ensure_ascii=ascii_only))
            read_by_us = rows(DatasetSpec(source="json", path="data.json"), tmp_path)
            assert list(read_by_us) == document["rows"]


@pytest.mark.parametrize("shape", ["list", "object", "lines"])
def test_the_first_rows_of_a_large_file_cost_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    """24 rows of 300,000 take one chunk from the file and little memory."""
    row = json.dumps({"text": "some words to make it long", "number": 7})
    begin, between, end = {
        "list": ("[", ",", "]"),
        "object": ('{"license": "MIT", "rows": [', ", ", "]}"),
        "lines": ("", "\n", "\n"),
    }[shape]
    path = written(tmp_path, begin + between.join([row] * 300_000) + end)
    assert path.stat().st_size > 15_000_000
    taken = []
    read_more = json_stream.JsonStream._read_more
    monkeypatch.setattr(
        json_stream.JsonStream,
        "_read_more",
        lambda self, size: taken.append(size) or read_more(self, size),
    )
    tracemalloc.start()
    reading = rows(DatasetSpec(source="json", path="data.json"), tmp_path)
    assert len(list(itertools.islice(reading, 24))) == 24
    reading.close()  # type: ignore[attr-defined]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(taken) <= 2 * json_stream._CHUNK_BYTES
    assert peak < 2_000_000


def test_all_of_a_large_file_is_read_in_little_memory(tmp_path: Path) -> None:
    """What lies behind is dropped."""
    row = json.dumps({"text": "x" * 200})
    path = written(tmp_path, "[" + ",".join([row] * 40_000) + "]")
    tracemalloc.start()
    count = sum(1 for _ in rows(DatasetSpec(source="json", path=str(path)), tmp_path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 40_000
    assert peak < 2_000_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"data\.json is empty; write a JSON list of rows"),
        (" \n\n", r"data\.json is empty"),
        (b"\xff\xfe[\x00]\x00", r"data\.json, line 1: not UTF-8 text; save the file as UTF-8"),
        (b'[{"text": "a"},\n{"text": "\xe9"}]', r"data\.json, line 2: not UTF-8 text"),
        (b'{"a": 1}\n{"text": "\xe9"}', r"data\.json, line 2: not UTF-8 text"),
        ('[{"a": 1},\n {"a": nope}]', r"line 2: row 1 is not valid JSON \(Expecting value\)"),
        ('[{"a": 1}\n {"a": 2}]', r"line 2: expected ',' or '\]' after row 0, found '\{'"),
        ('[{"a": 1},\n]', r"line 2: row 1 is not valid JSON"),
        ('[{"a": 1},\n\n 5]', r"line 3: row 1 is a number; every row must be an object"),
        ("[[1,\n2]]", r"line 1: row 0 is a list; every row must be an object"),
        ('[{"a": NaN}]', r"line 1: row 0: NaN is not JSON; write null"),
        ('[{"a": -Infinity}]', r"-Infinity is not JSON"),
        ('[{"a": 1e999}]', r"1e999 is not JSON"),
        ('[{"a": 1}] x', r"line 1: 'x' follows the end of the JSON; a file holds one document"),
        ('{"a": 1, "b": 2}', r'an object without "rows" \(its keys: a, b\); write \{"rows"'),
        ("{}", r'an object without "rows" \(its keys: none\)'),
        ('{"rows": {"a": 1}}', r'line 1: "rows" must be a list of objects'),
        ('{"rows": [1]}', r"row 0 is a number"),
        ('{"a": 1, b: 2}', r"expected '\"' to begin a key, found 'b'"),
        ('{"rows" []}', r"expected ':' after the key 'rows', found '\['"),
        ("hello", r"line 1: expected '\{' or '\[' to begin the file, found 'h'"),
        ('[{"a": 1},\n{"a": "cut', r"line 2: the file ends in the middle of its JSON"),
        ('[{"a": 1},', "the file ends in the middle of its JSON"),
        ('[{"a": 1}', "the file ends in the middle of its JSON"),
        ('[{"a": tru', "the file ends in the middle of its JSON"),
        ('{"rows": [{"a": 1}]', "the file ends in the middle of its JSON"),
        ('{"a": 1}\n{"a": 2', r"line 2: not one complete JSON object"),
        ('{"a": 1}\n{"a": 2} {"a": 3}\n', r"line 2: not one complete JSON object \(Extra data"),
        ('{"a": 1}\n\n{"a": NaN}', r"line 3: NaN is not JSON"),
        ("[" * 100_000, r"nested too deeply"),
    ],
)
def test_a_fault_names_the_file_the_line_and_what_would_be_right(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    """One sentence a person can act on."""
    path = written(tmp_path, text)
    with pytest.raises(ModelbenchError, match=message) as raised:
        read(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ('{"a": 1}\n5\n', "line 2: the row is a number; every row must be an object"),
        ('{"a": 1}\nnull\n', "line 2: the row is null"),
        ('{"a": 1}\n{"a":\n', r"line 2: not one complete JSON object \(Expecting value at column"),
        ('{"a":' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_fault_in_a_line_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    """JSON lines are judged one by one."""
    with pytest.raises(ModelbenchError, match=message):
        read(written(tmp_path, text, "data.jsonl"))


def test_rows_before_a_fault_can_be_had(tmp_path: Path) -> None:
    """Reading stops when the caller has enough, so a fault further on is never met."""
    path = written(tmp_path, '[{"a": 1}, {"a": 2}, nope]')
    reading = rows(DatasetSpec(source="json", path=str(path)), tmp_path)
    assert [next(reading), next(reading)] == [{"a": 1}, {"a": 2}]
    with pytest.raises(ModelbenchError, match="row 2 is not valid JSON"):
        next(reading)


@pytest.mark.parametrize("name", ["data.json", "data.jsonl"])
def test_a_row_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The largest row is bounded, so that no file fills the memory."""
    monkeypatch.setattr(json_stream, "LARGEST_ROW_BYTES", 1_000_000)
    monkeypatch.setattr("pytest_modelbench.datasets.json_files.LARGEST_ROW_BYTES", 1_000_000)
    path = written(tmp_path, '{"rows": "' + "x" * 5_000_000, name)
    if name == "data.json":
        path = written(tmp_path, '[{"rows": "' + "x" * 5_000_000, name)
    with pytest.raises(ModelbenchError, match=r"larger than|longer than"):
        read(path)


def test_paths_are_relative_to_the_suite_or_to_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`base_dir` and `~` resolve."""
    written(tmp_path, AS_LINES, "a.jsonl")
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in ("a.jsonl", "~/a.jsonl"):
        assert list(rows(DatasetSpec(source="jsonl", path=path), tmp_path)) == TWO


def test_a_path_that_is_no_file_is_named(tmp_path: Path) -> None:
    """Missing, a directory, not given, or beneath a file."""
    with pytest.raises(ModelbenchError, match=r"none\.json does not exist; dataset 'path' is rel"):
        read(tmp_path / "none.json")
    with pytest.raises(ModelbenchError, match="is a directory; dataset 'path' names one"):
        read(tmp_path)
    with pytest.raises(ModelbenchError, match="source 'jsonl' needs a 'path'"):
        list(rows(DatasetSpec(source="jsonl"), tmp_path))
    with pytest.raises(ModelbenchError, match="cannot be read: Not a directory"):
        read(written(tmp_path, "[]") / "x.json")
