"""Any value as bytes and as a hash: the same in every process and with every interpreter."""

from __future__ import annotations

import hashlib
import re
import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PLAIN_KINDS = frozenset("biufcmMSU")
"""Of NumPy's kinds of numbers and texts, those whose bytes are all there is to them."""
_ADDRESS = re.compile(rb" at 0x[0-9a-fA-F]+")


def content(value: Any) -> bytes:
    """Bytes that are equal for equal values alone, each part with its kind and length before it.

    A list is as good as a tuple, and the order of a dictionary is nothing. Numbers are told apart
    by type, and by every bit. Of an object of another class its `repr` must say what it holds.
    """
    if isinstance(value, str):  # the usual case by far
        return _tagged(b"str", value.encode("utf-8", "surrogatepass"))
    if value is None:
        return b"none:"
    if isinstance(value, int):
        return _tagged(type(value).__name__.encode(), b"%x" % int(value))
    if isinstance(value, float):
        return b"float:" + struct.pack("<d", value)
    if isinstance(value, bytes | bytearray):
        return _tagged(b"bytes", bytes(value))
    if isinstance(value, list | tuple):
        return _items(value)
    if isinstance(value, Mapping):
        pairs = sorted((content(key), content(item)) for key, item in value.items())
        return _tagged(b"dict", b"".join(part for pair in pairs for part in pair))
    if isinstance(value, set | frozenset):
        return _tagged(b"set", b"".join(sorted(map(content, value))))
    numbers = as_array(value)
    return _other(value) if numbers is None else _array(numbers)


def hash64(value: Any) -> int:
    """64 bits of a hash of `value`, as a signed integer, and never 0."""
    return first64(hashlib.blake2b(content(value), digest_size=8).digest()) or 1


def first64(digest: bytes) -> int:
    """The first 64 bits of a digest as a signed integer."""
    return int.from_bytes(digest[:8], "little", signed=True)


def as_array(value: Any) -> NDArray[Any] | None:
    """An array, a tensor or a number of NumPy as an array; None for what is none of them."""
    is_array = isinstance(value, array | memoryview) or any(
        hasattr(value, name) for name in ("__array__", "__array_interface__")
    )
    if not is_array:
        return None
    import numpy as np

    if hasattr(value, "detach"):  # a tensor of torch, maybe on a device
        value = value.detach().cpu()
        if "bfloat16" in str(value.dtype):  # which NumPy does not have, and float32 holds exactly
            value = value.float()
    made = np.asarray(value)
    is_itself = made.ndim == 0 and made.dtype.kind == "O"  # a class, which only seems to be one
    return None if is_itself else made


def plain_repr(value: Any) -> str:
    """`repr` without the address by which it tells one object from another."""
    return _ADDRESS.sub(b"", repr(value).encode("utf-8", "backslashreplace")).decode()


def _tagged(kind: bytes, held: bytes) -> bytes:
    return b"%s:%d:%s" % (kind, len(held), held)


def _items(values: Sequence[Any]) -> bytes:
    kinds = set(map(type, values))
    if kinds and all(issubclass(kind, float) for kind in kinds):  # lists of numbers may be long
        return _tagged(b"floats", struct.pack(f"<{len(values)}d", *values))
    return _tagged(b"list", b"".join(map(content, values)))


def _array(given: NDArray[np.generic]) -> bytes:
    if given.dtype.kind not in _PLAIN_KINDS:
        return _tagged(b"objects", content(given.tolist()))
    given = given.astype(given.dtype.newbyteorder("<"), copy=False)
    shape = ",".join(map(str, given.shape))
    return _tagged(f"{given.dtype.str} {shape}".encode(), given.tobytes())


def _other(value: Any) -> bytes:
    kind = type(value).__name__.encode()
    if is_dataclass(value):
        held = [getattr(value, field.name) for field in fields(value) if field.compare]
        return _tagged(kind, b"".join(map(content, held)))
    return _tagged(kind, plain_repr(value).encode())
