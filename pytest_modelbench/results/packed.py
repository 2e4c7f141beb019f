"""Long series of numbers as short text.

A series is written as signed 64-bit little-endian integers, compressed by zlib, in base64: about
five characters a latency. In any language with those two it is read back in a line; with NumPy
`numpy.frombuffer(zlib.decompress(base64.b64decode(text)), "<i8")`. A floating-point number is
written as the integer that has its 64 bits, and read back so with `"<f8"`.
"""

from __future__ import annotations

import base64
import binascii
import sys
import zlib
from array import array
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

_ITEM = "q"  # signed, 8 bytes
LARGEST_BYTES = 8 * 20_000_000
"""Twice what a suite may ask for: a run file is data of others, and must not fill the memory."""


def pack(numbers: Iterable[int]) -> str:
    """The text that stands for `numbers`.

    >>> unpack(pack([7_100_250, 7_098_111]))
    array('q', [7100250, 7098111])
    """
    series = array(_ITEM, numbers)
    if sys.byteorder == "big":
        series.byteswap()
    return base64.b64encode(zlib.compress(series.tobytes(), 6)).decode("ascii")


def unpack(text: str) -> array[int]:
    """The numbers that `pack` was given. Raises `ValueError` for any other text."""
    try:
        reader = zlib.decompressobj()
        content = reader.decompress(base64.b64decode(text, validate=True), LARGEST_BYTES)
        if not reader.eof:
            raise ValueError(f"cut short, or more than {LARGEST_BYTES // 8:,} numbers")
        series = array(_ITEM)
        series.frombytes(content)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ValueError(f"no packed series of integers ({error})") from None
    if sys.byteorder == "big":
        series.byteswap()
    return series


def pack_floats(numbers: Iterable[float]) -> str:
    """The text that stands for floating-point numbers, every bit of them.

    >>> unpack_floats(pack_floats([0.1, -2.5]))
    array('d', [0.1, -2.5])
    """
    return pack(array(_ITEM, array("d", numbers).tobytes()))


def unpack_floats(text: str) -> array[float]:
    """The numbers that `pack_floats` was given. Raises `ValueError` for what `pack` cannot give."""
    return array("d", unpack(text).tobytes())


def _readable(text: str) -> str:
    unpack(text)
    return text


Packed = Annotated[
    str,
    Field(
        pattern="^[A-Za-z0-9+/]+={0,2}$",
        json_schema_extra={
            "contentEncoding": "base64",
            "description": "Signed 64-bit little-endian integers, zlib-compressed, in base64.",
        },
    ),
    AfterValidator(_readable),
]
