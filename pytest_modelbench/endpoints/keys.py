"""Keys of APIs: from the environment, and from nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_modelbench.endpoints.contract import Answer
from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.redaction import HIDDEN, is_secret_name
from pytest_modelbench.wire.masking import SHORTEST_PART

_KEY = re.compile(r"[\x21-\x7e]+")
"""What can stand in a header and has no gaps."""
_ALSO_SECRET = frozenset({"key", "keys", "auth", "authorization", "bearer", "credentials"})
_WORD = re.compile(r"[A-Z]*[a-z]+|[A-Z]+")
_OF_TEXT = re.compile(
    "max|maximum|min|minimum|new|num|number|count|first|last|next|begin|start|stop|end|bos|eos|pad|"
    "unk|sep|cls|mask|special|input|output|prompt|completion|decoder|image|audio|skip|ignore|"
    "forced|suppress"
)
"""Words before `token` where it is a piece of text, such as in a mistyped `max_tokens`."""


def key_from_environment(names: Sequence[str], whose: str) -> str:
    """The key in the first of the environment variables `names` that is set.

    Raises `Unavailable` where none is, and `ModelbenchError` for what cannot be a key, which no
    sentence shows.
    """
    for name in names:
        if value := os.environ.get(name):
            return _checked(name, value)
    others = "".join(f" (or {name})" for name in names[1:])
    raise Unavailable(
        f"{names[0]} is not set: {whose} needs a key, which is read from that environment "
        f"variable{others} alone"
    )


def optional_key(names: Sequence[str]) -> str | None:
    """The same of what can do without a key."""
    return key_from_environment(names, "") if any(map(os.environ.get, names)) else None


def keys_in_parameters(given: Mapping[str, Any]) -> Iterator[str]:
    """A sentence on each parameter that is called as a key would be; its value is not shown."""
    for name in given:
        if _is_key(str(name)):
            yield (
                f"{name!r} is no parameter: keys are read from the environment, such as "
                "OPENAI_API_KEY, and never stand in a suite"
            )


def _is_key(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    if words[-1:] == ["token"] and any(map(_OF_TEXT.fullmatch, words)):
        return False
    return is_secret_name(name) or name.lower() in _ALSO_SECRET


def without_keys(answer: Answer, keys: Sequence[str]) -> Answer:
    """`answer`, in which the keys that were sent are hidden: it goes to files of the run."""
    if keys:
        answer.value, answer.notes = _hidden(answer.value, keys), _hidden(answer.notes, keys)
    return answer


def _hidden(value: Any, keys: Sequence[str]) -> Any:
    """A JSON value without them; whatever is no JSON as it is."""
    if isinstance(value, str):
        for key in keys:
            if len(key) >= SHORTEST_PART:  # "none" or "test" is a word of answers, too
                value = value.replace(key, HIDDEN)
    elif isinstance(value, Mapping):
        return {_hidden(name, keys): _hidden(one, keys) for name, one in value.items()}
    elif isinstance(value, list):
        return [_hidden(one, keys) for one in value]
    return value


def _checked(name: str, value: str) -> str:
    if _KEY.fullmatch(value):
        return value
    raise ModelbenchError(
        f"{name} holds a space, a line break or another character that no key has: set it to the "
        "key alone"
    )
