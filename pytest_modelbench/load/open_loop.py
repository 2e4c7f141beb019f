"""Requests at their times, whether or not earlier ones are answered."""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter_ns

from pytest_modelbench.load.arrivals import Arrivals
from pytest_modelbench.load.asking import Asking
from pytest_modelbench.load.loop_watch import LoopWatch
from pytest_modelbench.load.reply import Part
from pytest_modelbench.load.share import Share
from pytest_modelbench.load.timer import Alarm

Due = tuple[int, Part, int]
"""A request's number, its part and its intended time."""


class OpenLoop:
    """Sends one process's share of the arrivals.

    With `concurrency` a request whose time has come may have to wait for an earlier one's end. Its
    latency counts from its time all the same.
    """

    def __init__(
        self,
        asking: Asking,
        arrivals: Arrivals,
        share: Share,
        concurrency: int | None,
        watch: LoopWatch,
    ) -> None:
        self._asking, self._arrivals, self._watch = asking, arrivals, watch
        self._limit = concurrency
        numbers = range(len(arrivals.offsets_ns))
        own = [at for at in numbers if share.owns(at - arrivals.before)]
        self._at = deque(own)
        self._offsets = deque(arrivals.offsets_ns[own].tolist())
        self._waiting: deque[Due] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._start_ns = 0
        self.planned = len(own)

    async def run(self, start_ns: int) -> None:
        """Until the last request is sent; `under_way` says what is not answered by then."""
        self._start_ns = start_ns
        loop = asyncio.get_running_loop()
        self._loop, self._sent_all = loop, loop.create_future()
        self._alarm = Alarm(loop, self._send_due)
        try:
            self._send_due()
            await self._sent_all
        finally:
            self._alarm.close()

    @property
    def under_way(self) -> set[asyncio.Task[None]]:
        return self._tasks

    def _send_due(self) -> None:
        now = perf_counter_ns() - self._start_ns
        offsets = self._offsets
        while offsets and offsets[0] <= now:
            offset, at = offsets.popleft(), self._at.popleft()
            due = (at - self._arrivals.before, self._arrivals.part(at), self._start_ns + offset)
            if self._limit is not None and len(self._tasks) >= self._limit:
                self._waiting.append(due)
            else:
                self._send(due, due[2])
        if offsets:
            self._alarm.set(self._start_ns + offsets[0])
        elif not self._waiting:
            self._have_sent_all()

    def _send(self, due: Due, due_ns: int) -> None:
        number, part, intended_ns = due
        if number >= 0:
            self._watch.measured()
        task = self._loop.create_task(self._ask(number, part, intended_ns, due_ns))
        self._tasks.add(task)

    async def _ask(self, number: int, part: Part, intended_ns: int, due_ns: int) -> None:
        try:
            await self._asking.ask(number, part, intended_ns, due_ns)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if not self._sent_all.done():
                self._sent_all.set_exception(error)
            raise
        finally:
            self._tasks.discard(asyncio.current_task())
            if self._waiting:
                self._send(self._waiting.popleft(), perf_counter_ns())
                if not self._waiting and not self._offsets:
                    self._have_sent_all()

    def _have_sent_all(self) -> None:
        self._watch.sent_all()
        if not self._sent_all.done():
            self._sent_all.set_result(None)
