"""One request on an HTTP/2 connection."""

from __future__ import annotations

import asyncio
from time import perf_counter_ns
from typing import TYPE_CHECKING

from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from hpack import HeaderTuple, NeverIndexedHeaderTuple

from pytest_modelbench.wire.exchange import Exchange, Fault
from pytest_modelbench.wire.under_way import Outgoing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_modelbench.wire.http2 import Http2Connection


class Http2Stream:
    """One request on a connection: its `UnderWay`."""

    __slots__ = (
        "address",
        "body",
        "body_left",
        "connection",
        "done",
        "exchange",
        "id",
        "is_unanswered",
    )

    def __init__(
        self, connection: Http2Connection, number: int, outgoing: Outgoing, exchange: Exchange
    ) -> None:
        self.connection = connection
        self.id = number
        self.address = outgoing.target.address
        self.exchange = exchange
        self.body = memoryview(outgoing.body)
        self.body_left = connection.max_body
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_unanswered = True

    def take_head(self, headers: Iterable[tuple[bytes, bytes]], now_ns: int) -> None:
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        self.exchange.status = _status(dict(pairs))
        self.exchange.head_ns = now_ns
        self.is_unanswered = False
        self.exchange.headers = [pair for pair in pairs if not pair[0].startswith(":")]

    def fail(self, exchange: Exchange, fault: Fault) -> None:
        """End it here and at the server; the connection goes on."""
        if self.connection.streams.pop(self.id, None) is not None:
            self.connection.cancel(self)
            self.end(perf_counter_ns(), fault)

    def end(self, now_ns: int, fault: Fault | None = None) -> None:
        self.exchange.ended_ns = now_ns
        self.exchange.fault = fault
        if not self.done.done():
            self.done.set_result(None)


def request_headers(outgoing: Outgoing) -> list[HeaderTuple]:
    origin = outgoing.target.origin
    pairs = [
        (":method", outgoing.method),
        (":scheme", origin.scheme),
        (":authority", origin.authority),
        (":path", outgoing.target.path),
        *((name.lower(), value) for name, value in outgoing.headers.pairs),
    ]
    if outgoing.says_length:
        pairs.append(("content-length", str(len(outgoing.body))))
    # Keys are in no table of the connection's: compression must tell nobody about them.
    secret = outgoing.headers.secret_names
    return [
        (NeverIndexedHeaderTuple if name in secret else HeaderTuple)(name, value)
        for name, value in pairs
    ]


def _status(headers: dict[str, str]) -> int:
    value = headers.get(":status", "")
    if len(value) != 3 or not value.isdecimal():
        raise ProtocolError(f"the status {value!r}")
    return int(value)


def name_of(code: ErrorCodes | int | None) -> str:
    try:
        return ErrorCodes(code).name  # type: ignore[arg-type]
    except ValueError:
        return f"error {code}"
