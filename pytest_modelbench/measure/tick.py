"""A word now and then about how far a long series of calls has come, between two of them."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns

INTERVAL_NS = 500_000_000
Tick = Callable[[int], None]
"""Told after each call how many of the batches have been called."""


def no_tick(called: int) -> None:
    """Nobody looks on."""


class Ticker:
    """Tells twice a second: the word takes some microseconds, which are in no timed call."""

    def __init__(self, tell: Tick, interval_ns: int = INTERVAL_NS) -> None:
        self._tell = tell
        self._interval_ns = interval_ns
        self._next_ns = perf_counter_ns() + interval_ns

    def __call__(self, called: int) -> None:
        now = perf_counter_ns()
        if now >= self._next_ns:
            self._next_ns = now + self._interval_ns
            self._tell(called)
