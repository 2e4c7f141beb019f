"""A server on loopback with nothing but asyncio, so that what it sees is what was sent."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from functools import cached_property
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass
class Part:
    """One field of a multipart form."""

    name: str
    data: bytes
    file_name: str | None
    content_type: str


@dataclass
class Call:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers.get("content-type", "").startswith("application/json"), self.headers
        return json.loads(self.body)

    @cached_property
    def parts(self) -> dict[str, list[Part]]:
        """Of a form, by name."""
        kind = self.headers.get("content-type", "")
        assert kind.startswith("multipart/form-data"), kind
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        assert message.is_multipart()
        assert not message.defects, message.defects
        found: dict[str, list[Part]] = {}
        for part in message.iter_parts():
            disposition = part["content-disposition"].params
            data = part.get_payload(decode=True)
            name = disposition["name"]
            found.setdefault(name, []).append(
                Part(name, data, disposition.get("filename"), part.get_content_type())
            )
        return found

    def text(self, name: str) -> str | None:
        """A field of the form that is there once; None if it is not."""
        parts = self.parts.get(name)
        if parts is None:
            return None
        (only,) = parts
        return only.data.decode()


@dataclass
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    content_type: str | None = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Send so many bytes of the body, and close."""

    @classmethod
    def of(cls, value: Any, status: int = 200) -> Reply:
        return cls(status, json.dumps(value).encode())


Handler = Callable[[Call], Awaitable[Reply]]


class HttpServer:
    """Answers by `handler`; a request that fails one of its assertions gets 400 and is told."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.calls: list[Call] = []
        self.complaints: list[str] = []
        self.first: list[Reply | None] = []
        """Given to the first requests instead of the handler's answers; None lets one pass."""
        self.at_once = self.most_at_once = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None] | None] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in tuple(self._writers):
            writer.close()
        if tasks := {task for task in self._tasks if task is not None and not task.done()}:
            await asyncio.wait(tasks, timeout=30)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._tasks.add(asyncio.current_task())
        try:
            while (call := await _read(reader)) is not None:
                self.calls.append(call)
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                reply = await self._reply(call)
                self.at_once -= 1
                writer.write(_bytes_of(reply))
                await writer.drain()
                if reply.cut_after is not None:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _reply(self, call: Call) -> Reply:
        if self.first and (given := self.first.pop(0)) is not None:
            return given
        try:
            return await self.handler(call)
        except AssertionError as error:
            self.complaints.append(f"{call.method} {call.path}: {error!r}")
            return Reply.of({"error": {"message": "not as documented"}}, 400)


@contextmanager
def serving(handler: Handler) -> Iterator[HttpServer]:
    """A server in a thread of its own, for clients that are no part of this process."""
    server, is_up, loop = HttpServer(handler), threading.Event(), asyncio.new_event_loop()
    done = asyncio.Event()

    async def stay() -> None:
        async with server:
            is_up.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(stay(),))
    thread.start()
    try:
        assert is_up.wait(30)
        yield server
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(30)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _read(reader: asyncio.StreamReader) -> Call | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {}
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        assert name.lower() not in headers, f"{name} twice"
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    return Call(method, parts.path, query, headers, body)


def _bytes_of(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} Status", f"Content-Length: {len(reply.body)}"]
    if reply.content_type is not None:
        lines.append(f"Content-Type: {reply.content_type}")
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    body = reply.body if reply.cut_after is None else reply.body[: reply.cut_after]
    return "\r\n".join([*lines, "", ""]).encode() + body
