"""Rows from a JSON file: a list, an object with a `rows` list, or JSON lines, read lazily."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pytest_modelbench.datasets.json_stream import (
    LARGEST_ROW_BYTES,
    STRICT_DECODER,
    JsonStream,
    TruncatedError,
)
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.errors import ModelbenchError

# What `decode` is made of, without its looking for white space before and after.
_SCAN: Callable[[str, int], tuple[Any, int]] = STRICT_DECODER.scan_once  # type: ignore[attr-defined]
_LINES_SUFFIXES = (".jsonl", ".ndjson")
_KINDS = {
    dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"
}  # fmt: skip


def rows(spec: DatasetSpec, base_dir: Path) -> Iterator[dict[str, Any]]:
    """The rows of `spec.path`, lazily: the first n rows cost n rows of time and memory.

    A file that begins with `[` is a list of objects. One that begins with `{` is JSON lines where
    its suffix (.jsonl, .ndjson) or the source (`jsonl`, `local_jsonl`) says so; otherwise an
    object with a `rows` list, or JSON lines when its first object has no `rows` and more follows.
    Relative paths resolve against `base_dir`; `~` is the home directory.

    Raises `ModelbenchError` naming the file and the line: a file that is missing, empty, not
    UTF-8, broken or cut short, a row that is not an object, NaN or Infinity, no `rows`.
    """
    path = json_path(spec, base_dir)
    try:
        with path.open("rb") as file:
            yield from _rows_of(file, path, spec)
    except IsADirectoryError:
        raise ModelbenchError(
            f"{path} is a directory; dataset 'path' names one JSON or JSON-lines file"
        ) from None
    except FileNotFoundError:
        raise ModelbenchError(
            f"{path} does not exist; dataset 'path' is relative to the suite file's directory"
        ) from None
    except OSError as error:
        raise ModelbenchError(f"{path} cannot be read: {error.strerror or error}") from error


def json_path(spec: DatasetSpec, base_dir: Path) -> Path:
    """The file that `spec` names. Raises `ModelbenchError` when it names none."""
    if not spec.path:
        raise ModelbenchError(
            f"dataset source {spec.source!r} needs a 'path': the JSON or JSON-lines file to read"
        )
    return base_dir / Path(spec.path).expanduser()


def _rows_of(file: BinaryIO, path: Path, spec: DatasetSpec) -> Iterator[dict[str, Any]]:
    stream = JsonStream(file, str(path))
    says_lines = spec.source.endswith("jsonl")
    try:
        first = stream.peek()
        if first == "[":
            yield from _objects(stream)
            _nothing_more(stream)
            return
        if path.suffix.lower() in _LINES_SUFFIXES or (says_lines and path.suffix != ".json"):
            if not first:
                raise _empty(path)
        elif (yield from _rows_of_object(stream, path, accept_one_row=says_lines)):
            return
    except TruncatedError:
        raise stream.fault("the file ends in the middle of its JSON; it was cut short") from None
    file.seek(0)
    yield from _rows_of_lines(file, path)


def _empty(path: Path) -> ModelbenchError:
    return ModelbenchError(
        f'{path} is empty; write a JSON list of rows, {{"rows": [...]}}, or one object a line'
    )


def _objects(stream: JsonStream) -> Iterator[dict[str, Any]]:
    for row, (line, value) in enumerate(stream.items("row")):
        if not isinstance(value, dict):
            # The stream stands after the value: name the line on which it began.
            stream.line = line
            raise stream.fault(f"row {row} is {_kind(value)}; every row must be an object")
        yield value


def _rows_of_object(
    stream: JsonStream, path: Path, accept_one_row: bool
) -> Generator[dict[str, Any], None, bool]:
    """Yield what `rows` holds; return False for JSON lines, of which nothing was yielded then."""
    if not stream.peek():
        raise _empty(path)
    stream.take("{", "or '[' to begin the file")
    found, keys = False, []
    closing = stream.peek() == "}" and stream.take("}", "") == "}"
    while not closing:
        if stream.peek() != '"':
            stream.take('"', "to begin a key")
        key = stream.value("a key")
        stream.take(":", f"after the key {key!r}")
        keys.append(key)
        if key == "rows":
            if stream.peek() != "[":
                raise stream.fault('"rows" must be a list of objects')
            found = True
            yield from _objects(stream)
        else:
            stream.value(f"the value of {key!r}")
        closing = stream.take(",}", f"after the value of {key!r}") == "}"
    if found:
        _nothing_more(stream)
    elif not accept_one_row and stream.peek() != "{":
        raise ModelbenchError(
            f'{path} is an object without "rows" (its keys: {", ".join(keys[:10]) or "none"}); '
            'write {"rows": [...]}, a JSON list, or one object a line'
        )
    return found


def _nothing_more(stream: JsonStream) -> None:
    if rest := stream.peek():
        raise stream.fault(f"{rest!r} follows the end of the JSON; a file holds one document")


def _rows_of_lines(file: BinaryIO, path: Path) -> Iterator[dict[str, Any]]:
    number = 0
    while data := file.readline(LARGEST_ROW_BYTES + 1):
        number += 1
        if len(data) > LARGEST_ROW_BYTES:
            raise ModelbenchError(
                f"{path}, line {number}: longer than {LARGEST_ROW_BYTES // 2**20} MiB; JSON lines "
                "hold one row a line, and large data in files of their own"
            )
        if text := data.strip():
            yield _whole_object(text) or _row_of_line(data, f"{path}, line {number}")


def _whole_object(text: bytes) -> dict[str, Any] | None:
    """The usual case, quickly; None for all that needs a second look."""
    try:
        decoded = text.decode()
        value, end = _SCAN(decoded, 0)
    except (ValueError, StopIteration, RecursionError):
        return None
    return value if isinstance(value, dict) and end == len(decoded) else None


def _row_of_line(data: bytes, where: str) -> dict[str, Any]:
    try:
        value = STRICT_DECODER.decode(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ModelbenchError(f"{where}: not UTF-8 text; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise ModelbenchError(
            f"{where}: not one complete JSON object ({error.msg} at column {error.colno})"
        ) from None
    except RecursionError:
        raise ModelbenchError(f"{where}: the row is nested too deeply") from None
    except ValueError as error:
        raise ModelbenchError(f"{where}: {error}") from None
    if not isinstance(value, dict):
        raise ModelbenchError(f"{where}: the row is {_kind(value)}; every row must be an object")
    return value


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "a number")
