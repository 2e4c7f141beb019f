"""Keys taken out of what a server says: it may send back what it was sent, in some other form."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from pytest_modelbench.redaction import HIDDEN

SHORTEST_PART = 8
"""So many characters of a key are as telling as all of it; fewer may be any word."""
_REST = r"[\w.~+/=%-]*"
"""What goes on after the beginning of a key belongs to it."""


def without_secrets(text: str, values: Iterable[str]) -> str:
    """`text` without those header values and their bare keys, also as URLs and base64 write them,
    broken into lines, or cut off.

    >>> without_secrets("who is abc123?", ["Bearer abc123"])
    'who is ***?'
    >>> without_secrets("got YWJjMTIzNDU2Nzg5 for %61bc12345...", ["Bearer abc123456789"])
    'got *** for ***'
    """
    pattern = _pattern(tuple(values))
    return text if pattern is None else pattern.sub(HIDDEN, text)


@lru_cache(maxsize=64)
def _pattern(values: tuple[str, ...]) -> re.Pattern[str] | None:
    forms = {form for value in values for form in _forms(value)}
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(longest_first), re.IGNORECASE) if longest_first else None


def _forms(value: str) -> Iterator[str]:
    """Patterns of how a key may stand in a text: with its scheme and without it."""
    value = value.strip()
    _, _, bare = value.partition(" ")
    for one in filter(None, (value, bare.strip())):
        yield _spelled(one)
        yield from _in_base64(one)
    key = bare.strip() or value
    if len(key) > SHORTEST_PART:
        yield _spelled(key[:SHORTEST_PART]) + _REST


def _spelled(text: str) -> str:
    """Each character as it is or as in a URL, with line breaks anywhere in between."""
    return r"\s*".join(f"(?:{re.escape(one)}|{_in_url(one)})" for one in text)


def _in_url(character: str) -> str:
    return "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))


def _in_base64(text: str) -> Iterator[str]:
    """What all encodings have in common of a text that begins with the key, or has it inside."""
    data = text.encode("utf-8", "surrogatepass")
    for before in range(3):
        coded = base64.b64encode(bytes(before) + data).decode().rstrip("=")
        # The first and the last characters hold bits of what stands before and after.
        inner = coded[(before * 8 + 5) // 6 : len(coded) - (1 if (before + len(data)) % 3 else 0)]
        if len(inner) >= SHORTEST_PART:
            plain = re.escape(inner)
            yield plain.replace(r"\+", "[+-]").replace("/", "[/_]") + r"[\w+/=-]*"
