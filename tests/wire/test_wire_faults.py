"""Answers that are none: each is a fault with one sentence, and none lasts longer than allowed."""

from __future__ import annotations

import asyncio
import socket
from time import perf_counter_ns
from typing import Any

import pytest
from fault_server import Answer, FaultServer, chunked, endless, head, raw, silent, whole

from pytest_modelbench.wire.client import Client
from pytest_modelbench.wire.exchange import Exchange, Fault
from pytest_modelbench.wire.limits import Limits
from pytest_modelbench.wire.request import Request
from pytest_modelbench.wire.under_way import MOST_HEAD_BYTES

KEY = "sk-0123456789"
CHUNKED = head(headers={"Transfer-Encoding": "chunked"})
PATIENT = Limits(timeout_seconds=30, max_response_bytes=100_000)
IMPATIENT = Limits(timeout_seconds=0.3)


async def ask(answer: Answer, limits: Limits) -> Exchange:
    async with FaultServer(answer) as server, Client(limits) as client:
        request = Request(
            "POST", server.url + "/v1/x?token=abc", {}, b"{}", {"Authorization": f"Bearer {KEY}"}
        )
        exchange = await client.send(request)
        assert exchange.fault is None or f"{server.url}/v1/x " in exchange.fault.text
        if limits is not IMPATIENT:  # the next request has an answer of its own
            server._answers = whole(b"fine")
            assert (await client.send(request)).body == b"fine"
        return exchange


def fault_of(exchange: Exchange) -> Fault:
    fault = exchange.fault
    assert fault is not None
    assert not exchange.is_ok
    assert exchange.ended_ns >= exchange.sent_ns > 0
    assert KEY not in fault.text
    assert "abc" not in fault.text
    assert "\n" not in fault.text
    return fault


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (raw(reset=True), "reset", "without an answer"),
        (raw(), "reset", "closed the connection without an answer"),
        (raw(b"HTTP/1.1 200 OK\r\nX-"), "reset", "in the head of its answer"),
        (
            raw(head(headers={"Content-Length": "1000"}) + b'{"text": "cut'),
            "reset",
            "closed the connection after 13 of 1,000 bytes",
        ),
        (raw(CHUNKED + b"5\r\nhello\r\n"), "reset", "after 5 bytes"),
        (raw(CHUNKED + b"5\r\nhello\r\n", reset=True), "reset", "after 5 bytes"),
        (raw(b"HTTP/1.0 200 OK\r\n\r\nhello", reset=True), "reset", "after 5 bytes"),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "protocol", "what is not HTTP"),
        (raw(b"\x00\x01\x02\x03" * 100), "protocol", "what is not HTTP"),
        (raw(CHUNKED + b"what?\r\n"), "protocol", "what is not HTTP"),
        (raw(CHUNKED + b"2\r\nabc\r\n"), "protocol", "what is not HTTP"),
        (
            raw(head(headers={"Content-Length": "2", "Transfer-Encoding": "chunked"}) + b"0\r\n"),
            "protocol",
            "what is not HTTP",
        ),
        (raw(b"HTTP/1.1 abc OK\r\n\r\n"), "protocol", "what is not HTTP"),
        (
            raw(head(101, {"Upgrade": "websocket", "Connection": "Upgrade"})),
            "protocol",
            "switched to a protocol",
        ),
        (
            endless(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 500),
            "protocol",
            f"a head of more than {MOST_HEAD_BYTES:,} bytes",
        ),
        (
            endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 9000),
            "protocol",
            f"a head of more than {MOST_HEAD_BYTES:,} bytes",
        ),
        (
            endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
            "protocol",
            f"a head of more than {MOST_HEAD_BYTES:,} bytes",
        ),
        (endless(CHUNKED, b"3e8\r\n" + b"x" * 1000 + b"\r\n"), "too_large", "100,000 bytes"),
        (endless(CHUNKED + b"1;", b"extension" * 1000), "too_large", "more framing than body"),
        (whole(b"x" * 100_001), "too_large", "100,000 bytes"),
    ],
)
def test_what_is_no_answer_is_told_in_a_sentence(
    run: Any, answer: Answer, kind: str, words: str
) -> None:
    fault = fault_of(run(ask(answer, PATIENT)))
    assert fault.kind == kind
    assert words in fault.text


def test_a_body_of_exactly_the_bound_is_fine(run: Any) -> None:
    assert run(ask(whole(b"x" * 100_000), PATIENT)).is_ok
    assert run(ask(chunked([b"x"] * 3000), PATIENT)).is_ok


