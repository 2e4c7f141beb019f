"""Requests at their times, whether or not earlier ones are answered."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from time import perf_counter_ns

from pytest_modelbench.load.arrivals import Arrivals
from pytest_modelbench.load.asking import Asking, Begun
from pytest_modelbench.load.cancelling import cancel_all
from pytest_modelbench.load.loop_watch import LoopWatch
from pytest_modelbench.load.reply import Part
from pytest_modelbench.load.share import Work
from pytest_modelbench.load.timer import Alarm

Due = tuple[int, Part, int]
"""A request's number, its part and its intended time."""
_WAITS_TIMES = 2
"""What still has no place after so many times the `seconds` of the window is not sent. Beyond them
as long again lets a queue empty that chance has made, and bounds one that only grows."""


class OpenLoop:
    """Sends one process's share of the arrivals.

    With `concurrency` a request whose time has come may have to wait for an earlier one's end. Its
    latency counts from its time all the same. Where `seconds` bound the window it fails in the end.
    """

    def __init__(self, asking: Asking, arrivals: Arrivals, work: Work, watch: LoopWatch) -> None:
        share, self._spec = work.share, work.spec
        self._asking, self._arrivals, self._watch = asking, arrivals, watch
        limit, seconds = self._spec.concurrency, self._spec.seconds
        self._limit = None if limit is None else share.of(limit)
        self._waits_until_ns: int | None = None
        if seconds is not None and arrivals.measured:
            begin_ns = int(arrivals.offsets_ns[arrivals.before])
            self._waits_until_ns = begin_ns + int(_WAITS_TIMES * seconds * 1e9)
        numbers = range(len(arrivals.offsets_ns))
        own = [at for at in numbers if share.owns(at - arrivals.before)]
        self._at = deque(own)
        self._offsets = deque(arrivals.offsets_ns[own].tolist())
        self._waiting: deque[Due] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun: set[Begun] = set()
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
    def under_way(self) -> int:
        return len(self._tasks) + len(self._begun)

    async def cancel(self) -> None:
        """Give up what is not answered."""
        self._waiting.clear()
        for begun in tuple(self._begun):  # only coroutines can be cancelled
            self._go_on(begun)
        await cancel_all(self._tasks)

    def _send_due(self) -> None:
        now = perf_counter_ns() - self._start_ns
        offsets = self._offsets
        while offsets and offsets[0] <= now:
            offset, at = offsets.popleft(), self._at.popleft()
            due = (at - self._arrivals.before, self._arrivals.part(at), self._start_ns + offset)
            if self._limit is not None and self.under_way >= self._limit:
                self._waiting.append(due)
            else:
                self._send(due, due[2])
        if offsets:
            self._alarm.set(self._start_ns + offsets[0])
        elif not self._waiting:
            self._have_sent_all()
        elif self._waits_until_ns is not None:
            if now < self._waits_until_ns:
                self._alarm.set(self._start_ns + self._waits_until_ns)
            else:
                self._fail_waiting()

    def _fail_waiting(self) -> None:
        why = (
            f"was not sent: no place of 'concurrency' ({self._spec.concurrency}) was free for it "
            f"within twice 'seconds' ({self._spec.seconds:g}): give more 'concurrency' or a lower "
            "'rate'"
        )
        while self._waiting:
            self._asking.fail(*self._waiting.popleft(), why)
        self._have_sent_all()

    def _send(self, due: Due, due_ns: int) -> None:
        number, part, intended_ns = due
        if number >= 0:
            self._watch.measured()
        begun = self._asking.begin(number, part, intended_ns, due_ns)
        if begun.done is None:
            self._go_on(begun)
        else:
            self._begun.add(begun)
            begun.done.add_done_callback(partial(self._is_done, begun))

    def _is_done(self, begun: Begun, _: asyncio.Future[None]) -> None:
        if begun not in self._begun:  # a coroutine has taken over
            return
        try:
            if not self._asking.end(begun):
                self._go_on(begun)
                return
        except Exception as error:
            self._break(error)
        self._begun.discard(begun)
        self._has_ended()

    def _go_on(self, begun: Begun) -> None:
        self._begun.discard(begun)
        self._tasks.add(self._loop.create_task(self._to_the_end(begun)))

    async def _to_the_end(self, begun: Begun) -> None:
        try:
            await self._asking.go_on(begun)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._break(error)
            raise
        finally:
            self._tasks.discard(asyncio.current_task())
            self._has_ended()

    def _has_ended(self) -> None:
        """One that waits may be sent now."""
        if self._waiting:
            self._send(self._waiting.popleft(), perf_counter_ns())
            if not self._waiting and not self._offsets:
                self._have_sent_all()

    def _break(self, error: BaseException) -> None:
        if not self._sent_all.done():
            self._sent_all.set_exception(error)

    def _have_sent_all(self) -> None:
        self._watch.sent_all()
        if not self._sent_all.done():
            self._sent_all.set_result(None)
