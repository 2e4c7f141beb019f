"""Answers as plain JSON and back, so that a later process can score them as if it had them.

What comes back has the same content (`execution/content.py`) as what went in, and so the same hash.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

from pytest_modelbench.execution.content import as_array

_KINDS = frozenset("biufc")


class NotPlainError(Exception):
    """The value is of a class that plain JSON has nothing for."""


def to_plain(value: Any) -> Any:
    """`value` as JSON. Raises `NotPlainError` for what could not be had back the same.

    >>> to_plain(["seven", 0.5, {"ends": (1, 2)}])
    ['seven', 0.5, {'dict': {'ends': [1, 2]}}]
    """
    if value is None or type(value) in (str, bool, int):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) in (list, tuple):
        return [to_plain(one) for one in value]
    if type(value) is dict and all(type(key) is str for key in value):
        return {"dict": {key: to_plain(one) for key, one in value.items()}}
    numbers = None if isinstance(value, Mapping) else as_array(value)
    if numbers is None or numbers.dtype.kind not in _KINDS:
        raise NotPlainError(type(value).__name__)
    held = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)
    text = base64.b64encode(held.tobytes()).decode("ascii")
    return {"array": [held.dtype.str, list(held.shape), text]}


def from_plain(plain: Any) -> Any:
    """The value that `to_plain` was given; arrays of any library are NumPy's.

    Raises `ValueError`, `TypeError` or `KeyError` for what it never made.

    >>> from_plain(to_plain({"ends": [1, 2.5]}))
    {'ends': [1, 2.5]}
    """
    if isinstance(plain, list):
        return [from_plain(one) for one in plain]
    if not isinstance(plain, dict):
        return plain
    ((kind, held),) = plain.items()
    if kind == "float":
        return float(held)
    if kind == "dict":
        return {key: from_plain(one) for key, one in held.items()}
    if kind != "array":
        raise ValueError(f"{kind!r} is no kind of value")
    import numpy as np

    dtype, shape, text = held
    made = np.dtype(dtype)
    if made.kind not in _KINDS:
        raise ValueError(f"an array of {dtype!r}")
    return np.frombuffer(base64.b64decode(text, validate=True), made).reshape(shape).copy()
