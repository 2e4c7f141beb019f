"""Turns on this machine: many may work at once, but who times something is alone.

Where the processor is timed, loading a model or scoring answers beside it would disturb it as much
as another measurement. So the host has a lock that busy processes share and that a timing one holds
alone. Accelerators have a lock each, held for as long as a model is resident.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Literal

from pytest_modelbench.execution.locks import DeviceLock, SharedLock, default_folder
from pytest_modelbench.execution.physical_devices import (
    is_processor,
    physical_devices,
    uses_processor,
)

LockMode = Literal["host", "device", "none"]
WAITING, HOLDING = b"waiting", b"holding"
"""Said before and after a wait for a turn, which is nobody's own time."""
TURN = "MODELBENCH_TURN"
"""The environment variable that processes find set which are started in somebody's turn."""


class Turns:
    """This process's part in taking turns with the other workers and sessions of its user."""

    def __init__(
        self,
        mode: LockMode = "host",
        tell: Callable[[bytes], None] = lambda word: None,
        folder: Path | None = None,
    ) -> None:
        """`tell` hears when waiting begins and ends."""
        # What is started in a turn is a part of it: it would wait for itself.
        self.mode: LockMode = "none" if TURN in os.environ else mode
        self.waited_seconds = 0.0
        self._tell = tell
        self._folder = folder or default_folder()
        is_host = self.mode == "host"
        self._host = SharedLock(self._folder / "host.lock") if is_host else None
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
            with marked():
                yield
        finally:
            self._busy = False
            self._host.release()

    @contextmanager
    def alone(self, device: str) -> Iterator[None]:
        """Time something on `device`; where that is the processor, nothing else is busy."""
        with self._alone_on_host() if uses_processor(device) else nullcontext(), marked():
            yield

    @contextmanager
    def _alone_on_host(self) -> Iterator[None]:
        if self._host is None:
            yield
            return
        with self._standing_aside():
            self._wait(self._host.take)
            try:
                yield
            finally:
                self._host.release()

    @contextmanager
    def _standing_aside(self) -> Iterator[None]:
        """Not be busy meanwhile: who waits for something else must not keep others from it."""
        was_busy, self._busy = self._busy, False
        if self._host is not None and was_busy:
            self._host.release()
        yield
        # Not after an exception, such as an interrupt, which must not wait for others.
        if self._host is not None and was_busy:
            self._wait(self._host.share)
            self._busy = True

    def residence(self, *devices: str) -> DeviceLock:
        """Take the accelerators that models will lie on, until the lock is released.

        With mode `device`, the processor counts as one of them.
        """
        wanted = {name for device in devices for name in physical_devices(device)}
        names = [] if self.mode == "none" else sorted(wanted)
        if self.mode == "host":
            names = [name for name in names if not is_processor(name)]
        lock = DeviceLock(names, self._folder)
        if not lock.acquire(False):
            with self._standing_aside():
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


@contextmanager
def marked() -> Iterator[None]:
    """Let what is started meanwhile know that it is a part of this turn."""
    before = os.environ.get(TURN)
    os.environ[TURN] = str(os.getpid())
    try:
        yield
    finally:
        os.environ.pop(TURN, None)  # a timed call may have emptied the environment
        if before is not None:
            os.environ[TURN] = before


def lock_mode_from(text: str) -> LockMode | None:
    """The mode called so; None for any other word."""
    modes: dict[str, LockMode] = {"host": "host", "device": "device", "none": "none"}
    return modes.get(text.strip().lower())
