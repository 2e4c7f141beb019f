"""The JSON files in a model's directory: what is wrong with one is said in a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError


def read_object(path: Path) -> dict[str, Any]:
    """The object in `path`; an absent file is an empty one.

    Raises `ModelbenchError` for a file that cannot be read, or holds something else.
    """
    found: dict[str, Any] = _read(path, dict)
    return found


def read_list(path: Path) -> list[Any]:
    """As `read_object`, of a file that holds a list."""
    found: list[Any] = _read(path, list)
    return found


def number_in(content: Mapping[str, Any], name: str, path: Path, default: float | None) -> Any:
    """What `content`, read from `path`, calls `name`. Raises `ModelbenchError` for no number."""
    value = content.get(name)
    if value is None:
        value = default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ModelbenchError(f"{path}: {name!r} has to be a number, not {value!r}")
    return value


def _read(path: Path, kind: type) -> Any:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return kind()
    except OSError as error:
        raise ModelbenchError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ModelbenchError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, kind):
        wanted = "an object" if kind is dict else "a list"
        raise ModelbenchError(f"{path} has to hold {wanted}, not {json.dumps(found)[:40]}")
    return found
