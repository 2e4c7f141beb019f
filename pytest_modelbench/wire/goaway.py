"""GOAWAY frames, taken out of what a server sends before `h2` sees them.

A server that says GOAWAY still answers the requests that it has accepted; `h2` refuses whatever
comes after one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from h2.exceptions import FrameTooLargeError

_HEAD_BYTES = 9
_GOAWAY = 7
_LONGEST_FRAME = 16384
"""What is allowed where nothing else was agreed on."""


@dataclass(frozen=True, slots=True)
class Goaway:
    """The server takes no more requests on this connection."""

    last_stream_id: int
    """Requests after this one were not, and will not be, looked at."""
    error_code: int


class FrameSplitter:
    """Cuts what is read into GOAWAY frames and everything else."""

    def __init__(self) -> None:
        self._rest = b""

    def split(self, data: bytes) -> Iterator[bytes | Goaway]:
        """Whole frames, as many as there are; what is not whole waits for the next read.

        Raises `FrameTooLargeError`; `h2` would first wait for all of such a frame.
        """
        data = self._rest + data if self._rest else data
        start = at = 0
        while len(data) - at >= _HEAD_BYTES:
            length = int.from_bytes(data[at : at + 3], "big")
            end = at + _HEAD_BYTES + length
            if length > _LONGEST_FRAME:
                raise FrameTooLargeError(f"a frame of {length:,} bytes")
            if end > len(data):
                break
            if data[at + 3] == _GOAWAY and length >= 8:
                if at > start:
                    yield data[start:at]
                body = data[at + _HEAD_BYTES : end]
                last = int.from_bytes(body[:4], "big") & 0x7FFF_FFFF
                yield Goaway(last, int.from_bytes(body[4:8], "big"))
                start = end
            at = end
        self._rest = data[at:]
        if at > start:
            yield data[start:at]
