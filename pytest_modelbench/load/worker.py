"""A process that sends its share: `python -m pytest_modelbench.load.worker DESCRIPTOR PARENT`.

It is told over a socket what to do and when to begin, and gives what came of each request in
batches. It ends when the other end closes.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from pytest_modelbench.errors import one_line
from pytest_modelbench.execution.descendants import die_with
from pytest_modelbench.load.frames import Frames, frame
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.sender import Counts, send_share

_BATCH_SECONDS = 0.1
_READ_AT_ONCE = 1 << 20


class Batches:
    """What came of requests, on its way to the process that wants it.

    Each reply is pickled by itself as it is read, and a batch only put together: to pickle hundreds
    at once would take milliseconds in which nothing gets its time.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._pickled: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._how_far: Callable[[], Counts] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def open(self, loop: asyncio.AbstractEventLoop, how_far: Callable[[], Counts]) -> None:
        self._loop, self._how_far = loop, how_far
        self._opening = loop.create_task(self._open())

    def deliver(self, number: int, reply: Reply) -> None:
        """Never raises for what cannot be pickled: that request has failed then."""
        try:
            pickled = pickle.dumps((number, reply), protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            reply.answer = None
            reply.error = f"the answer cannot leave the process that asked: {one_line(error)}"
            pickled = pickle.dumps((number, reply), protocol=pickle.HIGHEST_PROTOCOL)
        self._pickled.append(pickled)

    def rest(self) -> bytes:
        """What has not been handed to the loop, as a message."""
        pickled, self._pickled = self._pickled, []
        return frame("replies", (pickled, self._how_far() if self._how_far else None))

    async def _open(self) -> None:
        transport, _ = await self._loop.create_connection(
            lambda: _UntilClosed(self._loop), sock=self._channel.dup()
        )
        self._transport = transport
        self._flush()

    def _flush(self) -> None:
        assert self._transport is not None
        self._transport.write(self.rest())
        self._timer = self._loop.call_later(_BATCH_SECONDS, self._flush)

    async def close(self) -> None:
        """All that was handed over is written."""
        await self._opening
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.set_write_buffer_limits(0)
            while self._transport.get_write_buffer_size():
                await asyncio.sleep(0.001)
            self._transport.abort()


class _UntilClosed(asyncio.Protocol):
    """The calling process says nothing more; if it ends, so does this one, at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def eof_received(self) -> None:
        os._exit(1)


def main() -> None:
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    die_with(parent)
    # Ctrl-C reaches the whole group; who has begun the load ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = socket.socket(fileno=descriptor)
    channel.set_inheritable(False)
    try:
        _work(channel)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(1)  # nobody is there any more
    except Exception as error:
        channel.sendall(frame("failed", one_line(error)))


def _work(channel: socket.socket) -> None:
    messages = _messages(channel)
    work, factory = _expect(messages, "work")
    batches = Batches(channel)

    def start() -> int:
        channel.setblocking(True)
        channel.sendall(frame("ready"))
        start_ns: int = _expect(messages, "go")
        channel.setblocking(False)
        return start_ns

    health = send_share(
        work, batches.deliver, factory, start, prepare=batches.open, finish=batches.close
    )
    channel.setblocking(True)
    channel.sendall(batches.rest() + frame("done", health))


def _messages(channel: socket.socket) -> Any:
    frames = Frames()
    while data := channel.recv(_READ_AT_ONCE):
        yield from frames.add(data)


def _expect(messages: Any, kind: str) -> Any:
    for found, content in messages:
        if found == kind:
            return content
    os._exit(1)  # the other end has closed


if __name__ == "__main__":
    main()
