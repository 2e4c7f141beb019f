"""Answers are read one at a time, between what the sockets bring, and later where that is much.

Reading an answer of 32 chunks takes some 0.1 ms, in which no piece that arrives gets its time. So
finished answers wait in a line, and of those one is read each time the loop has looked at all
sockets. While the thread that sends has little time left they are not read at all, as long as
there is room for them.
"""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Callable
from time import perf_counter_ns, thread_time_ns

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.endpoints.contract import Endpoint
from pytest_modelbench.errors import one_line
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.share import Work
from pytest_modelbench.wire.exchange import Exchange

MOST_PIECES = 1_000_000
"""Of answers in line, some 250 bytes each: where there are more, they are read however little time
there is."""
_BUSY_SHARE = 0.4
"""Of a core: half of what is left is then needed for what comes at uneven times."""
_LOOK_NS, _LATER_SECONDS = 50_000_000, 0.02
_MOST_OBJECTS = 250_000
"""New ones that may be there before the garbage collector looks at them, which takes some 10 ms.
Otherwise it is held off: what is done for a request leaves no cycles behind."""

Deliver = Callable[[int, Reply], None]


class Reading:
    """The line of answers that are still to be read, and who is given them then."""

    def __init__(self, work: Work, deliver: Deliver, fail: Callable[[BaseException], None]) -> None:
        """`fail` is told if `deliver` raises: the load ends then."""
        self._endpoint, self._samples = work.endpoint, work.samples
        self._deliver, self._fail = deliver, fail
        self._line: deque[tuple[int, Reply, Exchange | None]] = deque()
        self._next: asyncio.Handle | None = None
        self._pieces = 0
        self._load = ThreadLoad()

    def take(self, number: int, reply: Reply, exchange: Exchange | None) -> None:
        self._line.append((number, reply, exchange))
        if exchange is not None:
            self._pieces += len(exchange.pieces)
        if self._next is None:
            self._next = asyncio.get_running_loop().call_soon(self._read_some)

    def finish(self) -> None:
        """Read all that is left."""
        self.stop()
        while self._line:
            self._read_one()

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _read_some(self) -> None:
        loop = asyncio.get_running_loop()
        if self._pieces < MOST_PIECES and self._load.share() > _BUSY_SHARE:
            self._next = loop.call_later(_LATER_SECONDS, self._read_some)
            return
        self._next = None
        try:
            self._read_one()
            if self._pieces > MOST_PIECES:  # the line must not grow without end
                self._read_one()
        except BaseException as error:
            self._fail(error)
            return
        if gc.get_count()[0] > _MOST_OBJECTS:
            gc.collect(0)
        if self._line:
            self._next = loop.call_soon(self._read_some)

    def _read_one(self) -> None:
        number, reply, exchange = self._line.popleft()
        if exchange is not None:
            self._pieces -= len(exchange.pieces)
            read(self._endpoint, self._samples[reply.place][0], reply, exchange)
        self._deliver(number, reply)


class ThreadLoad:
    """How busy this thread is, looked at now and then."""

    def __init__(self) -> None:
        self._looked, self._share = (perf_counter_ns(), thread_time_ns()), 0.0

    def share(self) -> float:
        """Of a core, over the last tenth of a second or so."""
        now = perf_counter_ns()
        if now - self._looked[0] >= _LOOK_NS:
            used = thread_time_ns()
            self._share = (used - self._looked[1]) / (now - self._looked[0])
            self._looked = now, used
        return self._share


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
    reply.earlier_tokens, reply.counted_by = answer.earlier_tokens, answer.counted_by
