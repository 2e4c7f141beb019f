"""Server-sent events: what they say, and when each was whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_modelbench.wire.exchange import Exchange

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A line ends with CR LF, LF or CR; the group gives nothing back, or CR LF would be two ends.
_LINE_END = re.compile(rb"\r\n?|\n")
_BLANK_LINE = re.compile(rb"(?>\r\n?|\n)(?>\r\n?|\n)")
_BLANK_LINE_OF_LF = re.compile(rb"\n\n")
Event = tuple[str, bytes, int]
"""Its name (nearly always empty), its data, and when the piece with its last byte was read."""


def events_of(exchange: Exchange) -> Iterator[Event]:
    """The events of an answer, without those that have no data.

    An event is whole with the blank line after it, and that line's end counts: where it came in a
    piece of its own, the event came with that piece. What follows the last blank line is an event
    too: the answer is whole, and there are servers that leave the last one out.
    """
    return timed_events(exchange.pieces, exchange.piece_ns)


def timed_events(pieces: Sequence[bytes], piece_ns: Sequence[int]) -> Iterator[Event]:
    """The same, of `pieces` that were read at `piece_ns`.

    >>> list(timed_events([b"data: a\\n\\ndata:", b" b\\n", b"\\n: still here\\n\\n"], [5, 6, 7]))
    [('', b'a', 5), ('', b'b', 7)]
    """
    body = b"".join(pieces)
    ends = list(accumulate(map(len, pieces)))
    begin = len(_BYTE_ORDER_MARK) if body.startswith(_BYTE_ORDER_MARK) else 0
    piece = 0
    blank_line = _BLANK_LINE if b"\r" in body else _BLANK_LINE_OF_LF
    for found in blank_line.finditer(body, begin):
        until, end = found.span()
        while ends[piece] < end:
            piece += 1
        event = body[begin:until]
        begin = end
        # By far the most events are one line of data.
        if event[:6] == b"data: " and b"\n" not in event and b"\r" not in event:
            yield "", event[6:], piece_ns[piece]
            continue
        name, data = _fields(event)
        if data:
            yield name, data, piece_ns[piece]
    name, data = _fields(body[begin:])
    if data:
        yield name, data, piece_ns[-1]


def _fields(event: bytes) -> tuple[str, bytes]:
    """What an event is called, and its lines of data."""
    name, lines = b"", []
    for line in _LINE_END.split(event):
        field, _, value = line.partition(b":")  # a comment has no field before its colon
        if field == b"data":
            lines.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return name.decode("utf-8", "replace"), b"\n".join(lines)
