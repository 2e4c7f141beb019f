"""Redirects are followed a little way, and keys stay with those they were given for."""

from __future__ import annotations

from typing import Any

import pytest
from fault_server import Answer, FaultServer, whole

from pytest_modelbench.wire.client import Client
from pytest_modelbench.wire.request import Request

KEY = "sk-0123456789"


def to(location: str, status: int = 307) -> Answer:
    return whole(status=status, headers={"Location": location})


def post(url: str) -> Request:
    return Request(
        "POST",
        url,
        {"Content-Type": "application/json", "X-Api-Key": KEY, "Cookie": KEY, "X-Other": "o"},
        b'{"a": 1}',
        {"Authorization": f"Bearer {KEY}"},
    )


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [
        (301, "GET", b""),
        (302, "GET", b""),
        (303, "GET", b""),
        (307, "POST", b'{"a": 1}'),
        (308, "POST", b'{"a": 1}'),
    ],
)
def test_a_redirect_within_the_origin_is_followed_with_the_key(
    run: Any, status: int, method: str, body: bytes
) -> None:
    async def go() -> None:
        answers = {"/a/b": to("../c?d=é#f", status), "/c": whole(b"there")}
        async with FaultServer(answers) as server, Client() as client:
            exchange = await client.send(post(server.url + "/a/b"))
            first, second = server.received
        assert exchange.is_ok
        assert exchange.body == b"there"
        assert exchange.sent_ns < exchange.head_ns
        assert (second.method, second.body) == (method, body)
        assert second.path == "/c?d=%C3%A9"
        assert second.headers["authorization"] == f"Bearer {KEY}"
        assert ("content-type" in second.headers) == (method == "POST")
        assert second.connection == first.connection

    run(go())


def test_a_put_stays_a_put_where_only_posts_change(run: Any) -> None:
    async def go() -> None:
        answers = {"/": to("/b", 302), "/b": whole()}
        async with FaultServer(answers) as server, Client() as client:
            await client.send(Request("PUT", server.url, body=b"x"))
            assert [one.method for one in server.received] == ["PUT", "PUT"]

    run(go())


def test_times_count_from_the_first_request(run: Any) -> None:
    async def go() -> None:
        answers = {"/": to("/b"), "/b": whole()}
        async with FaultServer(answers) as server, Client() as client:
            sent = []
            from pytest_modelbench.wire import http1

            real = http1.Http1Connection._write

            def noting(self: Any, head: bytes, body: bytes, exchange: Any) -> None:
                real(self, head, body, exchange)
                sent.append(exchange.sent_ns)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(http1.Http1Connection, "_write", noting)
                exchange = await client.send(Request("GET", server.url))
            assert len(sent) == 2
            assert exchange.sent_ns == sent[0] < sent[1]

    run(go())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_key_goes_to_another_origin_not_even_on_the_way_back(run: Any, status: int) -> None:
    async def go() -> None:
        async with FaultServer({}) as home, FaultServer({}) as other, Client() as client:
            home._answers = {"/": to(f"{other.url}/away", status), "/back": whole(b"done")}
            other._answers = {"/away": to(f"{home.url}/back", status)}
            exchange = await client.send(post(home.url))
            assert exchange.body == b"done"
            seen = (*other.received, *home.received[1:])
            assert len(seen) == 2
            for received in seen:
                assert KEY not in str(received)
                assert received.headers["x-other"] == "o"
            assert home.received[0].headers["authorization"] == f"Bearer {KEY}"

    run(go())


def test_another_name_of_the_same_machine_is_another_origin(run: Any) -> None:
    async def go() -> None:
        async with FaultServer({}) as server, Client() as client:
            away = f"http://localhost:{server.port}/b"
            server._answers = {"/": to(away), "/b": whole()}
            assert (await client.send(post(server.url))).is_ok
            assert KEY not in str(server.received[1])

    run(go())


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("/", "led to more than 5 redirects"),
        ("ftp://127.0.0.1/", "must begin with http"),
        ("http://name:word@127.0.0.1/", "holds a name or a password"),
        ("http://[::/", "no address"),
        ("http://a b/", "no address"),
        (f"//{KEY}.example:0/{KEY}", "port 0"),
        ("", "without saying where"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_a_fault(run: Any, location: str, words: str) -> None:
    async def go() -> None:
        async with FaultServer(to(location)) as server, Client() as client:
            exchange = await client.send(post(server.url))
            assert exchange.fault is not None
            assert exchange.fault.kind == "redirect"
            assert words in exchange.fault.text
            assert server.url in exchange.fault.text
            assert KEY not in exchange.fault.text
            assert "word@" not in exchange.fault.text
            assert len(server.received) <= 6

    run(go())


def test_a_chain_of_five_is_followed(run: Any) -> None:
    async def go() -> None:
        answers = {f"/{step}": to(f"/{step + 1}") for step in range(5)} | {"/5": whole(b"end")}
        async with FaultServer(answers) as server, Client() as client:
            assert (await client.send(Request("GET", server.url + "/0"))).body == b"end"

    run(go())


def test_a_request_does_not_leave_tls_with_its_body_nor_with_its_key(
    run: Any, server_context: Any, is_trusted: None
) -> None:
    async def go() -> None:
        async with FaultServer(whole(b"plain")) as plain:
            for status, is_followed in ((307, False), (303, True)):
                answer = to(f"{plain.url}/p", status)
                async with FaultServer(answer, server_context) as secure, Client() as client:
                    exchange = await client.send(post(secure.url))
                    if is_followed:
                        assert exchange.body == b"plain"
                    else:
                        assert exchange.fault is not None
                        assert "redirects from https to http://127.0.0.1" in exchange.fault.text
            (received,) = plain.received
            assert KEY not in str(received)

    run(go())
