"""The bare side of `load_client.py`: what any client on this event loop is held against.

Protocols that take the time when bytes arrive and count the events in them: no HTTP parser, no
retries, no limits, nothing read. It knows the answers of `true_server.c` by heart.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
from array import array
from time import perf_counter_ns
from typing import Any

import numpy as np

from pytest_modelbench.load.arrivals import arrivals
from pytest_modelbench.load.sender import soon_ns
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.load.timer import Alarm

TOKEN, LAST = b'"content":"word', b"0\r\n\r\n"


class Connection(asyncio.Protocol):
    """One request at a time; gives itself back when its answer has ended."""

    def __init__(self, free: list[Connection]) -> None:
        self._free = free
        self.token_ns = array("q")

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def ask(self, request: bytes, token_ns: array[int]) -> None:
        self.token_ns = token_ns
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        now = perf_counter_ns()
        for _ in range(data.count(TOKEN)):
            self.token_ns.append(now)
        if data.endswith(LAST):
            self._free.append(self)


class Load:
    def __init__(self, given: dict[str, Any]) -> None:
        self._port = given["port"]
        body = {"model": "true", "stream": True, "max_tokens": given["tokens"]}
        text = json.dumps(body).encode()
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: "
        self._request = f"{head}{len(text)}\r\n\r\n".encode() + text
        spec = LoadSpec(
            rate=given["rate"],
            arrival=given["arrival"],
            requests=given["requests"],
            warmup_requests=given["warmup"],
            seed=given["seed"],
        )
        self._offsets = arrivals(spec, given["rate"], 0).offsets_ns.tolist()
        self._tokens = given["tokens"]
        self.times = [array("q") for _ in self._offsets]
        self._free: list[Connection] = []
        self._next = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> float:
        """The share of a core while requests were sent."""
        self._loop = asyncio.get_running_loop()
        self._sent_all = self._loop.create_future()
        self._alarm = Alarm(self._loop, self._send_due)
        gc.collect()
        gc.freeze()
        gc.disable()
        self.start_ns = soon_ns()
        self._alarm.set(self.start_ns)
        began = time.perf_counter(), time.thread_time()
        await self._sent_all
        busy = (time.thread_time() - began[1]) / (time.perf_counter() - began[0])
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and any(len(one) < self._tokens for one in self.times):
            await asyncio.sleep(0.05)
        self._alarm.close()
        return busy

    def _send_due(self) -> None:
        now, offsets = perf_counter_ns() - self.start_ns, self._offsets
        while self._next < len(offsets) and offsets[self._next] <= now:
            token_ns = self.times[self._next]
            if self._free:
                self._free.pop().ask(self._request, token_ns)
            else:
                self._tasks.add(self._loop.create_task(self._connect(token_ns)))
            self._next += 1
        if self._next < len(offsets):
            self._alarm.set(self.start_ns + offsets[self._next])
        elif not self._sent_all.done():
            self._sent_all.set_result(None)

    async def _connect(self, token_ns: array[int]) -> None:
        made = lambda: Connection(self._free)  # noqa: E731
        _, connection = await self._loop.create_connection(made, "127.0.0.1", self._port)
        connection.ask(self._request, token_ns)

    def figures(self, warmup: int) -> dict[str, Any]:
        measured = zip(self.times[warmup:], self._offsets[warmup:], strict=True)
        ttft = [times[0] - self.start_ns - offset for times, offset in measured if times]
        gaps = np.concatenate([np.diff(times) for times in self.times[warmup:] if times])
        return {
            "ttft_ms": [np.mean(ttft) / 1e6, np.percentile(ttft, 99) / 1e6],
            "itl_ms": [np.mean(gaps) / 1e6, np.percentile(gaps, 99) / 1e6],
            "answered": sum(len(one) == self._tokens for one in self.times[warmup:]),
        }


def main() -> None:
    given = json.loads(sys.argv[1])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        from uvloop import new_event_loop
    except ImportError:
        from asyncio import new_event_loop
    load = Load(given)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        busy = runner.run(load.run())
    print(json.dumps({**load.figures(given["warmup"]), "busy": [busy], "client_limits": []}))
