"""A server on loopback that answers as it is told, right or wrong, byte for byte."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self


@dataclass
class Received:
    """One request as it came; header names in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    header_lines: list[bytes]
    body: bytes
    connection: int
    """The first one is 1."""


Answer = Callable[[asyncio.StreamWriter, Received], Awaitable[bool]]
"""Answers a request; says whether the connection goes on."""


class FaultServer:
    """Answers every path as `answers` says. Use it with `async with`."""

    def __init__(
        self, answers: Answer | Mapping[str, Answer], context: ssl.SSLContext | None = None
    ) -> None:
        self._answers = answers
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self.received: list[Received] = []
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", 0, backlog=1024, ssl=self._context
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def closed_connections(self) -> None:
        """Wait until no connection is left."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer, self.connections))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        try:
            while (received := await _read(reader, number)) is not None:
                self.received.append(received)
                answer = self._answers
                if isinstance(answer, Mapping):
                    answer = answer[received.path.split("?")[0]]
                if not await answer(writer, received):
                    break
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            writer.close()
            with suppress(asyncio.CancelledError, OSError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader, number: int) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head[:-4].split(b"\r\n")
    method, path, _ = first.decode().split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, path, headers, lines, body, number)


def head(status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    return f"HTTP/1.1 {status} Told\r\n{lines}\r\n".encode()


def whole(
    body: bytes = b"{}", status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    """An answer as it should be, with its length."""
    sent = head(status, {"Content-Length": str(len(body)), **(headers or {})}) + body
    return raw(sent, goes_on=True)


def chunked(
    pieces: Iterable[bytes], gap: float = 0.0, headers: Mapping[str, str] | None = None
) -> Answer:
    """An answer as it should be, in pieces."""
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    first = head(200, {"Transfer-Encoding": "chunked", **(headers or {})})
    return raw(first, *chunks, b"0\r\n\r\n", gap=gap, goes_on=True)


def raw(*parts: bytes, gap: float = 0.0, goes_on: bool = False, reset: bool = False) -> Answer:
    """These bytes, with pauses between them; then the connection is closed, or reset."""

    async def answer(writer: asyncio.StreamWriter, _: Received) -> bool:
        for place, part in enumerate(parts):
            if place and gap:
                await asyncio.sleep(gap)
            writer.write(part)
            await writer.drain()
        if reset:
            await asyncio.sleep(0.05)  # a reset overtakes what was not read
            reset_connection(writer)
        return goes_on

    return answer


def silent(*parts: bytes) -> Answer:
    """These bytes, and then nothing more; the connection stays."""

    async def answer(writer: asyncio.StreamWriter, _: Received) -> bool:
        for part in parts:
            writer.write(part)
        await asyncio.sleep(3600)
        return False

    return answer


def endless(first: bytes, again: bytes, gap: float = 0.0) -> Answer:
    """The first bytes once, and the others until nobody reads them any more."""

    async def answer(writer: asyncio.StreamWriter, _: Received) -> bool:
        writer.write(first)
        while not writer.transport.is_closing():
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(gap)
        return False

    return answer


def in_turn(*answers: Answer) -> Answer:
    """One after the other, whoever asks; the last one again and again."""
    left = list(answers)

    async def answer(writer: asyncio.StreamWriter, received: Received) -> bool:
        return await (left.pop(0) if len(left) > 1 else left[0])(writer, received)

    return answer


def reset_connection(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
