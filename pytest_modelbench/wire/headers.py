"""The headers of a request, checked and put into the form in which they are sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.redaction import printable

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_VALUES = re.compile(r"[^\t\x20-\x7e]")
_OWN = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te")
)
_MOST_KEPT = 256

Items = tuple[tuple[str, str], ...]


class HeaderBlock:
    """Headers of a request but for those that depend on its address and its body."""

    __slots__ = ("pairs", "secret_names", "text")

    def __init__(self, pairs: Items, secret_names: frozenset[str]) -> None:
        self.pairs = pairs
        self.secret_names = secret_names
        self.text = "".join(f"{name}: {value}\r\n" for name, value in pairs)


class HeaderBlocks:
    """Header blocks that were made before: most requests of a run have the same headers."""

    def __init__(self) -> None:
        self._made: dict[tuple[Items, Items], HeaderBlock] = {}

    def of(self, headers: Mapping[str, str], secrets: Mapping[str, str]) -> HeaderBlock:
        key = (tuple(headers.items()), tuple(secrets.items()))
        block = self._made.get(key)
        if block is None:
            if len(self._made) >= _MOST_KEPT:
                self._made.clear()
            block = self._made[key] = header_block(*key)
        return block


def header_block(headers: Items, secrets: Items) -> HeaderBlock:
    """Both kinds of headers in one block, with what we add.

    Raises `ModelbenchError` for what would be more, or something else, than a header.
    """
    seen: set[str] = set()
    for name, value in (*headers, *secrets):
        _check(name, value)
        small = name.lower()
        if small in seen:
            raise ModelbenchError(f"the header {name!r} is given twice")
        seen.add(small)
    added = (("User-Agent", user_agent()), ("Accept", "*/*"), ("Accept-Encoding", "identity"))
    return HeaderBlock(
        (*(pair for pair in added if pair[0].lower() not in seen), *headers, *secrets),
        frozenset(name.lower() for name, _ in secrets),
    )


def _check(name: str, value: str) -> None:
    """The value is never shown: it may be a key."""
    if not _NAME.fullmatch(name):
        raise ModelbenchError(f"{printable(name)!r} is not the name of a header")
    if name.lower() in _OWN:
        raise ModelbenchError(f"the header {name!r} is set by the client itself: leave it out")
    if found := _NOT_IN_VALUES.search(value):
        raise ModelbenchError(
            f"the header {name!r} has the character {found[0]!a} at place "
            f"{found.start() + 1}: only printable ASCII can be sent"
        )


@cache
def user_agent() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"pytest-modelbench/{version('pytest-modelbench')}"
    except PackageNotFoundError:  # run from a folder that was never installed
        return "pytest-modelbench"
