"""Bodies that are packed although nobody asked for it."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest
from fault_server import FaultServer, chunked, in_turn, raw, whole

from pytest_modelbench.wire.client import Client
from pytest_modelbench.wire.exchange import Exchange
from pytest_modelbench.wire.limits import Limits
from pytest_modelbench.wire.request import Request

TEXT = b'{"text": "what was said"}'


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


async def ask(body: bytes, encoding: str, limit: int = 100_000) -> Exchange:
    answer = whole(body, headers={"Content-Encoding": encoding})
    limits = Limits(max_response_bytes=limit)
    async with FaultServer(answer) as server, Client(limits) as client:
        return await client.send(Request("GET", server.url))


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("X-Gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", bare),
        ("identity", bytes),
    ],
)
def test_a_packed_body_is_unpacked(run: Any, encoding: str, pack: Any) -> None:
    exchange = run(ask(pack(TEXT), encoding))
    assert exchange.is_ok
    assert exchange.body == TEXT


def test_a_packed_body_is_unpacked_where_a_kept_connection_was_closed(run: Any) -> None:
    async def twice() -> None:
        packed = whole(gzip.compress(TEXT), headers={"Content-Encoding": "gzip"})
        answer = in_turn(packed, raw(reset=True), packed)
        async with FaultServer(answer) as server, Client() as client:
            bodies = [(await client.send(Request("GET", server.url))).body for _ in range(2)]
        assert bodies == [TEXT, TEXT]
        assert [one.connection for one in server.received] == [1, 1, 2]

    run(twice())


def test_pieces_of_a_packed_body_keep_their_times(run: Any) -> None:
    packer = zlib.compressobj(wbits=31)
    parts = [packer.compress(word) + packer.flush(zlib.Z_SYNC_FLUSH) for word in (b"one ", b"two ")]
    parts.append(packer.flush())

    async def go() -> Exchange:
        answer = chunked(parts, gap=0.05, headers={"Content-Encoding": "gzip"})
        async with FaultServer(answer) as server, Client() as client:
            return await client.send(Request("GET", server.url))

    exchange = run(go())
    assert exchange.pieces == [b"one ", b"two "]
    assert exchange.head_ns <= exchange.piece_ns[0] < exchange.piece_ns[1] < exchange.ended_ns


def test_a_bomb_is_too_large(run: Any) -> None:
    exchange = run(ask(gzip.compress(bytes(50_000_000)), "gzip"))
    assert exchange.fault.kind == "too_large"
    assert "unpacks to more than 100,000 bytes" in exchange.fault.text


@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        (b"not packed at all", "gzip", "not gzip"),
        # Without the time: two workers that collect in different seconds would differ in its name.
        (gzip.compress(TEXT, mtime=0)[:-10], "gzip", "not gzip"),
        (b"packed by something else", "br", "'br', which was not asked for"),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_a_fault(
    run: Any, body: bytes, encoding: str, words: str
) -> None:
    exchange = run(ask(body, encoding))
    assert exchange.fault.kind == "protocol"
    assert words in exchange.fault.text
