"""From a file to a JSON value, with the line of everything in it."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

from pytest_modelbench.documents.problems import DocumentError, Location, Problem

LARGEST_DOCUMENT_BYTES = 256 * 1024 * 1024
DEEPEST_NESTING = 64
MOST_DIGITS = 308

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,\]}]+")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]|[^\s,:"\[\]{}]+')
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class JsonDocument:
    """A parsed document that knows where each of its values stands."""

    file: Path
    value: Any
    lines: dict[Location, int] = field(repr=False)

    def line(self, location: Location) -> int | None:
        """The line (from 1) of a value, or of the nearest thing around it that exists."""
        for end in range(len(location), -1, -1):
            if location[:end] in self.lines:
                return self.lines[location[:end]]
        return None

    def problem(self, location: Location, message: str) -> Problem:
        return Problem(self.file, self.line(location), location, message)


def read_document(file: Path) -> JsonDocument:
    """Read `file` as strict JSON. Raises `DocumentError` with one sentence when it is not."""
    text = _read_text(file)
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_bounded_int,
        )
    except json.JSONDecodeError as error:
        raise _fault(file, error.lineno, f"not valid JSON: {error.msg}") from None
    except _NumberError as error:
        raise _fault(file, _line_of(text, error.token), str(error)) from None
    except RecursionError:
        message = f"nested more than {DEEPEST_NESTING} levels deep"
        raise _fault(file, _line_too_deep(text), message) from None
    positions = _Positions(file, text)
    positions.walk_document()
    if positions.problems:
        raise DocumentError(positions.problems)
    return JsonDocument(file, value, positions.lines)


def _read_text(file: Path) -> str:
    try:
        if file.is_dir():
            raise _fault(file, None, "is a directory: a JSON file is wanted")
        if file.stat().st_size > LARGEST_DOCUMENT_BYTES:
            raise _fault(file, None, f"larger than {LARGEST_DOCUMENT_BYTES // 2**20} MiB")
        if not file.is_file():
            raise _fault(file, None, "is no regular file: a JSON file is wanted")
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise _fault(file, None, "no such file") from None
    except OSError as error:
        raise _fault(file, None, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _fault(file, line, f"not UTF-8 text (byte {error.start})") from None
    except ValueError as error:  # a NUL character in the path
        raise _fault(file, None, f"cannot be read: {error}") from None
    if not text.strip():
        raise _fault(file, 1, "is empty: a JSON document is wanted")
    return text


class _NumberError(Exception):
    """A number that JSON, or this machine, has no room for."""

    def __init__(self, token: str, message: str) -> None:
        self.token = token
        super().__init__(message)


def _refuse_constant(name: str) -> Any:
    raise _NumberError(name, f"{name} is not JSON: give a finite number or null")


def _finite_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _NumberError(text, f"{text[:40]} is too large: give a finite number or null")
    return number


def _bounded_int(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise _NumberError(text, f"{text[:12]}... has more than {MOST_DIGITS} digits")
    return int(text)


def _line_of(text: str, token: str) -> int | None:
    """The line of the first `token` outside strings."""
    for match in _TOKEN.finditer(text):
        if match[0] == token:
            return text.count("\n", 0, match.start()) + 1
    return None


def _line_too_deep(text: str) -> int | None:
    depth = 0
    for match in _TOKEN.finditer(text):
        depth += (match[0] in "[{") - (match[0] in "]}")
        if depth > DEEPEST_NESTING:
            return text.count("\n", 0, match.start()) + 1
    return None


def _fault(file: Path, line: int | None, message: str) -> DocumentError:
    return DocumentError([Problem(file, line, (), message)])


class _Positions:
    """The line of every value in a text that is known to be valid JSON.

    The standard library's parser keeps no positions, so this walks the text a second time. It
    need not check syntax again; it does see what that parser hides: a key given twice.
    """

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        self.text = text
        self.lines: dict[Location, int] = {}
        self.problems: list[Problem] = []
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def walk_document(self) -> None:
        self._value(0, ())

    def _line(self, at: int) -> int:
        return bisect_right(self._starts, at)

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def _value(self, at: int, location: Location) -> int:
        at = self._skip(at)
        self.lines.setdefault(location, self._line(at))
        if len(location) > DEEPEST_NESTING:
            raise _fault(
                self.file, self._line(at), f"nested more than {DEEPEST_NESTING} levels deep"
            )
        opening = self.text[at]
        if opening == "{":
            return self._members(at, location, self._member)
        if opening == "[":
            return self._members(at, location, self._item)
        if opening == '"':
            value, end = scanstring(self.text, at + 1)
            self._check_text(value, at, location)
            return int(end)
        match = _SCALAR.match(self.text, at)
        return match.end() if match else at + 1

    def _check_text(self, text: str, at: int, location: Location) -> None:
        if not text.isascii() and (found := _LONE_SURROGATE.search(text)):
            message = f"\\u{ord(found[0]):x} is half a surrogate pair: no text"
            self.problems.append(Problem(self.file, self._line(at), location, message))

    def _members(
        self, at: int, location: Location, one: Callable[[int, Location, int], int]
    ) -> int:
        at = self._skip(at + 1)
        index = 0
        while self.text[at] not in "}]":
            at = self._skip(one(at, location, index))
            if self.text[at] == ",":
                at = self._skip(at + 1)
            index += 1
        return at + 1

    def _item(self, at: int, location: Location, index: int) -> int:
        return self._value(at, (*location, index))

    def _member(self, at: int, location: Location, index: int) -> int:
        key, after = scanstring(self.text, at + 1)
        place = (*location, key)
        self._check_text(key, at, location)
        if place in self.lines:
            first = self.lines[place]
            message = f"given twice (first on line {first}): keep one"
            self.problems.append(Problem(self.file, self._line(at), place, message))
        self.lines[place] = self._line(at)
        return self._value(self._skip(after) + 1, place)
