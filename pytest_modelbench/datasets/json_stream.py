"""The items of a JSON list in a file, one at a time, in constant memory."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

from pytest_modelbench.errors import ModelbenchError

LARGEST_ROW_BYTES = 64 * 1024 * 1024
"""No sample is larger; a file without row ends must not fill the memory."""
_CHUNK_BYTES = 64 * 1024
_WITHIN_NUMBER = ("", ".", "e", "E", "e+", "e-", "E+", "E-")
_LONGEST_LITERAL = len("-Infinity")


class TruncatedError(Exception):
    """The text ends before the value does."""


def _refuse(literal: str) -> NoReturn:
    raise ValueError(f"{literal} is not JSON; write null for an unknown number")


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        _refuse(literal)
    return number


STRICT_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
"""Refuses what JSON does not have (NaN, Infinity) and numbers that overflow to it."""


class JsonStream:
    """A cursor over the text of a UTF-8 file that knows its line and holds one value at most.

    Faults raise `ModelbenchError` naming `name` and the line; an end of file inside a value or
    where `take` wants a character raises `TruncatedError`.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text = ""
        self._at = 0
        self._ended = False
        self.line = 1

    def fault(self, what: str) -> ModelbenchError:
        """An error at the current line."""
        return ModelbenchError(f"{self._name}, line {self.line}: {what}")

    def peek(self) -> str:
        """The next character that is not white space, left in place; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._advance_to(self._at + 1)
            if self._at < len(self._text) or not self._read_more(_CHUNK_BYTES):
                return self._text[self._at : self._at + 1]

    def take(self, expected: str, where: str) -> str:
        """Step over the next character, which must be one of `expected`."""
        character = self.peek()
        if not character:
            raise TruncatedError
        if character not in expected:
            wanted = " or ".join(repr(each) for each in expected)
            raise self.fault(f"expected {wanted} {where}, found {character!r}")
        self._advance_to(self._at + 1)
        return character

    def value(self, what: str) -> Any:
        """Decode the next value whole."""
        self.peek()
        while True:
            try:
                value, end = STRICT_DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._may_be_cut(error):
                    if self._grow(what):
                        continue
                    if self._is_cut(error):
                        raise TruncatedError from None
                self._advance_to(error.pos)
                raise self.fault(f"{what} is not valid JSON ({error.msg})") from None
            except RecursionError:
                raise self.fault(f"{what} is nested too deeply") from None
            except ValueError as error:
                raise self.fault(f"{what}: {error}") from None
            if self._may_go_on(end) and self._grow(what):
                continue
            self._advance_to(end)
            return value

    def items(self, what: str) -> Iterator[tuple[int, Any]]:
        """The line and value of each item of the list that begins here, then step past it."""
        self.take("[", f"to begin the list of {what}s")
        if self.peek() == "]":
            self.take("]", "")
            return
        row = 0
        while True:
            self.peek()
            line = self.line
            yield line, self.value(f"{what} {row}")
            if self.take(",]", f"after {what} {row}") == "]":
                return
            row += 1

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether more text could mend the fault: it lies at the end of what was read."""
        near_the_end = error.pos >= len(self._text) - _LONGEST_LITERAL
        return near_the_end or error.msg.startswith("Unterminated string")

    def _may_go_on(self, end: int) -> bool:
        """Whether what ends at `end` may be the beginning of a longer number, as 1 is of 1.5e+3."""
        return self._text[end - 1].isdigit() and self._text[end:] in _WITHIN_NUMBER

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether, at the end of the file, the fault is that text is missing."""
        rest = self._text[error.pos :].strip()
        in_literal = any(literal.startswith(rest) for literal in ("true", "false", "null", "-"))
        return in_literal or error.msg.startswith("Unterminated string")

    def _grow(self, what: str) -> bool:
        """Read as much again as the value already holds, so that retries cost linear time."""
        held = len(self._text) - self._at
        if held > LARGEST_ROW_BYTES:
            raise self.fault(
                f"{what} is larger than {LARGEST_ROW_BYTES // 2**20} MiB; keep large data in files "
                "of their own and name them in the row"
            )
        return self._read_more(max(held, _CHUNK_BYTES))

    def _read_more(self, size: int) -> bool:
        """Append text to the buffer, dropping what lies behind; False at the end of the file."""
        if self._ended:
            return False
        data = self._file.read(size)
        self._ended = not data
        try:
            text = self._decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            before = self._text[self._at :].count("\n") + error.object[: error.start].count(b"\n")
            self.line += before
            raise self.fault("not UTF-8 text; save the file as UTF-8") from None
        if self._ended and not text:
            return False
        self._text = self._text[self._at :] + text
        self._at = 0
        return True

    def _advance_to(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end
