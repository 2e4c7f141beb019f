"""Answers as they should be: whole, in pieces, on connections that are kept."""

from __future__ import annotations

import asyncio
import gc
import random
import re
import weakref
from itertools import pairwise
from typing import Any

import pytest
from fault_server import FaultServer, chunked, head, in_turn, raw, silent, whole

from pytest_modelbench.wire.client import Client
from pytest_modelbench.wire.exchange import Exchange
from pytest_modelbench.wire.http1 import Http1Connection
from pytest_modelbench.wire.limits import Limits
from pytest_modelbench.wire.request import Request


def check_times(exchange: Exchange) -> None:
    times = [exchange.sent_ns, exchange.head_ns, *exchange.piece_ns, exchange.ended_ns]
    assert times[0] > 0
    assert all(one <= other for one, other in pairwise(times))
    assert len(exchange.pieces) == len(exchange.piece_ns)


async def asked(answer: Any, request: Request | None = None) -> tuple[Exchange, FaultServer]:
    async with FaultServer(answer) as server, Client(Limits(timeout_seconds=20)) as client:
        made = request or Request("POST", "/", body=b"{}")
        url = server.url + made.url
        return await client.send(
            Request(made.method, url, made.headers, made.body, made.secrets)
        ), server


def test_an_answer_with_a_length_is_read_whole(run: Any) -> None:
    exchange, _ = run(asked(whole(b"hello", headers={"X-Name": "A b"})))
    assert exchange.is_ok
    assert exchange.body == b"hello"
    assert exchange.header("x-name") == "A b"
    assert exchange.http_version == "1.1"
    check_times(exchange)


def test_each_chunk_is_a_piece_with_its_own_time(run: Any) -> None:
    exchange, _ = run(asked(chunked([b"one ", b"two ", b"three"], gap=0.05)))
    assert exchange.pieces == [b"one ", b"two ", b"three"]
    assert len(set(exchange.piece_ns)) == 3
    check_times(exchange)


def test_pieces_add_up_to_the_body_however_it_is_cut(run: Any) -> None:
    seeded = random.Random(6)

    async def many() -> None:
        bodies = {}
        answers: dict[str, Any] = {}
        for number in range(40):
            sizes = [seeded.randrange(1, 20_000) for _ in range(seeded.randrange(1, 30))]
            parts = [seeded.randbytes(size) for size in sizes]
            stream = b"".join(b"%x;a=b\r\n%b\r\n" % (len(part), part) for part in parts)
            sent = head(headers={"Transfer-Encoding": "chunked"}) + stream + b"0\r\nX-T: 1\r\n\r\n"
            cuts = sorted(seeded.randrange(len(sent)) for _ in range(8))
            bodies[f"/{number}"] = b"".join(parts)
            answers[f"/{number}"] = raw(
                *(sent[a:b] for a, b in pairwise([0, *cuts, len(sent)])), gap=0.001, goes_on=True
            )
        async with FaultServer(answers) as server, Client() as client:
            for path, body in bodies.items():
                exchange = await client.send(Request("GET", server.url + path))
                assert exchange.is_ok
                assert exchange.body == body
                assert exchange.header("x-t") is None
                check_times(exchange)
            assert server.connections == 1

    run(many())


def test_a_body_without_a_length_ends_with_the_connection(run: Any) -> None:
    async def twice() -> None:
        async with FaultServer(raw(b"HTTP/1.0 200 OK\r\n\r\nall of it")) as server:
            async with Client() as client:
                for _ in range(2):
                    exchange = await client.send(Request("GET", server.url))
                    assert exchange.is_ok
                    assert exchange.body == b"all of it"
                    assert exchange.http_version == "1.0"
                    assert not exchange.is_reused
            assert server.connections == 2

    run(twice())


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_ends_with_its_head(run: Any, status: int) -> None:
    exchange, _ = run(asked(raw(head(status), goes_on=True)))
    assert exchange.fault is None
    assert exchange.status == status
    assert exchange.body == b""


def test_interim_answers_are_not_the_answer(run: Any) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    answer = raw(interim, head(headers={"Content-Length": "2"}) + b"ok", gap=0.05, goes_on=True)
    exchange, _ = run(asked(answer))
    assert exchange.is_ok
    assert exchange.body == b"ok"
    assert exchange.header("link") is None


def test_a_header_need_not_be_utf_8_or_have_a_value(run: Any) -> None:
    sent = b"HTTP/1.1 200 OK\r\nX-Empty:\r\nX-Raw: \xff\xfe\r\nContent-Length: 0\r\n\r\n"
    exchange, _ = run(asked(raw(sent, goes_on=True)))
    assert exchange.is_ok
    assert exchange.header("x-raw") == "\xff\xfe"
    assert exchange.header("x-empty") == ""


