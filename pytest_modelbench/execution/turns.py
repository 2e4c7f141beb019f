"""Turns on this machine: many may work at once, but who times something is alone.

Where the processor is timed, loading a model or scoring answers beside it would disturb it as much
as another measurement. So the host has a lock that busy processes share and that a timing one holds
alone. Accelerators have a lock each, held for as long as a model is resident.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pytest_modelbench.execution.locks import (
    DeviceLock,
    SharedLock,
    default_folder,
    physical_devices,
)

LockMode = Literal["host", "device", "none"]
WAITING, HOLDING = b"waiting", b"holding"
"""Said before and after a wait for a turn, which is nobody's own time."""
ALONE = "MODELBENCH_ALONE"
"""The environment variable that processes started by a timed call find set."""


class Turns:
    """This process's part in taking turns with the other workers and sessions of its user."""

    def __init__(
        self,
        mode: LockMode = "host",
        tell: Callable[[bytes], None] = lambda word: None,
        folder: Path | None = None,
    ) -> None:
        """`tell` hears when waiting begins and ends."""
        self.mode = mode
        self.waited_seconds = 0.0
        self._tell = tell
        self._folder = folder or default_folder()
        # A session that a timed call starts is a part of that call: it would wait for itself.
        is_own_turn = ALONE in os.environ
        locks_host = mode == "host" and not is_own_turn
        self._host = SharedLock(self._folder / "host.lock") if locks_host else None
        self._busy = False

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Work that others may do at the same time, but nobody beside a timed call."""
        if self._host is None or self._busy:
            yield
            return
        self._wait(self._host.share)
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
            self._host.release()

    @contextmanager
    def alone(self, device: str) -> Iterator[None]:
        """Time something on `device`; where that is the processor, nothing else is busy."""
        if self._host is None or not uses_processor(device):
            yield
            return
        was_busy, self._busy = self._busy, False
        if was_busy:
            self._host.release()
        try:
            self._wait(self._host.take)
            os.environ[ALONE] = str(os.getpid())
            try:
                yield
            finally:
                del os.environ[ALONE]
                self._host.release()
        finally:
            if was_busy:
                self._wait(self._host.share)
                self._busy = True

    def residence(self, device: str) -> DeviceLock:
        """Take the accelerators a model will lie on, until the lock is released.

        With `device`, the processor counts as one of them.
        """
        names = [] if self.mode == "none" else physical_devices(device)
        if self.mode == "host":
            names = [name for name in names if not is_processor(name)]
        lock = DeviceLock(names, self._folder)
        self._wait(lock.acquire)
        return lock

    def _wait(self, acquire: Callable[[bool], bool]) -> None:
        """`acquire(False)` tries; only if somebody else is there is it worth a word."""
        if acquire(False):
            return
        start = time.perf_counter()
        self._tell(WAITING)
        acquire(True)
        self._tell(HOLDING)
        self.waited_seconds += time.perf_counter() - start


def is_processor(name: str) -> bool:
    return name.upper() == "CPU"


def uses_processor(device: str) -> bool:
    """Whether what is timed on `device` runs on the processor.

    >>> uses_processor("CPU"), uses_processor("HETERO:GPU,CPU"), uses_processor("cuda:0")
    (True, True, False)
    """
    return any(is_processor(name) for name in physical_devices(device))


def lock_mode_from(text: str) -> LockMode | None:
    """The mode called so; None for any other word."""
    modes: dict[str, LockMode] = {"host": "host", "device": "device", "none": "none"}
    return modes.get(text.strip().lower())


def processors_allowed() -> int:
    """Processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
