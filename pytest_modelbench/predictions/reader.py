"""Lines of files of predictions: ours, and those of the speech leaderboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_modelbench.documents.problems import Location, Problem
from pytest_modelbench.documents.validate import explain
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.predictions.file_names import named
from pytest_modelbench.predictions.line import OWN_FIELD, PredictionLine

_NOTHING = b" \t\r\n\0\xef\xbb\xbf"
"""What stands at the end of a file after a power failure, or before its first line."""
_KNOWN = frozenset(PredictionLine.model_fields)


class _CutShortError(Exception):
    """A line that ends before its JSON does."""


def read_predictions(file: Path, notes: list[str] | None = None) -> Iterator[PredictionLine]:
    """The lines of `file`, one by one; each says its model and dataset, be it by the file's name.

    A line that was cut short, because its writer was killed, is passed over, and `notes` gets a
    sentence. Raises `ModelbenchError` naming the file and the line of what is no prediction.
    """
    from_name = _from_name(file)
    try:
        with file.open("rb") as stream:
            for number, given in enumerate(stream, 1):
                if not (text := given.strip(_NOTHING)):
                    continue
                try:
                    line = _line(text, file, number)
                except _CutShortError:
                    if notes is not None:
                        notes.append(f"{file}:{number}: cut short: passed over")
                    continue
                missing = {
                    name: value for name, value in from_name.items() if getattr(line, name) is None
                }
                yield line.model_copy(update=missing) if missing else line
    except OSError as error:
        raise ModelbenchError(f"{file}: cannot be read ({error.strerror})") from None


def answered(file: Path) -> dict[str, PredictionLine]:
    """By sample id, the last answer of each sample in a file of ours, such as a killed session's.

    As far as the file can be read: what is not found is asked again.
    """
    found: dict[str, PredictionLine] = {}
    with suppress(ModelbenchError):
        for line in read_predictions(file):
            if line.is_answered and line.sample_id:
                found[line.sample_id] = line
    return found


def _from_name(file: Path) -> dict[str, str]:
    """What lines are taken to say that do not; without any hint each file is by itself."""
    if (said := named(file.name)) is not None:
        return said._asdict()
    return {"model": file.name.removesuffix(".jsonl"), "dataset": "", "split": ""}


def _line(text: bytes, file: Path, number: int) -> PredictionLine:
    value = _value(text, file, number)
    if OWN_FIELD not in value:
        value = {name: one for name, one in value.items() if name in _KNOWN}
    try:
        return PredictionLine.model_validate(value)
    except ValidationError as error:
        location, message = explain(error, PredictionLine, value)[0]
        raise _fault(file, number, message, location) from None


def _value(text: bytes, file: Path, number: int) -> dict[str, Any]:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise _CutShortError from None
        raise _fault(file, number, "not UTF-8 text") from None
    try:
        value = json.loads(decoded)
    except json.JSONDecodeError as error:
        if _is_cut_short(decoded, error):
            raise _CutShortError from None
        raise _fault(file, number, f"not a line of JSON: {error.msg}") from None
    except RecursionError:
        raise _fault(file, number, "nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits
        raise _fault(file, number, str(error)) from None
    if not isinstance(value, dict):
        raise _fault(file, number, "should be a JSON object: a prediction a line")
    return value


def _is_cut_short(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the fault is that the text ends; it may do so inside a number or a word."""
    is_at_its_end = error.pos >= len(text) or error.msg.startswith("Unterminated string")
    return text.startswith("{") and (is_at_its_end or not text.endswith("}"))


def _fault(file: Path, line: int, message: str, location: Location = ()) -> ModelbenchError:
    return ModelbenchError(str(Problem(file, line, location, message)))
