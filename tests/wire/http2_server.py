"""A small HTTP/2 server on loopback that answers, or does not, as the path says."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Self, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes


class Call:
    """One request as it came, and what may be answered."""

    def __init__(self, link: Link, number: int, headers: dict[str, str]) -> None:
        self.link = link
        self.id = number
        self.headers = headers
        self.body = b""
        self.was_reset = False

    def head(self, status: str = "200", *headers: tuple[str, str], ends: bool = False) -> None:
        self.link.h2.send_headers(self.id, [(":status", status), *headers], end_stream=ends)
        self.link.flush()

    def data(self, data: bytes, ends: bool = False) -> None:
        self.link.h2.send_data(self.id, data, end_stream=ends)
        self.link.flush()

    async def whole(self, body: bytes) -> None:
        """Head and body, as the client's window allows."""
        self.head("200", ("content-length", str(len(body))))
        while body:
            room = min(self.link.h2.local_flow_control_window(self.id), 16384)
            if room <= 0:
                await asyncio.sleep(0.01)
                continue
            part, body = body[:room], body[room:]
            self.data(part, ends=not body)


class Link(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: Http2Server) -> None:
        self.server = server
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.calls: dict[int, Call] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.server.links.append(self)
        self.h2.initiate_connection()
        self.h2.update_settings(self.server.settings)
        self.flush()

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            if isinstance(event, RequestReceived):
                headers = {str(name): str(value) for name, value in event.headers}
                self.calls[event.stream_id] = Call(self, event.stream_id, headers)
            elif isinstance(event, DataReceived):
                self.calls[event.stream_id].body += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                self.server.answer(self.calls[event.stream_id])
            elif isinstance(event, StreamReset):
                self.calls[event.stream_id].was_reset = True
            elif isinstance(event, ConnectionTerminated):
                self.server.terminated.append(event.error_code)
        self.flush()

    def flush(self) -> None:
        self.transport.write(self.h2.data_to_send())

    def goaway(self, last: int) -> None:
        """Say that no request after `last` will be answered; h2 would then send nothing more."""
        head = (8).to_bytes(3, "big") + b"\x07\x00" + bytes(4)
        self.transport.write(
            head + last.to_bytes(4, "big") + ErrorCodes.NO_ERROR.to_bytes(4, "big")
        )


class Http2Server:
    """Hands each request to `handler`. Use it with `async with`."""

    def __init__(
        self,
        context: ssl.SSLContext,
        handler: Callable[[Call], object],
        settings: dict[SettingCodes, int] | None = None,
    ) -> None:
        context.set_alpn_protocols(["h2"])
        self._context = context
        self._handler = handler
        self._tasks: set[asyncio.Future[object]] = set()
        self.settings = settings or {}
        self.links: list[Link] = []
        self.calls: list[Call] = []
        self.terminated: list[object] = []
        self.at_once = self.most_at_once = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Link(self), "127.0.0.1", 0, ssl=self._context
        )
        self.url = f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for link in self.links:
            link.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.sleep(0.05)

    def answer(self, call: Call) -> None:
        self.calls.append(call)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        done = self._handler(call)
        if asyncio.iscoroutine(done):
            task = asyncio.ensure_future(done)
            self._tasks.add(task)
            task.add_done_callback(self._over)
        else:
            self.at_once -= 1

    def _over(self, task: asyncio.Future[object]) -> None:
        self._tasks.discard(task)
        self.at_once -= 1
