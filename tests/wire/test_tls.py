"""Connections with TLS: whom they trust, and what they say where they do not."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
from fault_server import FaultServer, chunked, whole

from pytest_modelbench.wire.client import Client
from pytest_modelbench.wire.exchange import Exchange, Fault
from pytest_modelbench.wire.limits import Limits
from pytest_modelbench.wire.request import Request


async def ask(context: ssl.SSLContext, limits: Limits, host: str = "127.0.0.1") -> Exchange:
    async with FaultServer(whole(b"secret"), context) as server, Client(limits) as client:
        exchange = await client.send(Request("GET", f"https://{host}:{server.port}/v1?a=b"))
        assert len(server.received) == (exchange.fault is None)
        return exchange


def test_a_certificate_that_nobody_vouches_for_is_refused(
    run: Any, server_context: ssl.SSLContext
) -> None:
    exchange = run(ask(server_context, Limits()))
    assert exchange.sent_ns == 0
    assert exchange.fault.kind == "tls"
    assert "the certificate of https://127.0.0.1:" in exchange.fault.text
    assert "is not trusted: self" in exchange.fault.text


def test_a_certificate_is_not_looked_at_where_the_limits_say_so(
    run: Any, server_context: ssl.SSLContext
) -> None:
    assert run(ask(server_context, Limits(verify_tls=False))).body == b"secret"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_that_the_machine_trusts_is_trusted(
    run: Any, server_context: ssl.SSLContext, is_trusted: None, host: str
) -> None:
    assert run(ask(server_context, Limits(), host)).body == b"secret"


def test_a_certificate_of_another_name_is_refused(
    run: Any, server_context: ssl.SSLContext, is_trusted: None
) -> None:
    exchange = run(ask(server_context, Limits(), "127.0.0.2"))
    assert exchange.fault is not None

    async def under_another_name() -> Exchange:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.2", 0, ssl=server_context)
        port = server.sockets[0].getsockname()[1]
        async with Client() as client:
            found = await client.send(Request("GET", f"https://127.0.0.2:{port}/"))
        server.close()
        return found

    fault = run(under_another_name()).fault
    assert fault.kind == "tls"
    assert "not valid for '127.0.0.2'" in fault.text


def test_connections_with_tls_are_kept_and_pieces_have_times(
    run: Any, server_context: ssl.SSLContext, is_trusted: None
) -> None:
    async def go() -> None:
        answer = chunked([b"one", b"two"], gap=0.05)
        async with FaultServer(answer, server_context) as server, Client() as client:
            requests = [Request("POST", server.url, body=bytes(300_000))] * 20
            at_once = await asyncio.gather(*map(client.send, requests))
            later = await client.send(requests[0])
            assert later.is_reused
            for exchange in (*at_once, later):
                assert exchange.is_ok
                assert exchange.pieces == [b"one", b"two"]
                assert exchange.http_version == "1.1"
                assert exchange.piece_ns[0] < exchange.piece_ns[1]
            assert server.connections <= 20

    run(go())


def test_a_server_without_tls_is_told(run: Any) -> None:
    async def go() -> Fault | None:
        async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(5)
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with Client() as client:
            exchange = await client.send(Request("GET", f"https://127.0.0.1:{port}/"))
        server.close()
        return exchange.fault

    fault = run(go())
    assert fault.kind in ("tls", "connect")
    assert "https://127.0.0.1:" in fault.text


def test_a_handshake_that_never_ends_is_given_up(run: Any) -> None:
    async def go() -> list[Fault | None]:
        async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)

        writers: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(never, "127.0.0.1", 0)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with Client(Limits(connect_timeout_seconds=0.3)) as client:
            # those who wait for the first connection wait no longer than it does
            found = await asyncio.gather(*[client.send(Request("GET", url)) for _ in range(5)])
        for writer in writers:
            writer.transport.abort()
        server.close()
        await asyncio.sleep(0.05)
        return [one.fault for one in found]

    for fault in run(go()):
        assert fault.kind == "connect"
        assert "within 0.3 s" in fault.text
