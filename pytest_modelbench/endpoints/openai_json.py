"""What servers of the OpenAI kind answer in common: JSON objects, complaints, usage."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pytest_modelbench.endpoints.contract import EndpointError
from pytest_modelbench.errors import cut

LONGEST_QUOTE = 300
# What `json.loads` is made of, without its looking for white space before and after.
_SCAN: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


class NotUnderstoodError(Exception):
    """What is wrong with an answer, or a part of one, as the rest of a sentence about it."""


def json_object(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`. Raises `NotUnderstoodError` for anything else, and
    `EndpointError` for one in which the server says that something went wrong.
    """
    found = _decoded(data)
    if type(found) is not dict:
        raise NotUnderstoodError(f"is no JSON object: {quoted(data.decode())}")
    if ("error" in found or "object" in found) and (said := complaint(found)):
        raise EndpointError(f"the server reports an error: {said}")
    return found


def _decoded(data: bytes) -> Any:
    try:
        text = data.decode()
        found, end = _SCAN(text, 0)
        if end == len(text):
            return found
    except UnicodeDecodeError as error:
        raise NotUnderstoodError(
            f"is not UTF-8 text (byte {data[error.start]:#04x} at {error.start})"
        ) from None
    except (ValueError, StopIteration, RecursionError):
        pass
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise NotUnderstoodError(
            f"is not whole JSON ({error.msg.removesuffix(' at')} at character {error.pos}): "
            f"{quoted(text) or 'empty'}"
        ) from None
    except RecursionError:
        raise NotUnderstoodError("is JSON that is nested too deeply") from None
    except ValueError as error:  # such as an integer of 5,000 digits
        raise NotUnderstoodError(f"is not usable JSON ({error})") from None


def complaint(found: Mapping[str, Any]) -> str:
    """What an error object says; empty for any other.

    >>> complaint({"error": {"message": "out of memory", "code": 500}})
    'out of memory'
    >>> complaint({"choices": []})
    ''
    """
    error = found.get("error")
    if not error:
        if found.get("object") != "error":
            return ""
        error = found
    message = error.get("message") if isinstance(error, Mapping) else error
    return quoted(message if isinstance(message, str) and message else json.dumps(error))


def quoted(text: str) -> str:
    """The beginning of what a server said, in one line."""
    return cut(" ".join(text.split()), LONGEST_QUOTE)


def token_count(usage: Any, name: str) -> int | None:
    """A number of tokens as `usage` has it; None where it has none."""
    count = usage.get(name) if isinstance(usage, Mapping) else None
    return count if type(count) is int and count >= 0 else None


def optional_text(found: Mapping[str, Any], name: str) -> str | None:
    """The text under `name`, if any. Raises `NotUnderstoodError` for what is not text."""
    value = found.get(name)
    if value is None or type(value) is str:
        return value
    raise NotUnderstoodError(f"has a {name!r} that is no text: {quoted(json.dumps(value))}")
