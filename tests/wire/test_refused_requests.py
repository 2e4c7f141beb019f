"""Requests that are never sent, because they would be something else than they seem."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.wire.client import Client
from pytest_modelbench.wire.headers import header_block
from pytest_modelbench.wire.request import Request
from pytest_modelbench.wire.target import target_of

KEY = "sk-0123456789"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://host/a\r\nX-Evil: 1", r"'\\r' at place 14"),
        ("http://host/a b", "a space at place 14"),
        ("http://host/\x00", "at place 13"),
        ("http://hôst/", "'\\xf4' at place 9"),
        ("http://host/é", "write what is not plain ASCII as %XX"),
        ("ftp://host/", "must begin with http:// or https://"),
        ("host:8000/v1", "must begin with http:// or https://"),
        ("/v1", "must begin with http:// or https://"),
        ("http://", "'' is not the name of a host"),
        ("http:///v1", "'' is not the name of a host"),
        ("http://a_b;c/", "is not the name of a host"),
        ("http://host:0/", "port 0"),
        ("http://host:99999/", "is not a URL"),
        ("http://host:1x/", "is not a URL"),
        ("http://[::1/", "is not a URL"),
        ("http://[fe80::1%25eth0]/", "is not an IPv6 address"),
        (f"http://user:{KEY}@host/", "keys go in headers, not in URLs"),
        (f"http://host/\t?key={KEY}", "at place 13"),
    ],
)
def test_a_url_that_cannot_be_asked_is_refused(url: str, words: str) -> None:
    with pytest.raises(ModelbenchError) as caught:
        target_of(url)
    assert words.replace("\\\\", "\\") in str(caught.value)
    assert KEY not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("http://host", "http://host", "/"),
        ("HTTPS://Host:443/a?b=c#d", "https://host", "/a?b=c"),
        ("http://host:443?x", "http://host:443", "/?x"),
        ("http://[::1]:8000/v1", "http://[::1]:8000", "/v1"),
        ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]", "/"),
        ("http://10.0.0.1:1/", "http://10.0.0.1:1", "/"),
    ],
)
def test_a_url_has_parts(url: str, origin: str, path: str) -> None:
    target = target_of(url)
    assert (str(target.origin), target.path) == (origin, path)
    assert target.address == origin + path.split("?")[0]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("X-A", f"{KEY}\r\nX-Evil: 1", r"'\r' at place 14"),
        ("X-A", f"{KEY}\n", r"'\n' at place 14"),
        ("X-A", f"“{KEY}”", r"'\u201c' at place 1"),
        ("X-A", f"{KEY}\x7f", r"'\x7f' at place 14"),
        ("X A", KEY, "'X A' is not the name of a header"),
        ("X-A:", KEY, "'X-A:' is not the name of a header"),
        ("", KEY, "'' is not the name of a header"),
        ("X\r\nY", KEY, r"'X\\r\\nY' is not the name of a header"),
        ("content-LENGTH", "5", "is set by the client itself"),
        ("Host", "x", "is set by the client itself"),
        ("Transfer-Encoding", "chunked", "is set by the client itself"),
    ],
)
def test_a_header_that_would_be_more_than_a_header_is_refused(
    name: str, value: str, words: str
) -> None:
    for headers, secrets in ((((name, value),), ()), ((), ((name, value),))):
        with pytest.raises(ModelbenchError) as caught:
            header_block(headers, secrets)
        assert words.replace("\\\\", "\\") in str(caught.value).replace("\\\\", "\\")
        assert KEY not in str(caught.value)


def test_a_header_cannot_be_given_twice() -> None:
    with pytest.raises(ModelbenchError, match="'authorization' is given twice"):
        header_block((("Authorization", "a"),), (("authorization", "b"),))


def test_what_is_refused_is_not_sent(run: Any) -> None:
    async def go() -> None:
        asked = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(writer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with Client() as client:
            for request in (
                Request("GET", url, {"X": "a\r\nb"}),
                Request("GET", url, {}, b"", {"X": "a\r\nb"}),
                Request("GET /evil HTTP/1.1\r\n", url),
                Request("HEAD", url),
                Request("CONNECT", url),
            ):
                with pytest.raises(ModelbenchError):
                    await client.send(request)
        assert not asked
        server.close()

    run(go())


def test_a_request_does_not_show_its_keys() -> None:
    assert KEY not in repr(Request("GET", "http://host", secrets={"Authorization": KEY}))
