"""Where endpoints are: what people write, as the addresses that are asked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pytest_modelbench.errors import ModelbenchError

LIST_VARIABLE = "MODELBENCH_ENDPOINTS"
"""Several addresses with commas between them; before `SINGLE_VARIABLE`."""
SINGLE_VARIABLE = "MODELBENCH_ENDPOINT"
DEFAULT_ADDRESS = "http://localhost:8000"
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
_HOST = re.compile(r"[A-Za-z0-9_.:%-]+")


def full_address(text: str, path: str, where: str) -> str:
    """`text` (a URL or `host:port`) with `path` after it, as far as it does not end with it.

    Raises `ModelbenchError`, in which `where` says who wrote it.

    >>> full_address("localhost:8000", "/v1/audio/transcriptions", "params.base_url")
    'http://localhost:8000/v1/audio/transcriptions'
    >>> full_address("https://host/openai/v1/", "/v1/audio/transcriptions", "params.base_url")
    'https://host/openai/v1/audio/transcriptions'
    """
    given = text.strip()
    parts = _split(given if _SCHEME.match(given) else f"http://{given}", where)
    return f"{parts.scheme}://{parts.netloc}{_joined(parts.path, path)}"


def own_addresses(given: Sequence[str], path: str, where: str) -> tuple[str, ...]:
    """Of a server of one's own: those given, else of the environment, else the usual one."""
    texts, said_by = _first_given(given, where, os.environ)
    return tuple(dict.fromkeys(full_address(text, path, said_by) for text in texts))


def wrong_addresses(given: Mapping[str, Any]) -> Iterator[str]:
    """A sentence on each of a suite's parameters that holds what cannot be an address, and on two
    of them that exclude each other.

    Told before anything is recorded: such an address may hold a key.
    """
    if given.get("base_url") and given.get("endpoints"):
        yield "'base_url' and 'endpoints' exclude each other: give the one or the list"
    for name in ("base_url", "endpoints"):
        texts = given.get(name)
        for text in texts if isinstance(texts, list) else [texts]:
            if not isinstance(text, str) or not text:
                continue  # told elsewhere
            try:
                full_address(text.replace("{port}", "1"), "", f"params.{name}")
            except ModelbenchError as error:
                yield str(error)


def _first_given(
    given: Sequence[str], where: str, environment: Mapping[str, str]
) -> tuple[Sequence[str], str]:
    if given:
        return given, where
    if several := [part for part in environment.get(LIST_VARIABLE, "").split(",") if part.strip()]:
        return several, LIST_VARIABLE
    if (single := environment.get(SINGLE_VARIABLE, "")).strip():
        return [single], SINGLE_VARIABLE
    return [DEFAULT_ADDRESS], "the usual address"


def _split(text: str, where: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _wrong(where, f"cannot be read ({error})") from None
    if parts.scheme not in ("http", "https"):
        raise _wrong(where, f"begins with {parts.scheme}://")
    if parts.username is not None or parts.password is not None:
        raise _wrong(where, "holds a name or a password, and keys are read from the environment")
    if parts.query or parts.fragment:
        raise _wrong(where, "holds a '?' or a '#'")
    host = parts.hostname
    if not host or not _HOST.fullmatch(host) or port == 0:
        raise _wrong(where, "names no host")
    if any(not " " < character < "\x7f" for character in parts.path):
        raise _wrong(where, "holds a character that no address has")
    return parts


def _wrong(where: str, why: str) -> ModelbenchError:
    return ModelbenchError(
        f"an address in {where} {why}: write http://host:port, https://host/path or host:port"
    )


def _joined(base: str, path: str) -> str:
    """`base`, and what of `path` it does not end with already."""
    have, want = ([part for part in text.strip("/").split("/") if part] for text in (base, path))
    lengths = range(min(len(have), len(want)), -1, -1)
    shared = next(length for length in lengths if have[len(have) - length :] == want[:length])
    return "/" + "/".join([*have, *want[shared:]])
