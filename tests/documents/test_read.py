"""Reading strict JSON: everything has a line, and what is not JSON is said in one sentence."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.documents.problems import DocumentError, Location, json_path, shown
from pytest_modelbench.documents.read import DEEPEST_NESTING, JsonDocument, read_document


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "document.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def fault(file: Path) -> tuple[int | None, str]:
    """Line and message of the only fault of a document."""
    with pytest.raises(DocumentError) as caught:
        read_document(file)
    (problem,) = caught.value.problems
    assert str(file) in str(caught.value)
    return problem.line, problem.message


def test_every_key_and_item_knows_its_line(tmp_path: Path) -> None:
    text = '{\n "a": [1,\n  {"b":\n  "x"}\n ],\n "c": {}, "d": null\n}'
    document = read_document(written(tmp_path, text))
    assert document.value == {"a": [1, {"b": "x"}], "c": {}, "d": None}
    # A value whose key stands on the line before is where its key is.
    assert document.lines == {
        (): 1,
        ("a",): 2,
        ("a", 0): 2,
        ("a", 1): 3,
        ("a", 1, "b"): 3,
        ("c",): 6,
        ("d",): 6,
    }


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_lines_are_the_same_with_either_line_end(tmp_path: Path, line_end: str) -> None:
    document = read_document(written(tmp_path, f"[{line_end}1,{line_end}{line_end}2]"))
    assert [document.line((index,)) for index in range(2)] == [2, 4]


def test_something_absent_is_on_the_line_of_what_is_around_it(tmp_path: Path) -> None:
    document = read_document(written(tmp_path, '{\n"a": {\n"b": [\n1]}}'))
    assert document.line(("a", "b", 7, "no")) == 3
    assert document.line(("nothing",)) == 1
    assert document.line(("a", "b", 0)) == 4


def _places(value: Any, at: Location = ()) -> list[Location]:
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [at, *(place for key, one in inner for place in _places(one, (*at, key)))]


def _random_value(source: random.Random, depth: int) -> Any:
    kind = source.randrange(8 if depth else 5)
    if kind < 5:
        words = ["", 'a "quoted" \\ key', "{[,]}", "ünï\t\n", "NaN"]
        return [source.random() * 1e9, source.choice(words), None, True, -3][kind]
    size = source.randrange(5)
    if kind == 5:
        return [_random_value(source, depth - 1) for _ in range(size)]
    keys = source.sample(["", "a", "b:", 'c"', "d}", "é", "0"], size)
    return {key: _random_value(source, depth - 1) for key in keys}


@pytest.mark.parametrize("seed", range(40))
def test_any_document_reads_as_the_standard_library_reads_it(tmp_path: Path, seed: int) -> None:
    """Nested values with awkward keys: same value, and a line for every place in it."""
    source = random.Random(seed)
    value = [_random_value(source, 5)]
    text = json.dumps(value, indent=source.choice([None, 0, 3]), ensure_ascii=bool(seed % 2))
    document = read_document(written(tmp_path, text))
    assert document.value == value
    assert set(document.lines) == set(_places(value))
    assert max(document.lines.values()) <= text.count("\n") + 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a": 1,\n"b" 2}', 2),
        ("[1,\n\n2", 3),
        ("{'a': 1}", 1),
        ('{"a": 1,}', 1),
        ("[1] [2]", 1),
        ('{"a":\n// why\n1}', 2),
        ('["tab\there"]', 1),
        ('[\n"line\nend"]', 2),
        ('["\\q"]', 1),
        ("nul", 1),
        ("[01]", 1),
        ("[.5]", 1),
        ("[+1]", 1),
        ("\x00", 1),
    ],
)
def test_what_is_not_json_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    found, message = fault(written(tmp_path, text))
    assert found == line
    assert message.startswith("not valid JSON: ")


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_python_s_own_constants_are_no_json(tmp_path: Path, token: str) -> None:
    """The line is the token's, not that of a string in which the same word stands."""
    text = f'{{"{token}":\n "{token} is \\" {token}",\n "x":\n {token}}}'
    line, message = fault(written(tmp_path, text))
    assert line == 4
    assert message == f"{token} is not JSON: give a finite number or null"


@pytest.mark.parametrize("token", ["1e999", "-1e999", "1.5E+400"])
def test_a_number_that_is_no_finite_double_is_refused(tmp_path: Path, token: str) -> None:
    line, message = fault(written(tmp_path, f'["{token}",\n{token}]'))
    assert line == 2
    assert message == f"{token} is too large: give a finite number or null"


