"""Series of numbers as text and back."""

from __future__ import annotations

import math
import random
from array import array

import numpy as np
import pytest

from pytest_modelbench.results.packed import pack, pack_floats, unpack, unpack_floats


def test_integers_come_back_from_whatever_series_they_were_in() -> None:
    numbers = [0, -1, 2**63 - 1, -(2**63), *(random.Random(0).getrandbits(60) for _ in range(99))]
    for given in (numbers, array("q", numbers), np.array(numbers, dtype=np.int64), iter(numbers)):
        assert list(unpack(pack(given))) == numbers


def test_floating_point_numbers_come_back_with_every_bit() -> None:
    numbers = [0.0, -0.0, 0.1, -1e308, 5e-324, math.inf, -math.inf]
    for given in (numbers, np.array(numbers)):
        assert bytes(unpack_floats(pack_floats(given))) == bytes(array("d", numbers))
    assert math.isnan(unpack_floats(pack_floats([math.nan]))[0])


@pytest.mark.parametrize("text", ["", "x", "eJw=", pack([1])[:-4]])
def test_other_text_is_refused(text: str) -> None:
    for read in (unpack, unpack_floats):
        with pytest.raises(ValueError, match="no packed series of integers"):
            read(text)