def test_a_body_in_too_many_pieces_is_ended(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_modelbench.wire import http1

    monkeypatch.setattr(http1, "MOST_PIECES", 1000)
    fault = fault_of(run(ask(endless(CHUNKED, b"1\r\nx\r\n" * 100), PATIENT)))
    assert fault.kind == "too_large"
    assert "too many small pieces" in fault.text


@pytest.mark.parametrize("greeting", [b"\r\n", b"220 mail.example ESMTP\r\n"])
def test_a_server_that_speaks_first_is_not_taken_for_one_of_http(run: Any, greeting: bytes) -> None:
    async def go() -> None:
        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(greeting)
            await reader.read(1)
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with Client() as client:
            exchange = await client.send(Request("GET", f"http://127.0.0.1:{port}/"))
            assert exchange.fault is not None
            assert exchange.fault.kind in ("reset", "protocol")
        server.close()

    run(go())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (silent(), "did not answer within 0.3 s"),
        (silent(b"HTTP/1.1 200 OK\r\n"), "did not answer within 0.3 s"),
        (silent(CHUNKED + b"5\r\nhello\r\n"), "had not finished its answer after 0.3 s"),
        (endless(CHUNKED, b"1\r\nx\r\n", gap=0.02), "had not finished its answer after 0.3 s"),
        (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", gap=0.02), "did not answer within 0.3 s"),
    ],
)
def test_what_takes_too_long_is_ended(run: Any, answer: Answer, words: str) -> None:
    begun = perf_counter_ns()
    exchange = run(ask(answer, IMPATIENT))
    fault = fault_of(exchange)
    assert fault.kind == "timeout"
    assert words in fault.text
    assert 0.3e9 <= exchange.ended_ns - begun < 30e9


def test_pieces_that_came_before_a_fault_are_kept(run: Any) -> None:
    exchange = run(ask(raw(CHUNKED + b"5\r\nhello\r\n", b"3\r\nabc\r\n", gap=0.05), PATIENT))
    assert exchange.pieces == [b"hello", b"abc"]
    assert exchange.status == 200
    assert exchange.header("transfer-encoding") == "chunked"


def test_a_time_limit_covers_redirects_as_well(run: Any) -> None:
    async def slow(writer: Any, received: Any) -> bool:
        await asyncio.sleep(0.2)
        return await whole(status=307, headers={"Location": "/next"})(writer, received)

    async def go() -> None:
        answers = {"/": slow, "/next": slow}
        async with FaultServer(answers) as server, Client(IMPATIENT) as client:
            fault = (await client.send(Request("GET", server.url))).fault
            assert fault is not None
            assert fault.kind == "timeout"

    run(go())


def test_an_answer_before_the_request_was_sent_is_an_answer(run: Any) -> None:
    """A server may refuse what is too large for it before it has read it."""

    async def go() -> None:
        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head(413, {"Content-Length": "3"}) + b"no!")
            await writer.drain()
            await is_answered.wait()
            writer.transport.abort()
            is_over.set()

        is_answered, is_over = asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(refuse, "127.0.0.1", 0, limit=1000)
        port = server.sockets[0].getsockname()[1]
        async with Client() as client:
            request = Request("POST", f"http://127.0.0.1:{port}/", body=bytes(50_000_000))
            exchange = await client.send(request)
        is_answered.set()
        await is_over.wait()
        assert (exchange.status, exchange.body) == (413, b"no!")
        server.close()

    run(go())


async def fault_at(url: str, limits: Limits | None = None) -> Fault:
    async with Client(limits or Limits(connect_timeout_seconds=0.3)) as client:
        exchange = await client.send(Request("GET", url))
        assert exchange.fault is not None
        assert (exchange.sent_ns, exchange.status) == (0, 0)
        assert exchange.ended_ns > 0
        return exchange.fault


def test_where_nothing_listens_there_is_no_connection(run: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        fault = run(fault_at(f"http://127.0.0.1:{port}/v1?a=b"))
    text = f"no connection to http://127.0.0.1:{port}: nothing listens there"
    assert fault == Fault("connect", text)


def test_a_host_that_nobody_knows_is_told(run: Any) -> None:
    limits = Limits(connect_timeout_seconds=20)
    fault = run(fault_at("http://no-such-host.invalid/", limits))
    assert fault.kind == "connect"
    assert "http://no-such-host.invalid" in fault.text


def test_a_connection_that_does_not_come_about_is_given_up(run: Any) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.socket() as first, socket.socket() as second:
            for one in (first, second):
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
            url = f"http://127.0.0.1:{port}"
            fault = run(fault_at(url))
            assert fault == Fault("connect", f"no connection to {url} within 0.3 s")
            fault = run(fault_at(url, IMPATIENT))
            assert fault == Fault("timeout", f"{url}/ did not answer within 0.3 s")


def test_hundreds_of_faults_at_once_harm_nobody_else(run: Any) -> None:
    kinds = ("reset", "protocol", "timeout", "")

    async def go() -> None:
        answers = {
            "/reset": raw(CHUNKED + b"5\r\nhello\r\n", reset=True),
            "/protocol": raw(b"garbage\r\n\r\n"),
            "/timeout": silent(),
            "/": whole(b"fine"),
        }
        patient, impatient = Client(Limits(timeout_seconds=40)), Client(Limits(timeout_seconds=1))

        async def ask(kind: str) -> tuple[str, str]:
            asked = impatient if kind == "timeout" else patient
            fault = (await asked.send(Request("GET", f"{server.url}/{kind}"))).fault
            return (fault.kind, fault.text) if fault else ("", "")

        async with FaultServer(answers) as server, patient, impatient:
            found = await asyncio.gather(*map(ask, kinds * 100))
        wrong = {one for one, kind in zip(found, kinds * 100, strict=True) if one[0] != kind}
        assert not wrong

    run(go())
