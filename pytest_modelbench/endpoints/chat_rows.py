"""A dataset's row as what a chat model is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.endpoints.contract import EndpointError

Message = dict[str, Any]
ROLES = ("system", "developer", "user", "assistant")
_INSTRUCTIONS = ROLES[:2]
_KINDS = {"dict": "an object", "list": "a list", "tuple": "a pair", "str": "a text"}


@dataclass(frozen=True, slots=True)
class Turns:
    """A conversation of which only one side is known: the other answers turn by turn."""

    before: tuple[Message, ...]
    """What stands before the first turn: the system's message, if there is one."""
    texts: tuple[str, ...]
    """What the user says, in order; at least two."""


def prompt_of(given: Any) -> str:
    """The text that a completion continues. Raises `EndpointError` for a row without one."""
    if isinstance(given, str):
        return given
    raise EndpointError(
        f"the row's input is {_kind(given)}: /completions takes one text, and messages need "
        '"api": "chat"'
    )


def conversation_of(given: Any, system: str | None) -> list[Message] | Turns:
    """The messages of one request; or what several are made of, one after the other.

    A text is what the user says. A list of messages is sent as it is. A list of texts is what the
    user says turn by turn. `system` is put before.

    Raises `EndpointError` saying what is wrong with the row.
    """
    before = [_message("system", system)] if system else []
    if isinstance(given, str):
        return [*before, _message("user", given)]
    if not isinstance(given, list) or not given:
        raise EndpointError(
            f"the row's input is {_kind(given)}: it should be a text, a list of texts (what the "
            'user says turn by turn) or a list of messages ({"role": ..., "content": ...})'
        )
    if all(isinstance(one, str) for one in given):
        return _turns(given, before)
    for number, one in enumerate(given, 1):
        _check(one, number)
    if system and any(one["role"] in _INSTRUCTIONS for one in given):
        raise EndpointError(
            "the row has a system message of its own, and params.system is given: leave one out"
        )
    return [*before, *given]


def texts_of(messages: Sequence[Message]) -> str:
    """All that is said in them, as far as it is text."""
    found: list[str] = []
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else [content]:
            text = part.get("text") if isinstance(part, dict) else part
            found += [text] if isinstance(text, str) else []
    return "\n".join(found)


def _turns(texts: list[str], before: list[Message]) -> list[Message] | Turns:
    for number, text in enumerate(texts, 1):
        if not text.strip():
            raise EndpointError(f"turn {number} of the row is blank")
    if len(texts) == 1:
        return [*before, _message("user", texts[0])]
    return Turns(tuple(before), tuple(texts))


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _check(message: Any, number: int) -> None:
    where = f"message {number} of the row"
    if not isinstance(message, dict):
        raise EndpointError(
            f'{where} is {_kind(message)}: it should be {{"role": ..., "content": ...}}'
        )
    role = message.get("role")
    if role not in ROLES:
        said = f"has the role {role!r}" if "role" in message else "has no role"
        raise EndpointError(f"{where} {said}: it should be one of {', '.join(ROLES)}")
    content = message.get("content")
    is_parts = isinstance(content, list) and content and all(isinstance(c, dict) for c in content)
    if not isinstance(content, str) and not is_parts:
        raise EndpointError(
            f"{where} has a content that is {_kind(content)}: it should be a text, or a list of "
            "parts"
        )


def _kind(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, list | tuple) and not value:
        return "an empty list"
    return _KINDS.get(type(value).__name__, f"of type {type(value).__name__}")
