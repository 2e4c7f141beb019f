"""HTTP/2, where a server offers it."""

from __future__ import annotations

import asyncio
import random
import ssl
import sys
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("h2")

from fault_server import FaultServer, whole
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from http2_server import Call, Http2Server

from pytest_modelbench.wire.client import Client
from pytest_modelbench.wire.goaway import FrameSplitter, Goaway
from pytest_modelbench.wire.limits import Limits
from pytest_modelbench.wire.request import Request

pytestmark = pytest.mark.usefixtures("is_trusted")
Test = Callable[[Http2Server, Client], Awaitable[None]]


@pytest.fixture
def with_server(run: Any, server_context: ssl.SSLContext) -> Callable[..., None]:
    """Runs a test with a server that answers so, and a client."""

    def with_server(handler: Any, test: Test, limits: Limits | None = None, **options: Any) -> None:
        async def go() -> None:
            made = Http2Server(server_context, handler, **options)
            async with made as server, Client(limits or Limits(timeout_seconds=30)) as client:
                await test(server, client)

        run(go())

    return with_server


async def echo(call: Call) -> None:
    await call.whole(call.body or b"nothing")


def test_a_server_that_offers_http_2_is_asked_over_it(with_server: Any) -> None:
    async def test(server: Http2Server, client: Client) -> None:
        request = Request("POST", server.url + "/a?b=c", {"X-One": "1"}, b"abc", {"X-Key": "k"})
        exchange = await client.send(request)
        assert exchange.is_ok
        assert exchange.http_version == "2"
        assert exchange.body == b"abc"
        assert exchange.header("content-length") == "3"
        assert exchange.header(":status") is None
        (call,) = server.calls
        assert call.headers[":path"] == "/a?b=c"
        assert call.headers[":authority"] == server.url.removeprefix("https://")
        assert (call.headers["x-one"], call.headers["x-key"]) == ("1", "k")
        assert call.headers["content-length"] == "3"
        assert (await client.send(Request("GET", server.url))).is_reused

    with_server(echo, test)


def test_each_frame_is_a_piece_with_its_own_time(with_server: Any) -> None:
    async def stream(call: Call) -> None:
        call.head()
        for piece in (b"one", b"two", b"three"):
            await asyncio.sleep(0.05)
            call.data(piece)
        call.data(b"", ends=True)

    async def test(server: Http2Server, client: Client) -> None:
        exchange = await client.send(Request("GET", server.url))
        assert exchange.pieces == [b"one", b"two", b"three"]
        times = [exchange.sent_ns, exchange.head_ns, *exchange.piece_ns]
        assert all(one < other for one, other in pairwise(times))
        assert times[-1] <= exchange.ended_ns

    with_server(stream, test)


def test_many_requests_share_one_connection(with_server: Any) -> None:
    async def test(server: Http2Server, client: Client) -> None:
        bodies = [f"body {number}".encode() for number in range(80)]

        async def one(body: bytes) -> bytes:
            return (await client.send(Request("POST", server.url, body=body))).body

        assert await asyncio.gather(*map(one, bodies)) == bodies
        assert len(server.links) == 1

    with_server(echo, test)


def test_no_more_streams_are_opened_than_a_server_allows(with_server: Any) -> None:
    async def slow(call: Call) -> None:
        await asyncio.sleep(0.02)
        assert len([one for one in call.link.h2.streams.values() if one.open]) <= 10
        await echo(call)

    async def test(server: Http2Server, client: Client) -> None:
        requests = [Request("POST", server.url, body=b"x")] * 60
        exchanges = await asyncio.gather(*map(client.send, requests))
        assert all(exchange.is_ok for exchange in exchanges)
        assert 2 <= len(server.links) <= 6
        for _ in range(5):  # all of them are used again
            exchanges = await asyncio.gather(*map(client.send, requests))
            assert all(exchange.is_ok for exchange in exchanges)
        assert len(server.links) <= 6

    with_server(slow, test, settings={SettingCodes.MAX_CONCURRENT_STREAMS: 10})