def test_what_the_connection_adds_is_there_once(run: Any) -> None:
    made = Request("POST", "/a/b?c=d#e", {"X-One": "1"}, b"abc", {"Authorization": "Bearer k"})
    _, server = run(asked(whole(), made))
    (received,) = server.received
    assert received.path == "/a/b?c=d"
    assert received.body == b"abc"
    assert received.headers["host"] == f"127.0.0.1:{server.port}"
    assert received.headers["content-length"] == "3"
    assert received.headers["accept-encoding"] == "identity"
    assert received.headers["x-one"] == "1"
    assert received.headers["authorization"] == "Bearer k"
    assert re.fullmatch(r"pytest-modelbench/\d.*", received.headers["user-agent"])
    assert len(received.headers) == len(received.header_lines)


def test_a_large_body_is_sent_whole(run: Any) -> None:
    body = random.Random(1).randbytes(5_000_000)
    exchange, server = run(asked(whole(), Request("POST", "/", body=body)))
    assert exchange.is_ok
    assert server.received[0].body == body


def test_a_connection_is_used_again(run: Any) -> None:
    async def thrice() -> None:
        async with FaultServer(whole(b"x")) as server, Client() as client:
            reused = [
                (await client.send(Request("POST", server.url, body=b"{}"))).is_reused
                for _ in range(3)
            ]
            assert reused == [False, True, True]
            assert server.connections == 1

    run(thrice())


def test_a_request_does_not_wait_for_the_next_one_on_its_connection(run: Any) -> None:
    """What was begun by a plain call is finished later, and its connection is free by then."""

    async def twice() -> None:
        answers = {"/": whole(), "/busy": whole(status=503), "/slow": silent()}
        async with FaultServer(answers) as server, Client() as client:
            await client.send(Request("GET", server.url))
            refused = client.begin(Request("GET", f"{server.url}/busy"))
            assert refused.done is not None
            following = asyncio.get_running_loop().create_future()
            refused.done.add_done_callback(
                lambda _: following.set_result(client.begin(Request("GET", f"{server.url}/slow")))
            )
            assert (await following).under_way is refused.under_way
            exchange = await asyncio.wait_for(client.finish(refused), 5)
            assert exchange.status == 503
            check_times(exchange)

    run(twice())


def test_a_connection_is_not_used_again_where_the_server_says_so(run: Any) -> None:
    async def twice() -> None:
        async with FaultServer(whole(b"x", headers={"Connection": "close"})) as server:
            async with Client() as client:
                for _ in range(2):
                    assert not (await client.send(Request("GET", server.url))).is_reused
            assert server.connections == 2

    run(twice())


def test_a_connection_that_the_server_closed_meanwhile_is_not_used(run: Any) -> None:
    async def twice() -> None:
        polite = whole(b"first")

        async def says_nothing_and_closes(writer: Any, received: Any) -> bool:
            await polite(writer, received)
            return False

        async with FaultServer(says_nothing_and_closes) as server, Client() as client:
            await client.send(Request("GET", server.url))
            await server.closed_connections()
            await asyncio.sleep(0.05)
            second = await client.send(Request("GET", server.url))
            assert second.is_ok
            assert not second.is_reused
            assert len(server.received) == 2

    run(twice())


def test_a_request_is_sent_again_where_a_kept_connection_turns_out_to_be_closed(run: Any) -> None:
    async def twice() -> None:
        answer = in_turn(whole(b"first"), raw(reset=True), whole(b"second"))
        async with FaultServer(answer) as server, Client() as client:
            await client.send(Request("GET", server.url))
            second = await client.send(Request("GET", server.url))
            assert second.is_ok
            assert second.body == b"second"
            assert not second.is_reused
            check_times(second)
            assert [one.connection for one in server.received] == [1, 1, 2]

    run(twice())


def test_a_new_connection_that_is_closed_without_an_answer_is_a_fault(run: Any) -> None:
    async def once() -> None:
        answer = in_turn(raw(reset=True), whole())
        async with FaultServer(answer) as server, Client() as client:
            exchange = await client.send(Request("GET", server.url))
            assert exchange.fault is not None
            assert exchange.fault.kind == "reset"
            assert len(server.received) == 1

    run(once())


