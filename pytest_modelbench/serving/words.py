"""What a server printed last, as it may stand in an error."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from pytest_modelbench.redaction import (
    HIDDEN,
    command_without_secrets,
    is_secret_name,
    printable,
)

_LAST_LINES = 3
_LAST_CHARACTERS = 240
_SHORTEST_KEY = 6
"""What is shorter than that and stands in the environment may be any word."""
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BEARER = re.compile(r"(?i)(bearer\s+)[\w.~+/=-]+")


def shown(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """What was printed, line by line, without keys and without what would steer a terminal."""
    text = _BEARER.sub(rf"\1{HIDDEN}", command_without_secrets(_STYLE.sub("", text)))
    for key in _keys(environment):
        text = text.replace(key, HIDDEN)
    lines = (printable(line.rstrip()) for line in re.split(r"[\r\n]+", text))
    return "\n".join(line for line in lines if line.strip())


def last_words(text: str) -> str:
    """The end of what `shown` gives, in one line.

    >>> last_words("Traceback:\\n  File x\\nValueError: no such model")
    'Traceback: / File x / ValueError: no such model'
    """
    lines = [line.strip() for line in text.splitlines()[-_LAST_LINES:]]
    said = " / ".join(lines)
    if not said:
        return "it printed nothing"
    return said if len(said) <= _LAST_CHARACTERS else f"...{said[-_LAST_CHARACTERS:]}"


def _keys(environment: Mapping[str, str]) -> list[str]:
    """What stands in variables that are named like keys, the longest first."""
    found = {
        value
        for name, value in environment.items()
        if is_secret_name(name) and len(value) >= _SHORTEST_KEY
    }
    return sorted(found, key=len, reverse=True)
