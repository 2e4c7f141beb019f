"""Waking at a time, to some microseconds.

The timers of an event loop are too coarse for sending 2,000 requests a second: uvloop rounds them
to milliseconds, and so does what asyncio waits with. Linux has a timer that is a file, for which
a loop can wait as for any other.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter_ns

_CLOCK_MONOTONIC, _ABSOLUTE = 1, 1
_FLAGS = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)


class _Moment(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Setting(ctypes.Structure):
    _fields_ = [("interval", _Moment), ("value", _Moment)]


class Alarm:
    """Calls `ring` at the time that was set last; by `perf_counter_ns`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop, self._ring = loop, ring
        self._handle: asyncio.TimerHandle | None = None
        self._setting = _Setting()
        self._file = -1
        # Where Linux has it, `perf_counter_ns` reads the same clock.
        if sys.platform == "linux":
            self._library = ctypes.CDLL(None, use_errno=True)
            self._file = self._library.timerfd_create(_CLOCK_MONOTONIC, _FLAGS)
        if self._file >= 0:
            loop.add_reader(self._file, self._rang)

    def set(self, at_ns: int) -> None:
        """Ring at that time, or at once where it has passed; an earlier setting is forgotten."""
        if self._file < 0:
            self._set_timer(at_ns)
            return
        value = self._setting.value
        # Zero would switch the timer off.
        value.seconds, value.nanoseconds = divmod(max(1, at_ns), 1_000_000_000)
        self._library.timerfd_settime(self._file, _ABSOLUTE, ctypes.byref(self._setting), None)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    def _rang(self) -> None:
        with suppress(BlockingIOError):  # it was set anew after it had rung
            os.read(self._file, 8)
            self._ring()

    def _set_timer(self, at_ns: int) -> None:
        if self._handle is not None:
            self._handle.cancel()
        seconds = max(0, at_ns - perf_counter_ns()) / 1e9
        self._handle = self._loop.call_later(seconds, self._ring)
