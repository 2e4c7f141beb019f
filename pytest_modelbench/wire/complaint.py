"""What a server says about a request that it refuses."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from pytest_modelbench.errors import cut, encodable
from pytest_modelbench.redaction import printable
from pytest_modelbench.wire.exchange import Exchange
from pytest_modelbench.wire.masking import without_secrets

LONGEST_MESSAGE = 300
_LONGEST_READ = 64 * 1024
_KEYS = ("error", "message", "detail", "msg", "err_msg", "error_message", "reason", "title")
_DEEPEST = 5


def status_line(exchange: Exchange) -> str:
    """The status in digits, and in words where it has any."""
    try:
        return f"{exchange.status} {HTTPStatus(exchange.status).phrase}"
    except ValueError:
        return str(exchange.status)


def complaint(exchange: Exchange, secrets: tuple[str, ...]) -> str:
    """The server's own message in one line that can be shown; empty where there is none."""
    body = exchange.body[:_LONGEST_READ]
    try:
        text = _message(json.loads(body), _DEEPEST)
    except (ValueError, RecursionError):
        is_plain = (exchange.header("content-type") or "").lower().startswith("text/plain")
        text = body.decode("utf-8", "replace") if is_plain else ""
    text = " ".join(printable(encodable(" ".join(text.split()))).split())
    return cut(without_secrets(text, secrets), LONGEST_MESSAGE)


def _message(found: Any, depth: int) -> str:
    """The first text under one of the usual names."""
    if isinstance(found, str):
        return found
    if not depth:
        return ""
    if isinstance(found, list):
        return _message(found[0], depth - 1) if found else ""
    if isinstance(found, dict):
        for key in _KEYS:
            if found.get(key) and (text := _message(found[key], depth - 1)):
                return text
    return ""
