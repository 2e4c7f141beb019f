"""A connection that speaks HTTP/2: many requests at once, each a stream of its own.

The protocol is the `h2` library's; times are taken when bytes come, as for HTTP/1.1.
"""

from __future__ import annotations

import asyncio
from time import perf_counter_ns
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from pytest_modelbench.wire.exchange import Exchange, Fault, FaultKind
from pytest_modelbench.wire.goaway import FrameSplitter, Goaway
from pytest_modelbench.wire.http2_stream import Http2Stream, name_of, request_headers
from pytest_modelbench.wire.under_way import MOST_HEAD_BYTES, MOST_PIECES, Keeper, Outgoing

_STREAM_WINDOW = 16 * 1024 * 1024
"""Bytes a server may send ahead: enough that it never waits for us to say that we read them."""
_CONNECTION_WINDOW = 1024 * 1024 * 1024
_LAST_STREAM = 2**31 - 3


class Http2Connection(asyncio.Protocol):
    """Carries as many requests at once as the server allows."""

    def __init__(self, keeper: Keeper, max_body: int) -> None:
        self.max_body = max_body
        self.streams: dict[int, Http2Stream] = {}
        self._keeper = keeper
        self._splitter = FrameSplitter()
        self._most_streams = 0
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Has a result once the server has said what it allows, or is gone."""
        self._is_closing = self._is_lost = False
        self._served = 0
        self._last_ns = perf_counter_ns()
        self._next_id = 1
        config = H2Configuration(client_side=True, header_encoding=None)
        self._h2 = H2Connection(config)
        self._h2.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: _STREAM_WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: MOST_HEAD_BYTES,
            },
        )

    # what the pool and the client call

    @property
    def has_room(self) -> bool:
        """Whether another request may begin."""
        return (
            not self._is_closing
            and len(self.streams) < self._most_streams
            and self._next_id <= _LAST_STREAM
        )

    @property
    def idle_since_ns(self) -> int | None:
        """Since when it has had nothing to do; None while it has."""
        return None if self.streams else self._last_ns

    def begin(self, outgoing: Outgoing, exchange: Exchange) -> Http2Stream:
        number, self._next_id = self._next_id, self._next_id + 2
        stream = self.streams[number] = Http2Stream(self, number, outgoing, exchange)
        exchange.http_version = "2"
        exchange.is_reused = self._served > 0
        self._served += 1
        if self._is_lost:
            text = f"{stream.address} closed the connection as soon as it stood"
            stream.fail(exchange, Fault("reset", text))
            return stream
        try:
            self._h2.send_headers(number, request_headers(outgoing), end_stream=not outgoing.body)
            self._send_body(stream)
        except H2Error as error:
            stream.fail(exchange, Fault("protocol", f"{stream.address}: {error}"))
            return stream
        exchange.sent_ns = perf_counter_ns()
        self._flush()
        return stream

    def cancel(self, stream: Http2Stream) -> None:
        """Tell the server that nobody waits for this answer any more."""
        try:
            self._h2.reset_stream(stream.id, ErrorCodes.CANCEL)
        except H2Error:  # it had just ended
            return
        self._flush()

    def abort(self) -> None:
        self._is_closing = True
        self._transport.abort()

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_CONNECTION_WINDOW)
        self._flush()
        self._keeper.is_made(self)

    def data_received(self, data: bytes) -> None:
        now = self._last_ns = perf_counter_ns()
        try:
            for part in self._splitter.split(data):
                if isinstance(part, Goaway):
                    self._stop(part, now)
                else:
                    for event in self._h2.receive_data(part):
                        self._handle(event, now)
        except H2Error as error:
            self._flush()
            self._end_all("protocol", f"sent what is not HTTP/2: {error}")
            self.abort()
            return
        self._flush()
        if self._is_closing and not self.streams:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_closing = self._is_lost = True
        how = "reset" if error is not None else "closed"
        self._end_all("reset", f"{how} the connection before the answer was whole")
        self._set_ready()
        self._keeper.is_lost(self)

    def _set_ready(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    # what the server sends

    def _handle(self, event: Event, now: int) -> None:
        if isinstance(event, RemoteSettingsChanged):
            self._most_streams = self._h2.remote_settings.max_concurrent_streams
            self._set_ready()
            self._send_bodies(0)
        elif isinstance(event, WindowUpdated):
            self._send_bodies(event.stream_id or 0)
        else:
            stream = self.streams.get(getattr(event, "stream_id", None) or 0)
            if isinstance(event, DataReceived):
                self._take_data(event, stream, now)
            elif stream is not None:
                self._handle_of(stream, event, now)

    def _handle_of(self, stream: Http2Stream, event: Event, now: int) -> None:
        if isinstance(event, ResponseReceived):
            stream.take_head(event.headers, now)
        elif isinstance(event, StreamEnded):
            del self.streams[stream.id]
            if stream.body:  # it was answered before it was sent
                self.cancel(stream)
            stream.end(now)
        elif isinstance(event, StreamReset):
            del self.streams[stream.id]
            if event.error_code != ErrorCodes.REFUSED_STREAM:  # else it was not looked at
                stream.is_unanswered = False
            reason = name_of(event.error_code)
            stream.end(now, Fault("reset", f"{stream.address} reset the stream ({reason})"))

    def _take_data(self, event: DataReceived, stream: Http2Stream | None, now: int) -> None:
        size = event.flow_controlled_length
        if size:
            self._h2.acknowledge_received_data(size, event.stream_id)
        if stream is None:
            return
        if event.data:
            stream.exchange.pieces.append(event.data)
            stream.exchange.piece_ns.append(now)
            stream.body_left -= len(event.data)
            if stream.body_left < 0:
                text = f"{stream.address} sent a body of more than {self.max_body:,} bytes"
                stream.fail(stream.exchange, Fault("too_large", text))
            elif len(stream.exchange.pieces) > MOST_PIECES:
                text = f"{stream.address} sent a body in far too many small pieces"
                stream.fail(stream.exchange, Fault("too_large", text))

    def _stop(self, goaway: Goaway, now: int) -> None:
        """No new requests here; those the server will not look at are over."""
        self._is_closing = True
        self._keeper.is_full(self)
        for stream in [one for one in self.streams.values() if one.id > goaway.last_stream_id]:
            del self.streams[stream.id]
            reason = name_of(goaway.error_code)
            text = f"{stream.address} closed the connection without an answer ({reason})"
            stream.end(now, Fault("reset", text))

    # what is sent

    def _send_bodies(self, number: int) -> None:
        """The server has room again, for one stream or (0) for all."""
        for stream in self.streams.values():
            if stream.body and number in (0, stream.id):
                self._send_body(stream)

    def _send_body(self, stream: Http2Stream) -> None:
        """As much of it as the server's window has room for."""
        while stream.body:
            room = min(
                self._h2.local_flow_control_window(stream.id), self._h2.max_outbound_frame_size
            )
            if room <= 0:
                return
            part, stream.body = stream.body[:room], stream.body[room:]
            self._h2.send_data(stream.id, part.tobytes(), end_stream=not stream.body)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def _end_all(self, kind: FaultKind, text: str) -> None:
        now = perf_counter_ns()
        streams = tuple(self.streams.values())
        self.streams.clear()
        for stream in streams:
            stream.end(now, Fault(kind, f"{stream.address} {text}"))
