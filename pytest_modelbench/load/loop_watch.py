"""How the loop that sends fares while it does.

An alarm rings a hundred times a second. How long after its time it is heard is how long a piece of
an answer waits before it gets its time: the same loop waits for both.
"""

from __future__ import annotations

import asyncio
import time
from time import perf_counter_ns

from pytest_modelbench.load.health import LoopHealth
from pytest_modelbench.load.timer import Alarm

_EVERY_NS = 10_000_000


class LoopWatch:
    """From the first measured request on: delays until it is closed, the processor's time until
    the last request is sent. After that there is ever less to do."""

    def __init__(self, worker: int) -> None:
        self.health = LoopHealth(worker)
        self._began: tuple[int, int] | None = None
        self._due_ns = 0
        self._alarm = Alarm(asyncio.get_running_loop(), self._look)

    def measured(self) -> None:
        """The first measured request is sent; later calls are ignored."""
        if self._began is None:
            self._began = perf_counter_ns(), time.thread_time_ns()
            self._due_ns = self._began[0] + _EVERY_NS
            self._alarm.set(self._due_ns)

    def sent_all(self) -> None:
        """The last request is sent; later calls are ignored."""
        if self._began is not None and not self.health.wall_ns:
            self.health.wall_ns = perf_counter_ns() - self._began[0]
            self.health.processor_ns = time.thread_time_ns() - self._began[1]

    def close(self) -> None:
        self.sent_all()
        self._alarm.close()

    def _look(self) -> None:
        now = perf_counter_ns()
        # What stood still for long counts for as long as it did.
        while self._due_ns <= now:
            self.health.delays_ns.append(now - self._due_ns)
            self._due_ns += _EVERY_NS
        self._alarm.set(self._due_ns)
