"""Secrets that must not reach a run, a log or a terminal, and characters that must not either."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
# to the last @ before a path: a password may have one
_IN_URLS = re.compile(r"(?<=://)[^/?#\s]+@")
_NAMES = r"[\w-]*(?:api[-_]?key|access[-_]?key|token|secret|password|passwd)"
_SECRET_NAME = re.compile(f"{_NAMES}$", re.IGNORECASE)
# `--api-key X`, `--api-key=X`, `API_KEY=X`, as a shell quotes them
_ON_COMMAND_LINE = re.compile(rf"(--?{_NAMES}[=\s]\s*|{_NAMES}=)('[^']*'|\S+)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def without_credentials(text: str) -> str:
    """`text` without the names and passwords in its URLs.

    >>> without_credentials("cannot reach https://user:secret@host/a")
    'cannot reach https://***@host/a'
    >>> without_credentials("https://user:p@ss@host/a@b and https://host?at=a@b")
    'https://***@host/a@b and https://host?at=a@b'
    """
    return _IN_URLS.sub(f"{HIDDEN}@", text)


def command_without_secrets(command: str) -> str:
    """A command line without those, and without what follows options such as `--api-key`.

    >>> command_without_secrets("pytest --hf-token abc --suite=s.json")
    'pytest --hf-token *** --suite=s.json'
    """
    return _ON_COMMAND_LINE.sub(rf"\1{HIDDEN}", without_credentials(command))


def is_secret_name(name: str) -> bool:
    """Whether what is called so is better not shown.

    >>> is_secret_name("api_key"), is_secret_name("max_new_tokens")
    (True, False)
    """
    return bool(_SECRET_NAME.search(name))


def masked(value: Any) -> Any:
    """A JSON value in which what secret-like keys hold is hidden, and URLs keep no credentials.

    >>> masked({"api_key": "abc", "url": "https://u:p@h", "max_new_tokens": 5})
    {'api_key': '***', 'url': 'https://***@h', 'max_new_tokens': 5}
    """
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if isinstance(one, str) and is_secret_name(str(key)) else masked(one)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [masked(one) for one in value]
    return without_credentials(value) if isinstance(value, str) else value


def printable(text: str) -> str:
    """`text` with what would steer a terminal written out.

    >>> printable("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
