"""An endpoint for `truth_server.py`, in a module of its own: worker processes import it."""

from __future__ import annotations

import json
import os
import signal
import time
from array import array
from typing import Any

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.endpoints.contract import Answer, Endpoint, EndpointError, Send
from pytest_modelbench.wire.exchange import Exchange
from pytest_modelbench.wire.request import Request


class TruthEndpoint(Endpoint):
    """Asks for a stream, or not."""

    def __init__(self, port: int, streams: bool = True) -> None:
        self._url = f"http://127.0.0.1:{port}/v1/chat/completions"
        self._body = json.dumps({"stream": streams}).encode()

    def prepare(self, sample: Sample) -> Request:
        return Request("POST", self._url, {"x-request-id": sample.id}, self._body)

    def read(self, sample: Sample, exchange: Exchange) -> Answer:
        if (exchange.header("content-type") or "").startswith("application/json"):
            return Answer(sample.id, input_tokens=2, output_tokens=3, counted_by="usage")
        said: list[str] = []
        token_ns = array("q")
        for piece, at in zip(exchange.pieces, exchange.piece_ns, strict=True):
            for line in piece.decode().splitlines():
                if line and "token" in (event := json.loads(line.removeprefix("data: "))):
                    said.append(event["token"])
                    token_ns.append(at)
        return Answer(sample.id, token_ns, 2, len(said), "usage")


class Asks(TruthEndpoint):
    """Counts how often it takes its coroutine; with `is_short` only where the plain calls do not
    do."""

    def __init__(self, port: int, is_short: bool) -> None:
        super().__init__(port)
        self._is_short, self.asked = is_short, 0

    def only_request(self, prepared: Any) -> Request | None:
        return prepared if self._is_short else None

    async def ask(self, prepared: Any, send: Send) -> Exchange:
        self.asked += 1
        return await send(prepared)


class SaysWho(TruthEndpoint):
    """Answers with the process that asked."""

    def read(self, sample: Sample, exchange: Exchange) -> Answer:
        super().read(sample, exchange)
        return Answer(str(os.getpid()))


class DiesAt(TruthEndpoint):
    """Kills the worker process that is to ask one of the samples."""

    def __init__(self, port: int, fatal: str, not_in: int) -> None:
        super().__init__(port)
        self._fatal, self._not_in = fatal, not_in

    def prepare(self, sample: Sample) -> tuple[str, Request]:
        return sample.id, super().prepare(sample)

    async def ask(self, prepared: Any, send: Send) -> Exchange:
        name, request = prepared
        if name == self._fatal and os.getpid() != self._not_in:
            os.kill(os.getpid(), signal.SIGKILL)
        return await send(request)


class Blocks(TruthEndpoint):
    """Keeps the event loop for a while, once in a while."""

    def __init__(self, port: int, every: int, seconds: float) -> None:
        super().__init__(port)
        self._every, self._seconds, self._asked = every, seconds, 0

    async def ask(self, prepared: Any, send: Send) -> Exchange:
        self._asked += 1
        if self._asked % self._every == 0:
            time.sleep(self._seconds)
        return await send(prepared)


class BlocksOnce(Blocks):
    """Keeps the event loop a single time."""

    async def ask(self, prepared: Any, send: Send) -> Exchange:
        exchange = await super().ask(prepared, send)
        if self._asked >= self._every:
            self._seconds = 0.0
        return exchange


class NotUnderstood(TruthEndpoint):
    """Finds no sense in some answers."""

    def read(self, sample: Sample, exchange: Exchange) -> Answer:
        if sample.id == "1":
            raise EndpointError("the answer makes no sense")
        if sample.id == "2":
            raise KeyError("a fault of this code")
        return super().read(sample, exchange)


class NotPicklable(TruthEndpoint):
    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.function = lambda: None
