from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, combinations, pairwise

import pytest

from pytest_modelbench.endpoints.events import Event, timed_events

Segments = Sequence[tuple[bytes, tuple[str, bytes] | None]]
"""What ends with a blank line, and the event that it is; None for what is no event."""

OF_LF: Segments = [
    (b"data: one\n\n", ("", b"one")),
    (b": still here\n\n", None),
    (b"data:two\nid: 7\n\n", ("", b"two")),
    (b"event: error\ndata:  three\ndata\ndata: \xc3\xa9\n\n", ("error", b" three\n\n\xc3\xa9")),
    (b"\n\n", None),
    (b"data: [DONE]\n\n", ("", b"[DONE]")),
]
OF_MANY_KINDS: Segments = [
    (b"\xef\xbb\xbfdata: one\r\n\r\n", ("", b"one")),
    (b"data: two\r\r", ("", b"two")),
    (b":ping\r\n\n", None),
    (b"data: a\rdata: b\ndata: c\r\n\r\n", ("", b"a\nb\nc")),
    (b"data: three\n\r\n", ("", b"three")),
    (b"retry: 5\r\nid: 1\r\n\r\n", None),
    (b"event: e\r\ndata: x\r\n\r\n", ("e", b"x")),
    (b"data: four\r\n\r\n", ("", b"four")),
]


def cut(body: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *places, len(body)]
    return [body[begin:end] for begin, end in pairwise(edges)]


def expected(segments: Segments, pieces: Sequence[bytes]) -> list[Event]:
    """An event came with the piece that has its last byte."""
    ends = list(accumulate(map(len, pieces)))
    made, offset = [], 0
    for data, event in segments:
        offset += len(data)
        if event is not None:
            piece = next(at for at, end in enumerate(ends) if end >= offset)
            made.append((*event, 100 + piece))
    return made


def every_cutting(body: bytes) -> Iterator[list[bytes]]:
    yield [body]
    yield [body[at : at + 1] for at in range(len(body))]
    for places in combinations(range(1, len(body)), 2):
        yield cut(body, places)


@pytest.mark.parametrize("segments", [OF_LF, OF_MANY_KINDS], ids=["lf", "all line ends"])
def test_events_and_their_times_are_right_wherever_the_bytes_are_cut(segments: Segments) -> None:
    body = b"".join(data for data, _ in segments)
    for pieces in every_cutting(body):
        times = range(100, 100 + len(pieces))
        assert list(timed_events(pieces, times)) == expected(segments, pieces), pieces


def test_an_event_whose_blank_line_comes_later_came_later() -> None:
    pieces = [b"data: a\n", b"\ndata: b\n\ndata: c", b"\n\n"]
    found = [(data, came) for _, data, came in timed_events(pieces, [1, 2, 3])]
    assert found == [(b"a", 2), (b"b", 2), (b"c", 3)]


def test_what_follows_the_last_blank_line_is_an_event_that_came_at_the_end() -> None:
    assert list(timed_events([b"data: a\n\nda", b"ta: [DONE]"], [1, 2])) == [
        ("", b"a", 1),
        ("", b"[DONE]", 2),
    ]


def test_an_answer_without_a_byte_has_no_events() -> None:
    assert list(timed_events([], [])) == []
    assert list(timed_events([b"\xef\xbb\xbf"], [1])) == []


def test_an_event_has_one_time_however_many_came_with_it() -> None:
    assert list(timed_events([b"data: a\n\ndata: b\n\n", b""], [4, 5])) == [
        ("", b"a", 4),
        ("", b"b", 4),
    ]