def test_bodies_larger_than_any_window_go_both_ways(with_server: Any) -> None:
    body = random.Random(2).randbytes(3_000_000)

    async def test(server: Http2Server, client: Client) -> None:
        requests = [Request("POST", server.url, body=body)] * 3
        for exchange in await asyncio.gather(*map(client.send, requests)):
            assert exchange.body == body

    with_server(echo, test, settings={SettingCodes.INITIAL_WINDOW_SIZE: 5000})


@pytest.mark.parametrize(
    ("handler", "kind", "words"),
    [
        (lambda call: None, "timeout", "did not answer within 2 s"),
        (lambda call: call.head(), "timeout", "had not finished its answer after 2 s"),
        (
            lambda call: (call.head(), call.link.h2.reset_stream(call.id, 2), call.link.flush()),
            "reset",
            "reset the stream (INTERNAL_ERROR)",
        ),
        (lambda call: (call.head(), call.link.transport.abort()), "reset", "the connection"),
        (lambda call: (call.head(), call.link.transport.close()), "reset", "the connection"),
        (
            lambda call: call.link.transport.write(b"HTTP/1.1 200 OK\r\n\r\n" * 100),
            "protocol",
            "what is not HTTP/2",
        ),
        (lambda call: call.whole(bytes(200_000)), "too_large", "100,000 bytes"),
    ],
)
def test_what_is_no_answer_is_told_in_a_sentence(
    with_server: Any, handler: Any, kind: str, words: str
) -> None:
    async def test(server: Http2Server, client: Client) -> None:
        exchange = await client.send(Request("POST", server.url + "/v1?key=abc", body=b"{}"))
        assert exchange.fault is not None
        assert exchange.fault.kind == kind
        assert words in exchange.fault.text
        assert f"{server.url}/v1 " in exchange.fault.text
        if kind != "timeout":
            server._handler = echo
            assert (await client.send(Request("POST", server.url, body=b"fine"))).body == b"fine"

    limits = Limits(timeout_seconds=2 if kind == "timeout" else 30, max_response_bytes=100_000)
    with_server(handler, test, limits)


def test_one_request_that_ends_badly_leaves_the_others_alone(with_server: Any) -> None:
    async def handler(call: Call) -> None:
        path = call.headers[":path"]
        if path == "/reset":
            call.link.h2.reset_stream(call.id, ErrorCodes.CANCEL)
            call.link.flush()
        elif path == "/large":
            await call.whole(bytes(150_000))
        elif path == "/fine":
            await asyncio.sleep(0.2)
            await call.whole(b"fine")

    async def test(server: Http2Server, client: Client) -> None:
        cancelled = asyncio.create_task(client.send(Request("GET", server.url + "/never")))
        paths = ["/reset", "/large", "/fine", "/fine"]
        sent = [asyncio.create_task(client.send(Request("GET", server.url + p))) for p in paths]
        while not any(call.headers[":path"] == "/never" for call in server.calls):
            await asyncio.sleep(0.01)
        cancelled.cancel()
        found = [(await one).fault for one in sent]
        assert [fault and fault.kind for fault in found] == ["reset", "too_large", None, None]
        assert len(server.links) == 1
        never = next(call for call in server.calls if call.headers[":path"] == "/never")
        assert never.was_reset

    with_server(handler, test, Limits(max_response_bytes=100_000))


