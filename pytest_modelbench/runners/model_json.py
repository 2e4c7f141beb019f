"""The JSON files in a model's directory: what is wrong with one is said in a sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError, cut


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


def number_in(content: Mapping[str, Any], name: str, path: Path, default: float | None) -> float:
    """What `content`, read from `path`, calls `name`; without a default it has to be there.

    Raises `ModelbenchError` for what is missing or is no finite number.
    """
    value = content.get(name)
    if value is None and default is not None:
        return default
    if value is None:
        raise ModelbenchError(f"{path}: {name!r} is missing")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise ModelbenchError(f"{path}: {name!r} has to be a number, not {value!r}")
    number: float = value
    return number


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
        raise ModelbenchError(f"{path} has to hold {wanted}, not {cut(json.dumps(found), 40)}")
    return found