def test_what_follows_an_answer_unasked_is_never_taken_for_the_next_one(run: Any) -> None:
    async def twice() -> None:
        answer = head(headers={"Content-Length": "2"}) + b"ok"
        extra = head(headers={"Content-Length": "4"}) + b"evil"
        for gap, parts in ((0.0, (answer + extra,)), (0.05, (answer, extra))):
            async with FaultServer(raw(*parts, gap=gap, goes_on=True)) as server:
                async with Client() as client:
                    first = await client.send(Request("GET", server.url))
                    await server.closed_connections()
                    second = await client.send(Request("GET", server.url))
                assert (first.body, second.body) == (b"ok", b"ok")
                assert server.connections == 2

    run(twice())


def test_hundreds_at_once_each_get_their_own_answer(run: Any) -> None:
    async def echo(writer: Any, received: Any) -> bool:
        await asyncio.sleep(random.random() / 10)
        return await chunked([received.body[:3], received.body[3:]], gap=0.01)(writer, received)

    async def many() -> None:
        async with FaultServer(echo) as server, Client() as client:
            bodies = [f"body {number}".encode() for number in range(400)]

            async def one(body: bytes) -> Exchange:
                return await client.send(Request("POST", server.url, body=body))

            for _ in range(2):
                exchanges = await asyncio.gather(*map(one, bodies))
                assert [one.body for one in exchanges] == bodies
                for exchange in exchanges:
                    check_times(exchange)
            assert server.connections <= 400

    run(many())


def test_a_cancelled_request_takes_only_its_own_connection_with_it(run: Any) -> None:
    async def cancel() -> None:
        answers = {"/slow": silent(), "/fast": whole(b"x")}
        async with FaultServer(answers) as server, Client() as client:
            slow = asyncio.create_task(client.send(Request("GET", server.url + "/slow")))
            await asyncio.sleep(0.05)
            assert (await client.send(Request("GET", server.url + "/fast"))).is_ok
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            fast = await client.send(Request("GET", server.url + "/fast"))
            assert fast.is_reused
            assert fast.is_ok

    run(cancel())


def test_closing_the_client_ends_what_is_under_way(run: Any) -> None:
    async def close() -> None:
        async with FaultServer(silent()) as server:
            client = Client()
            waiting = asyncio.create_task(client.send(Request("GET", server.url)))
            while not server.received:
                await asyncio.sleep(0.01)
            await client.close()
            fault = (await waiting).fault
            assert fault is not None
            assert "closed before the answer" in fault.text

    run(close())


def test_a_client_can_be_closed_while_it_connects(run: Any) -> None:
    async def close() -> None:
        async with FaultServer(whole()) as server:
            client = Client()
            sent = [asyncio.create_task(client.send(Request("GET", server.url))) for _ in range(20)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await client.close()
            for exchange in await asyncio.gather(*sent):
                assert exchange.fault is None or exchange.fault.kind == "reset"
            await client.close()
            await asyncio.sleep(0.1)  # the server has seen all of them come and go

    run(close())


def test_what_is_over_is_freed_without_the_garbage_collector(run: Any) -> None:
    """It is switched off while a load runs."""
    held: list[Any] = []

    async def many() -> None:
        answer = whole(bytes(100_000), headers={"Connection": "close"})
        async with FaultServer(answer) as server, Client() as client:
            for _ in range(3):
                exchange = await client.send(Request("GET", server.url))
                held.append(weakref.ref(exchange.piece_ns))
                del exchange
            await server.closed_connections()
            await asyncio.sleep(0.05)
            connections = [one for one in gc.get_objects() if type(one) is Http1Connection]
            assert not connections
            assert not any(one() for one in held)

    gc.collect()
    gc.disable()
    try:
        run(many())
    finally:
        gc.enable()


def test_an_idle_connection_is_closed_after_a_while(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_modelbench.wire import pool

    monkeypatch.setattr(pool, "IDLE_NS", 0)

    async def wait() -> None:
        async with FaultServer(whole()) as server, Client() as client:
            await client.send(Request("GET", server.url))
            await asyncio.wait_for(server.closed_connections(), 10)

    run(wait())


def test_an_address_of_ipv6_and_a_name_can_be_asked(run: Any) -> None:
    async def ask() -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()
            await writer.wait_closed()

        asked: list[bytes] = []
        for address, host in (("::1", "[::1]"), ("127.0.0.1", "localhost")):
            try:
                server = await asyncio.start_server(echo, address, 0)
            except OSError:
                pytest.skip("this machine has no IPv6")
            port = server.sockets[0].getsockname()[1]
            async with Client() as client:
                assert (await client.send(Request("GET", f"http://{host}:{port}/"))).is_ok
            assert f"\r\nHost: {host}:{port}\r\n".encode() in asked.pop()
            server.close()

    run(ask())
