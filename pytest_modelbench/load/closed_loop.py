"""So many requests under way at all times."""

from __future__ import annotations

import asyncio
from time import perf_counter_ns

from pytest_modelbench.load.asking import Asking
from pytest_modelbench.load.cancelling import cancel_all
from pytest_modelbench.load.loop_watch import LoopWatch
from pytest_modelbench.load.reply import Part
from pytest_modelbench.load.share import Work

_FIRST_REST_SECONDS, _LONGEST_REST_SECONDS = 0.01, 1.0
_QUICK_NS = 100_000_000


class ClosedLoop:
    """Places that each ask the next sample as soon as the one before is answered.

    A request's intended time is when its place was free.
    """

    def __init__(self, asking: Asking, work: Work, concurrency: int, watch: LoopWatch) -> None:
        share, spec = work.share, work.spec
        self._asking, self._watch, self._share = asking, watch, share
        self._ramp_ns = int(spec.ramp_seconds * 1e9)
        self._seconds_ns = None if spec.seconds is None else int(spec.seconds * 1e9)
        self._warmup_left = share.of(spec.warmup_requests)
        self.planned = None if work.measured is None else share.of(work.measured)
        self._places = [at for at in range(concurrency) if share.owns(at)]
        self._all_places = concurrency
        self._before, self._measured, self._measured_since_ns = 0, 0, 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, start_ns: int) -> None:
        """Until the last request is sent; `under_way` says what is not answered by then."""
        self._start_ns = start_ns
        loop = asyncio.get_running_loop()
        self._sent_all: asyncio.Future[None] = loop.create_future()
        self._tasks = {loop.create_task(self._place(at)) for at in self._places}
        for task in self._tasks:
            task.add_done_callback(self._ended)
        await self._sent_all

    @property
    def under_way(self) -> int:
        return len(self._tasks)

    async def cancel(self) -> None:
        """Give up what is not answered."""
        await cancel_all(self._tasks)

    async def _place(self, place: int) -> None:
        begin_ns = self._start_ns + self._ramp_ns * place // self._all_places
        while (left := begin_ns - perf_counter_ns()) > 0:  # uvloop's timers may ring early
            await asyncio.sleep(left / 1e9)
        rest = 0.0
        while True:
            free_ns = perf_counter_ns()
            following = self._following(free_ns)
            if following is None:
                return
            reply = await self._asking.ask(*following, free_ns, free_ns)
            if not reply.error or reply.ended_ns - free_ns > _QUICK_NS:
                rest = 0.0
            else:
                # What refuses everything at once would be asked thousands of times a second.
                await asyncio.sleep(rest)
                rest = min(2 * rest or _FIRST_REST_SECONDS, _LONGEST_REST_SECONDS)

    def _following(self, now_ns: int) -> tuple[int, Part] | None:
        """The next request's number and part; None where there is none."""
        if now_ns < self._start_ns + self._ramp_ns:
            return self._number_before(), "ramp"
        if self._warmup_left > 0:
            self._warmup_left -= 1
            return self._number_before(), "warmup"
        if not self._measured:
            self._measured_since_ns = now_ns
            self._watch.measured()
        is_over = self._measured == self.planned or (
            self._seconds_ns is not None and now_ns - self._measured_since_ns >= self._seconds_ns
        )
        if is_over:
            self._have_sent_all()
            return None
        self._measured += 1
        return self._share.number(self._measured - 1), "measured"

    def _number_before(self) -> int:
        self._before += 1
        return self._share.number(-self._before)

    def _have_sent_all(self) -> None:
        self._watch.sent_all()
        if not self._sent_all.done():
            self._sent_all.set_result(None)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None and not self._sent_all.done():
            self._sent_all.set_exception(task.exception())  # type: ignore[arg-type]
