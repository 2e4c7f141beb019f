"""Messages between the calling process and those that send: pickled, each after its length.

Both ends are this package, over a pair of sockets that nobody else has.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterator
from typing import Any

_LENGTH = struct.Struct("!Q")


def frame(kind: str, content: Any = None) -> bytes:
    """A message as it is sent."""
    body = pickle.dumps((kind, content), protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Messages out of the bytes that come."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, data: bytes) -> Iterator[tuple[str, Any]]:
        """The messages that are whole with `data`."""
        self._bytes += data
        while len(self._bytes) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._bytes)[0]
            if len(self._bytes) < end:
                return
            body = bytes(self._bytes[_LENGTH.size : end])
            del self._bytes[:end]
            yield pickle.loads(body)
