"""Any value as bytes: equal for equal values alone, in whatever process they are made."""

from __future__ import annotations

import os
import subprocess
import sys
from array import array
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.datasets.samples import Audio
from pytest_modelbench.execution.content import as_array, content, hash64, plain_repr

MADE = """
import numpy as np
from pytest_modelbench.execution.content import hash64

class Own:
    pass

values = [
    "text \\ud800", None, True, 7, -1.5, b"bytes", ("a", ["b", 2.0]), {"x": 1, "y": {3, 1, 2}},
    {"logits": np.arange(6, dtype=np.float32).reshape(2, 3)}, np.float16(0.1), Own(), [Own()],
]
print([hash64(value) for value in values])
"""


@dataclass
class Answer:
    text: str
    scores: Any


@dataclass
class Other:
    text: str
    scores: Any


def test_a_hash_is_the_same_in_another_process_whatever_python_s_own_hashes_are() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", MADE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    hashes = next(iter(said)).strip("[]\n").split(", ")
    assert len(set(hashes)) == len(hashes) == 12
    assert str(hash64(7)) in hashes


DIFFERENT: list[Any] = [
    None,
    True,
    1,
    -1,
    1.0,
    -0.0,
    0.0,
    10**5000,
    "1",
    b"1",
    "",
    [],
    {},
    [None],
    [[], []],
    [[[]]],
    ["ab", ""],
    ["a", "b"],
    ["ab"],
    [1.0, 2.0],
    [2.0, 1.0],
    [1, 2],
    {"a": 1},
    {"a": "1"},
    {"a": {"b": 1}},
    {1, 2},
    1 + 2j,
    np.float32(1),
    np.int64(1),
    np.zeros(4),
    np.zeros((2, 2)),
    np.zeros(4, dtype=np.float32),
    np.zeros(4, dtype=np.int32),
    np.array(["a", "b"]),
    np.array(["a", None], dtype=object),
    np.zeros(5000),
    np.eye(1, 5000, 2500)[0],
    Answer("a", [1.0]),
    Answer("a", [1.5]),
    Other("a", [1.0]),
    Audio(np.zeros(3, dtype=np.float32), 16_000),
    Audio(np.zeros(3, dtype=np.float32), 8_000),
    array("d", [1.5]),
    array("f", [1.5]),
    np.ndarray,
    "\ud800",
    "\\ud800",
]


def test_values_that_differ_have_other_bytes() -> None:
    for one, other in combinations(DIFFERENT, 2):
        assert content(one) != content(other), (one, other)
    assert len({hash64(value) for value in DIFFERENT}) == len(DIFFERENT)
    assert 0 not in {hash64(value) for value in DIFFERENT}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", 1), ["a", 1]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({3, 1, 2}, {1, 2, 3}),
        (np.arange(4), np.arange(8)[::2] // 2),
        (np.arange(3, dtype=">i4"), np.arange(3, dtype="<i4")),
        (np.float64(0.1), 0.1),
        ([np.float64(0.1)], [0.1]),
        (Answer("a", (1.0,)), Answer("a", [1.0])),
        (np.ones((2, 3)).T.copy(), np.ones((3, 2), order="F")),
    ],
)
def test_equal_values_have_equal_bytes(one: Any, other: Any) -> None:
    assert content(one) == content(other)


def test_the_address_of_an_object_is_no_part_of_it() -> None:
    one, other = object(), object()
    assert repr(one) != repr(other)
    assert content(one) == content(other)
    assert plain_repr(one) == "<object object>"


class Tensor:
    """As one of torch on a device: it becomes an array by way of the host alone."""

    dtype = "torch.bfloat16"

    def __init__(self, values: list[float], ready: int = 0) -> None:
        self._values, self._ready = values, ready

    def _next(self) -> Tensor:
        return Tensor(self._values, self._ready + 1)

    detach = cpu = float = _next

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self._ready < 3:
            raise TypeError("it is on a device, and of a type that NumPy does not have")
        return np.array(self._values, dtype=np.float32)

    def __repr__(self) -> str:
        return "tensor([...])"


def test_a_tensor_is_what_it_holds_not_what_it_shows() -> None:
    assert content(Tensor([1, 2])) == content(np.float32([1, 2]))
    assert content(Tensor([1, 2])) != content(Tensor([1, 3]))
    assert as_array("text") is None
