"""Answers come back from plain JSON with the same content, and so the same hash."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.execution.content import hash64
from pytest_modelbench.execution.plain_value import NotPlainError, from_plain, to_plain


class OwnText(str):
    """What is more than a text to its owner."""


VALUES: list[Any] = [
    None,
    "",
    "zwei\nZeilen \u2028 \ud800",
    True,
    0,
    -(2**80),
    0.1,
    5e-324,
    math.inf,
    -math.inf,
    [],
    [1, 2.5, "a", None],
    (1, (2, [3])),
    {"deep": [(1,), ()]},
    np.int64(7),
    np.float64(0.1),
    np.bool_(True),
    {"text": "a", "scores": [0.25, {"deep": {}}]},
    {"array": ["<f4", [1], "AAAA"]},
    {"float": "nan"},
    np.float32(0.1),
    np.array([], dtype=np.int8),
    np.arange(6, dtype=">i2").reshape(2, 3),
    np.array([[1.5, np.nan]], dtype=np.float16),
    np.array([True, False]),
    np.array(1 + 2j),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:40])
def test_a_value_comes_back_with_the_same_content(value: Any) -> None:
    again = from_plain(json.loads(json.dumps(to_plain(value), allow_nan=False)))
    assert type(again) is type(value)
    assert str(again) == str(value)
    assert hash64(again) == hash64(value)


def test_not_a_number_comes_back() -> None:
    assert math.isnan(from_plain(to_plain(math.nan)))


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1: 2},
        {1, 2},
        b"bytes",
        [lambda: 0],
        np.array(["a"]),
        type("Own", (str,), {})("a"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_could_not_come_back_the_same_is_refused(value: Any) -> None:
    with pytest.raises(NotPlainError):
        to_plain(value)


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"what": 1},
        {"array": ["O", [1], "AAAA"]},
        {"array": ["<f4", [7], "AAAA"]},
        {"a": 1, "b": 2},
    ],
    ids=str,
)
def test_what_was_never_made_is_refused(plain: Any) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        from_plain(plain)
