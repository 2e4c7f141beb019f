"""Answers are read in small portions, between what the sockets bring.

Reading an answer of 32 chunks takes some 0.1 ms, and of a long one many milliseconds in which no
piece that arrives gets its time. So finished answers wait in a line; each portion ends after
a fraction of a millisecond, and only where the line grows long do portions grow as well.
"""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Callable
from time import perf_counter_ns

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.endpoints.contract import Endpoint
from pytest_modelbench.errors import one_line
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.share import Work
from pytest_modelbench.wire.exchange import Exchange

_PORTION_NS = 300_000
_PAUSE_SECONDS = 0.001
_LONG_LINE = 256
"""Answers in line for which portions are twice as long, and so on."""
_COLLECT_NS = 1_000_000_000

Deliver = Callable[[int, Reply], None]


class Reading:
    """The line of answers that are still to be read, and who is given them then."""

    def __init__(self, work: Work, deliver: Deliver, fail: Callable[[BaseException], None]) -> None:
        """`fail` is told if `deliver` raises: the load ends then."""
        self._endpoint, self._samples = work.endpoint, work.samples
        self._deliver, self._fail = deliver, fail
        self._line: deque[tuple[int, Reply, Exchange | None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._collected_ns = perf_counter_ns()

    def take(self, number: int, reply: Reply, exchange: Exchange | None) -> None:
        self._line.append((number, reply, exchange))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._read_some)

    def finish(self) -> None:
        """Read all that is left."""
        self.stop()
        while self._line:
            self._read_one()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _read_some(self) -> None:
        self._timer = None
        now = perf_counter_ns()
        until = now + _PORTION_NS * (1 + len(self._line) // _LONG_LINE)
        try:
            while self._line and now < until:
                self._read_one()
                now = perf_counter_ns()
        except BaseException as error:
            self._fail(error)
            return
        if now - self._collected_ns > _COLLECT_NS:
            # Otherwise the collector is held off. What is new since is little, and what stays of
            # it is not looked at again.
            gc.collect(0)
            self._collected_ns = now
        if self._line:
            self._timer = asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._read_some)

    def _read_one(self) -> None:
        number, reply, exchange = self._line.popleft()
        if exchange is not None:
            read(self._endpoint, self._samples[reply.place][0], reply, exchange)
        self._deliver(number, reply)


def read(endpoint: Endpoint, sample: Sample, reply: Reply, exchange: Exchange) -> None:
    """Fill in what an answer says, or why it says nothing."""
    try:
        answer = endpoint.read(sample, exchange)
    except Exception as error:
        reply.error = one_line(error)
        return
    reply.answer = answer
    reply.asked_ns = answer.asked_ns or 0
    reply.token_ns = answer.token_ns
    reply.input_tokens, reply.output_tokens = answer.input_tokens, answer.output_tokens
    reply.counted_by = answer.counted_by
