"""From a file to a JSON value, with the line of everything in it."""

from __future__ import annotations

import json
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

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,\]}]+")


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
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise _fault(file, error.lineno, f"not valid JSON: {error.msg}") from None
    except _ConstantError as error:
        line = text.count("\n", 0, max(text.find(str(error)), 0)) + 1
        raise _fault(file, line, f"{error} is not JSON: give a finite number or null") from None
    except RecursionError:
        raise _fault(file, None, f"nested more than {DEEPEST_NESTING} levels deep") from None
    except ValueError as error:  # an integer of thousands of digits
        raise _fault(file, None, f"not usable JSON: {error}") from None
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
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise _fault(file, None, "no such file") from None
    except OSError as error:
        raise _fault(file, None, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise _fault(file, None, f"not UTF-8 text (byte {error.start})") from None
    if not text.strip():
        raise _fault(file, 1, "is empty: a JSON document is wanted")
    return text


class _ConstantError(Exception):
    pass


def _refuse_constant(name: str) -> Any:
    raise _ConstantError(name)


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
            return int(scanstring(self.text, at + 1)[1])
        match = _SCALAR.match(self.text, at)
        return match.end() if match else at + 1

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
        if place in self.lines:
            first = self.lines[place]
            message = f"given twice (first on line {first}): keep one"
            self.problems.append(Problem(self.file, self._line(at), place, message))
        self.lines[place] = self._line(at)
        return self._value(self._skip(after) + 1, place)