@pytest.mark.parametrize("digits", [400, 4300, 5000, 100_000])
def test_a_huge_whole_number_is_refused(tmp_path: Path, digits: int) -> None:
    line, message = fault(written(tmp_path, "[\n1,\n-" + "9" * digits + "]"))
    assert line == 3
    assert message == "-99999999999... has more than 308 digits"


def test_whole_numbers_that_a_double_can_hold_are_read_exactly(tmp_path: Path) -> None:
    number = 10**300 + 7
    assert read_document(written(tmp_path, f"[{number}]")).value == [number]


def test_every_key_given_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    text = '{"a": 1,\n"b": {"c": 1,\n"\\u0063": 2},\n"a": 3}'
    with pytest.raises(DocumentError) as caught:
        read_document(written(tmp_path, text))
    assert [
        (problem.line, problem.location, problem.message) for problem in caught.value.problems
    ] == [
        (3, ("b", "c"), "given twice (first on line 2): keep one"),
        (4, ("a",), "given twice (first on line 1): keep one"),
    ]


@pytest.mark.parametrize("depth", [DEEPEST_NESTING + 2, 500, 200_000])
@pytest.mark.parametrize("closed", [True, False])
def test_deep_nesting_is_refused_where_it_gets_too_deep(
    tmp_path: Path, depth: int, closed: bool
) -> None:
    text = '["]", \n' + "[" * depth + ("]" * depth + "]" if closed else "")
    line, message = fault(written(tmp_path, text))
    if closed or depth > 100_000:
        assert (line, message) == (2, "nested more than 64 levels deep")
    else:
        assert line == 2


def test_nesting_up_to_the_limit_is_read(tmp_path: Path) -> None:
    text = "[" * DEEPEST_NESTING + "]" * DEEPEST_NESTING
    assert isinstance(read_document(written(tmp_path, text)), JsonDocument)


@pytest.mark.parametrize("text", ["", "  \n\t\n", "\ufeff"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, text: str) -> None:
    assert fault(written(tmp_path, text)) == (1, "is empty: a JSON document is wanted")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    document = read_document(written(tmp_path, '\ufeff{"a": 1}'))
    assert document.value == {"a": 1}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1"])
def test_another_encoding_is_named_as_the_fault(tmp_path: Path, encoding: str) -> None:
    line, message = fault(written(tmp_path, '{"a":\n "é"}'.encode(encoding)))
    assert message.startswith("not UTF-8 text (byte ")
    assert line == (2 if encoding == "latin-1" else 1)


def test_half_a_surrogate_pair_is_no_text(tmp_path: Path) -> None:
    """Such a string could be written to no file afterwards."""
    line, message = fault(written(tmp_path, '{"a":\n ["\\ud83d\\ude00", "\\ud83d"]}'))
    assert (line, message) == (2, "\\ud83d is half a surrogate pair: no text")


def test_a_directory_is_no_document(tmp_path: Path) -> None:
    assert fault(tmp_path) == (None, "is a directory: a JSON file is wanted")


def test_a_file_that_never_ends_is_not_read() -> None:
    assert fault(Path("/dev/zero")) == (None, "is no regular file: a JSON file is wanted")


@pytest.mark.parametrize("name", ["missing.json", "missing/too.json"])
def test_an_absent_file_is_said_to_be_absent(tmp_path: Path, name: str) -> None:
    assert fault(tmp_path / name) == (None, "no such file")


@pytest.mark.parametrize(("name", "cause"), [("x" * 300, "name too long"), ("a\0b", "null")])
def test_an_impossible_file_name_is_one_sentence(tmp_path: Path, name: str, cause: str) -> None:
    line, message = fault(tmp_path / name)
    assert line is None
    assert message.startswith("cannot be read: ")
    assert cause in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_one_may_not_read_is_one_sentence(tmp_path: Path) -> None:
    file = written(tmp_path, "[]")
    file.chmod(0)
    assert fault(file) == (None, "cannot be read: Permission denied")


def test_a_location_is_shown_as_people_write_it() -> None:
    assert json_path(("benchmarks", 0, "params", "x")) == "benchmarks[0].params.x"
    assert json_path((2, "version")) == "[2].version"
    assert json_path(()) == ""


def test_a_long_value_is_shown_cut() -> None:
    assert shown("é" * 200) == '"' + "é" * 76 + "..."
    assert shown({"a": None}) == '{"a": null}'