def test_a_server_that_goes_away_finishes_what_it_accepted(with_server: Any) -> None:
    async def handler(call: Call) -> None:
        if len(server_of(call).links) == 1:
            if call.id < 5:
                return
            call.link.goaway(3)
            await asyncio.sleep(0.05)
            for number in (1, 3):
                await call.link.calls[number].whole(b"accepted")
        else:
            await call.whole(b"sent again")

    async def test(server: Http2Server, client: Client) -> None:
        sent = [client.send(Request("GET", server.url)) for _ in range(3)]
        exchanges = await asyncio.gather(*sent)
        bodies = [exchange.body for exchange in exchanges]
        assert bodies == [b"accepted", b"accepted", b"sent again"]
        assert len(server.links) == 2

    def server_of(call: Call) -> Http2Server:
        return call.link.server

    with_server(handler, test)


def test_a_server_that_answers_before_it_has_read_all_is_understood(with_server: Any) -> None:
    async def test(server: Http2Server, client: Client) -> None:
        link_made = asyncio.create_task(client.send(Request("GET", server.url)))
        await link_made
        (link,) = server.links
        sent = asyncio.create_task(client.send(Request("POST", server.url, body=bytes(1_000_000))))
        while len(link.calls) < 2:
            await asyncio.sleep(0.01)
        link.h2.acknowledge_received_data = lambda *_: None  # its window stays full
        call = link.calls[3]
        call.head("413", ends=True)
        assert (await sent).status == 413
        assert (await client.send(Request("GET", server.url))).is_ok
        assert call.was_reset

    with_server(echo, test, settings={SettingCodes.INITIAL_WINDOW_SIZE: 1000})


def test_a_server_that_never_says_what_it_allows_is_given_up(
    run: Any, server_context: ssl.SSLContext
) -> None:
    server_context.set_alpn_protocols(["h2"])

    async def go() -> None:
        writers: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(
            lambda _, writer: writers.append(writer), "127.0.0.1", 0, ssl=server_context
        )
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Client(Limits(connect_timeout_seconds=1)) as client:
            fault = (await client.send(Request("GET", url))).fault
        for writer in writers:
            writer.transport.abort()
        server.close()
        await asyncio.sleep(0.05)
        assert fault is not None
        assert fault.text == f"no connection to {url} within 1 s"

    run(go())


def test_an_idle_connection_is_closed_after_a_while(
    with_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(server: Http2Server, client: Client) -> None:
        monkeypatch.setattr("pytest_modelbench.wire.pool.IDLE_NS", 0)
        await client.send(Request("GET", server.url))
        while not server.links[0].transport.is_closing():
            await asyncio.sleep(0.01)
        assert not (await client.send(Request("GET", server.url))).is_reused

    with_server(echo, test)


def test_without_the_h2_package_only_http_1_is_offered(
    run: Any, server_context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "h2" else real(name, *rest)
    )
    monkeypatch.delitem(sys.modules, "pytest_modelbench.wire.http2", raising=False)
    server_context.set_alpn_protocols(["h2", "http/1.1"])

    async def go() -> None:
        async with FaultServer(whole(b"x"), server_context) as server, Client() as client:
            exchange = await client.send(Request("GET", server.url))
            assert exchange.http_version == "1.1"
            assert exchange.is_ok

    run(go())
    assert "pytest_modelbench.wire.http2" not in sys.modules


def test_goaway_frames_are_found_however_the_bytes_are_cut() -> None:
    def frame(kind: int, body: bytes) -> bytes:
        return len(body).to_bytes(3, "big") + bytes([kind, 0]) + bytes(4) + body

    goaway = frame(7, (5).to_bytes(4, "big") + (11).to_bytes(4, "big") + b"why")
    sent = frame(0, b"abc") + frame(1, b"") + goaway + frame(0, bytes(300)) + goaway
    for size in range(1, len(sent) + 1):
        splitter = FrameSplitter()
        found = [
            part
            for start in range(0, len(sent), size)
            for part in splitter.split(sent[start : start + size])
        ]
        rest = b"".join(part for part in found if isinstance(part, bytes))
        assert rest == sent.replace(goaway, b"")
        assert [part for part in found if not isinstance(part, bytes)] == [Goaway(5, 11)] * 2
