"""Answers as plain JSON and back, so that a later process can score them as if it had them.

What comes back is equal to what went in, of the same class, and has the same content
(`execution/content.py`): a metric cannot tell the two apart.
"""

from __future__ import annotations

import base64
import math
from typing import Any

_KINDS = frozenset("biufc")


class NotPlainError(Exception):
    """The value is of a class that plain JSON has nothing for."""


def to_plain(value: Any) -> Any:
    """`value` as JSON. Raises `NotPlainError` for what could not be had back the same.

    >>> to_plain(["seven", 0.5, {"ends": (1, 2)}])
    ['seven', 0.5, {'dict': {'ends': {'tuple': [1, 2]}}}]
    """
    if value is None or type(value) in (str, bool, int):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) is list:
        return [to_plain(one) for one in value]
    if type(value) is tuple:
        return {"tuple": [to_plain(one) for one in value]}
    if type(value) is dict and all(type(key) is str for key in value):
        return {"dict": {key: to_plain(one) for key, one in value.items()}}
    import numpy as np

    if type(value) is not np.ndarray and not isinstance(value, np.generic):
        raise NotPlainError(type(value).__name__)
    if value.dtype.kind not in _KINDS:
        raise NotPlainError(f"{type(value).__name__} of {value.dtype}")
    held = np.asarray(value)
    held = held.astype(held.dtype.newbyteorder("<"), copy=False)
    text = base64.b64encode(held.tobytes()).decode("ascii")
    kind = "scalar" if isinstance(value, np.generic) else "array"
    return {kind: [held.dtype.str, list(held.shape), text]}


def from_plain(plain: Any) -> Any:
    """The value that `to_plain` was given.

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
    if kind == "tuple":
        return tuple(from_plain(one) for one in held)
    if kind == "dict":
        return {key: from_plain(one) for key, one in held.items()}
    if kind not in ("array", "scalar"):
        raise ValueError(f"{kind!r} is no kind of value")
    import numpy as np

    dtype, shape, text = held
    made = np.dtype(dtype)
    if made.kind not in _KINDS:
        raise ValueError(f"an array of {dtype!r}")
    array = np.frombuffer(base64.b64decode(text, validate=True), made).reshape(shape).copy()
    return array[()] if kind == "scalar" else array
