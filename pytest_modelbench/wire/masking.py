"""Keys taken out of what a server says: it may send back what it was sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from pytest_modelbench.redaction import HIDDEN


def without_secrets(text: str, values: Iterable[str]) -> str:
    """`text` without those header values, their bare keys included.

    >>> without_secrets("who is abc123?", ["Bearer abc123"])
    'who is ***?'
    """
    found = sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)
    if not found:
        return text
    return re.sub("|".join(map(re.escape, found)), HIDDEN, text, flags=re.IGNORECASE)


def _forms(value: str) -> Iterator[str]:
    """How a key may stand in a text: with its scheme, without it, and as in a URL."""
    value = value.strip()
    _, _, bare = value.partition(" ")
    for one in (value, bare.strip()):
        if one:
            yield one
            yield quote(one, safe="")
