"""A connection that speaks HTTP/1.1.

Every piece of an answer costs one look at the clock, one call of the parser and two appends. All
other answers wait for it, so it is written as the interpreter is quick: methods of lists are called
on their slot (`self._pieces.append`), and what is kept to be called is taken out of it first.
"""

from __future__ import annotations

import asyncio
import os
from functools import lru_cache
from time import perf_counter_ns
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from pytest_modelbench.wire.exchange import Exchange, Fault, FaultKind
from pytest_modelbench.wire.target import Target
from pytest_modelbench.wire.under_way import MOST_HEAD_BYTES, MOST_PIECES, Keeper, Outgoing

_MOST_FRAMING = 16
"""Bytes of framing for each byte of a body: a server may send chunks of one byte."""


@lru_cache(maxsize=1024)
def _after_method(target: Target) -> str:
    return f" {target.path} HTTP/1.1\r\nHost: {target.origin.authority}\r\n"


class Http1Connection(asyncio.Protocol):
    """Carries one request at a time; its own `UnderWay`."""

    __slots__ = (
        "_address",
        "_body_left",
        "_exchange",
        "_fd",
        "_feed",
        "_headers",
        "_is_kept",
        "_is_lost",
        "_is_whole",
        "_keeper",
        "_loop",
        "_max_body",
        "_now",
        "_parser",
        "_pieces",
        "_served",
        "_times",
        "_transport",
        "_wire_left",
        "done",
    )

    def __init__(self, keeper: Keeper, max_body: int) -> None:
        self._keeper = keeper
        self._max_body = max_body
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._feed = self._parser.feed_data
        self._exchange: Exchange | None = None
        self._served = 0
        self._fd = -1
        self._now = 0
        self._body_left = self._wire_left = -1
        self._headers: list[tuple[bytes, bytes]] = []
        self._is_whole = self._is_lost = False

    # what the pool and the client call

    def begin(self, outgoing: Outgoing, exchange: Exchange) -> Http1Connection:
        target, body = outgoing.target, outgoing.body
        length = f"Content-Length: {len(body)}\r\n" if outgoing.says_length else ""
        head = (
            f"{outgoing.method}{_after_method(target)}{outgoing.headers.text}{length}\r\n"
        ).encode("ascii")
        self._address = target.address
        self._exchange = exchange
        self._pieces, self._times = exchange.pieces, exchange.piece_ns
        self._body_left = self._max_body
        self._wire_left = MOST_HEAD_BYTES
        self._now = 0
        self._is_whole = self._is_kept = False
        exchange.is_reused = self._served > 0
        self._served += 1
        self.done: asyncio.Future[None] = self._loop.create_future()
        if self._is_lost or self._transport.is_closing():
            self._fail_as("reset", "closed the connection as soon as it stood")
        else:
            self._write(head, body, exchange)
        return self

    @property
    def is_unanswered(self) -> bool:
        return not self._now

    def fail(self, exchange: Exchange, fault: Fault) -> None:
        if self._exchange is exchange:  # else it carries another request by now
            exchange.fault = fault
            exchange.ended_ns = perf_counter_ns()
            self._give(exchange)
            self.abort()

    def abort(self) -> None:
        self._transport.abort()

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if transport.get_extra_info("sslcontext") is None:
            self._fd = transport.get_extra_info("socket").fileno()
        self._keeper.is_made(self)

    def data_received(self, data: bytes | memoryview) -> None:
        self._now = perf_counter_ns()
        feed = self._feed
        try:
            feed(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._refuse(error)
            return
        self._wire_left -= len(data)
        if (
            self._is_whole
            or self._body_left < 0
            or self._wire_left < 0
            or len(self._pieces) > MOST_PIECES
        ):
            self._settle()

    def connection_lost(self, error: Exception | None) -> None:
        self._fd = -1
        self._is_lost = True
        exchange = self._exchange
        if exchange is not None:
            if error is None and exchange.head_ns and self._ends_with_connection():
                exchange.ended_ns = perf_counter_ns()
                self._give(exchange)
            else:
                self._fail_as("reset", self._how_lost(exchange, error))
        self._keeper.is_lost(self)
        del self._parser, self._feed  # they and this hold each other

    # what the parser calls

    def on_message_begin(self) -> None:
        if self._is_whole or self._exchange is None:
            raise ValueError("bytes that nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._exchange.head_ns:  # type: ignore[union-attr]  # else of a trailer
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:
            exchange = cast("Exchange", self._exchange)
            exchange.head_ns = self._now
            exchange.status = status
            self._wire_left = MOST_HEAD_BYTES + _MOST_FRAMING * self._max_body

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._times.append(self._now)
        self._body_left -= len(body)

    def on_message_complete(self) -> None:
        if cast("Exchange", self._exchange).head_ns:
            self._is_whole = True
            self._is_kept = self._parser.should_keep_alive()
        else:  # 1xx: the answer is still to come
            self._headers.clear()

    # the rest

    def _write(self, head: bytes, body: bytes, exchange: Exchange) -> None:
        """Give it to the kernel now.

        A transport of uvloop would only do so after everything else that is ready has run, and
        that time would count as the server's.
        """
        transport = self._transport
        exchange.sent_ns = perf_counter_ns()
        written = 0
        if self._fd >= 0:
            try:
                written = os.writev(self._fd, (head, body))
            except BlockingIOError:
                pass
            except OSError:  # the loop notices as well, and says so with `connection_lost`
                transport.abort()
                return
        left = len(head) - written
        if left > 0:
            transport.writelines((head[-left:], body))
        elif -left < len(body):
            transport.write(memoryview(body)[-left:])

    def _settle(self) -> None:
        """The answer has ended, or must end here."""
        exchange = self._exchange
        if exchange is None:
            self.abort()
        elif self._body_left < 0:
            self._fail_as("too_large", f"sent a body of more than {self._max_body:,} bytes")
        elif len(self._pieces) > MOST_PIECES:
            self._fail_as("too_large", "sent a body in far too many small pieces")
        elif self._is_whole:
            exchange.ended_ns = self._now
            is_kept = self._is_kept and not self._transport.get_write_buffer_size()
            self._give(exchange)
            if is_kept:
                self._keeper.is_free(self)
            else:
                self._transport.close()
        elif not exchange.head_ns:
            self._fail_as("protocol", f"sent a head of more than {MOST_HEAD_BYTES:,} bytes")
        else:
            self._fail_as("too_large", "sent far more framing than body")

    def _refuse(self, error: Exception) -> None:
        if self._is_whole:  # what follows the answer is of no interest, but neither is who sent it
            self._is_kept = False
            self._settle()
        elif self._exchange is None:
            self.abort()
        elif isinstance(error, HttpParserUpgrade):
            self._fail_as("protocol", "switched to a protocol that nobody asked for")
        else:
            self._fail_as("protocol", f"sent what is not HTTP: {error}")

    def _fail_as(self, kind: FaultKind, text: str) -> None:
        if self._exchange is not None:
            self.fail(self._exchange, Fault(kind, f"{self._address} {text}"))

    def _give(self, exchange: Exchange) -> None:
        """Hand the exchange over, complete."""
        if exchange.head_ns:
            exchange.http_version = self._parser.get_http_version()
            exchange.headers = [
                (name.decode("latin-1").lower(), value.decode("latin-1"))
                for name, value in self._headers
            ]
        self._headers.clear()
        self._exchange = None
        del self._pieces, self._times  # else they are kept as long as this is
        if not self.done.done():
            self.done.set_result(None)

    def _ends_with_connection(self) -> bool:
        """Whether nothing but the end of the connection says that the answer is whole."""
        for name, value in self._headers:
            small = name.lower()
            if small == b"content-length":
                return False
            if small == b"transfer-encoding" and b"chunked" in value.lower():
                return False
        return True

    def _how_lost(self, exchange: Exchange, error: Exception | None) -> str:
        how = "reset the connection" if error is not None else "closed the connection"
        if not self._now:
            return f"{how} without an answer"
        if not exchange.head_ns:
            return f"{how} in the head of its answer"
        came = self._max_body - self._body_left
        length = next((v for n, v in self._headers if n.lower() == b"content-length"), b"")
        of = f" of {int(length):,}" if length.isdigit() else ""
        return f"{how} after {came:,}{of} bytes of a body that was to go on"


class BufferedHttp1Connection(Http1Connection, asyncio.BufferedProtocol):
    """For the loops of asyncio itself, which would make 256 KiB anew for each piece.

    All connections read into one buffer: the loop fills it and says so before it does anything
    else. uvloop has such a buffer of its own.
    """

    __slots__ = ("_buffer",)

    def __init__(self, keeper: Keeper, max_body: int, buffer: memoryview) -> None:
        super().__init__(keeper, max_body)
        self._buffer = buffer

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(self._buffer[:nbytes])


def http1_connection(keeper: Keeper, max_body: int, buffer: memoryview) -> Http1Connection:
    """As the running loop likes it; `buffer` is shared by those of one loop."""
    if isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop):
        return BufferedHttp1Connection(keeper, max_body, buffer)
    return Http1Connection(keeper, max_body)
