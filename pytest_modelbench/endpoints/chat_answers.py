"""Answers of `/chat/completions` and `/completions`, streamed or whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_modelbench.endpoints.chat_said import TEXT_FIELDS, Api, Said
from pytest_modelbench.endpoints.chunk_pattern import ChunkPattern
from pytest_modelbench.endpoints.contract import EndpointError
from pytest_modelbench.endpoints.events import events_of
from pytest_modelbench.endpoints.openai_json import (
    NotUnderstoodError,
    json_object,
    optional_text,
    quoted,
)

if TYPE_CHECKING:
    from pytest_modelbench.wire.exchange import Exchange

EVENT_STREAM = "text/event-stream"
END = b"[DONE]"


def read_whole(exchange: Exchange, api: Api) -> Said:
    """A complete answer. Raises `EndpointError` for what is none."""
    if _is_stream(exchange):
        raise EndpointError(
            "the server answered with a stream, which it was not asked for: "
            'give "stream": true in params'
        )
    said = Said()
    try:
        found = json_object(exchange.body)
        choice = _choice(found)
        part = choice if api == "completions" else (choice or {}).get("message")
        if type(part) is not dict:
            kind = "choice" if choice is None else "message"
            raise NotUnderstoodError(f"has no {kind}: {quoted(json.dumps(found))}")
        said.add(part, TEXT_FIELDS[api])
        said.usage = found.get("usage")
        said.model = optional_text(found, "model")
        said.finish_reason = optional_text(choice or {}, "finish_reason")
    except NotUnderstoodError as error:
        raise EndpointError(f"the answer {error}") from None
    return said


def read_stream(exchange: Exchange, api: Api) -> Said:
    """An answer in chunks. Raises `EndpointError` for one that breaks off or makes no sense.

    A chunk bears tokens if it has text: one that has the role alone, an empty text, the usage or
    the reason why it ends does not.
    """
    if not _is_stream(exchange):
        raise EndpointError(_no_stream(exchange))
    said, pattern = Said(), ChunkPattern(lambda data, into: take_chunk(data, into, api))
    number, is_ended = 0, False
    try:
        for name, data, came_ns in events_of(exchange):
            number += 1
            if not name and pattern.take(data, said):
                said.token_ns.append(came_ns)
                continue
            if data == END or data.strip() == END:
                is_ended = True
                break
            if name == "error":
                raise EndpointError(f"the server reports an error: {_words(data)}")
            if take_chunk(data, said, api):
                said.token_ns.append(came_ns)
                pattern.learn(data)
    except NotUnderstoodError as error:
        raise EndpointError(f"event {number} of the stream {error}") from None
    if said.finish_reason is None and not is_ended:
        raise EndpointError(
            f"the stream breaks off after {len(said.token_ns)} chunks with text: it has neither a "
            "finish_reason nor [DONE]"
        )
    return said


def take_chunk(data: bytes, said: Said, api: Api) -> bool:
    """Take over what a chunk says; whether it has text."""
    chunk = json_object(data)
    if usage := chunk.get("usage"):
        said.usage = usage
    if said.model is None:
        said.model = optional_text(chunk, "model")
    choice = _choice(chunk)
    if choice is None:
        return False
    if reason := optional_text(choice, "finish_reason"):
        said.finish_reason = reason
    part = choice if api == "completions" else choice.get("delta")
    if part is None:
        return False
    if type(part) is not dict:
        raise NotUnderstoodError(f"has a 'delta' that is no object: {quoted(json.dumps(part))}")
    return said.add(part, TEXT_FIELDS[api])


def _choice(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """The only choice; None where there is none, as beside the usage."""
    choices = found.get("choices")
    if not choices:
        return None
    if type(choices) is not list or type(choice := choices[0]) is not dict:
        raise NotUnderstoodError(f"has no list of choices: {quoted(json.dumps(choices))}")
    if len(choices) > 1 or choice.get("index"):
        raise NotUnderstoodError("has several choices, where one was asked for")
    return choice


def _is_stream(exchange: Exchange) -> bool:
    """Whether it looks like one: some servers send events under another name."""
    if (exchange.header("content-type") or "").lower().startswith(EVENT_STREAM):
        return True
    begin = exchange.body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return begin.startswith((b"data:", b"event:", b"id:", b"retry:", b":"))


def _no_stream(exchange: Exchange) -> str:
    try:
        json_object(exchange.body)
    except EndpointError as error:  # one that comes as a success
        return str(error)
    except NotUnderstoodError:
        pass
    kind = exchange.header("content-type") or "without a content-type"
    return (
        f"the server answered {quoted(kind)}, not {EVENT_STREAM}: "
        'if it cannot stream, give "stream": false in params'
    )


def _words(data: bytes) -> str:
    """What an error event says, JSON or not."""
    try:
        json_object(data)
    except EndpointError as error:
        return str(error).partition(": ")[2]
    except NotUnderstoodError:
        pass
    return quoted(data.decode("utf-8", "replace"))
