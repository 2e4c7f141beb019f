"""Ends a process that uses more memory than it may, with all that it started.

Run as `python -m pytest_modelbench.measure.memory_limit PID MEGABYTES`; its standard error is that
of the process it may end, so that the reason stands where one looks for it.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.measure.family import family_of
from pytest_modelbench.measure.family_watcher import SECONDS_PER_PROCESS, resident_bytes_of
from pytest_modelbench.measure.watching import Watcher, WatcherError, watch

PAUSE_SECONDS = 0.02
NEAR_PAUSE_SECONDS = 0.005
NEAR = 0.8
"""The part of the limit from which on it looks more often."""


class MemoryLimit:
    """A limit on this process, in force until `close`."""

    def __init__(self, megabytes: float) -> None:
        module = "pytest_modelbench.measure.memory_limit"
        self._watcher = Watcher(module, str(os.getpid()), repr(megabytes), pass_errors=True)
        try:
            self._watcher.start()
        except WatcherError as error:
            self._watcher.close()
            raise ModelbenchError(
                f"measure.memory_limit_mb = {megabytes:g} cannot be watched here: {error}"
            ) from None

    def close(self) -> None:
        self._watcher.close()


def limit_memory(megabytes: float) -> MemoryLimit:
    """Have this process killed when it and what it started use more than 10^6 bytes times that.

    Resident memory is looked at every 20 ms, every 5 ms near the limit, so a short peak may pass.
    Raises `ModelbenchError` when nothing can watch.
    """
    return MemoryLimit(megabytes)


class LimitWatch:
    """The watching side."""

    def __init__(self, pid: int, megabytes: float) -> None:
        self._pid = pid
        self._megabytes = megabytes
        self._family = family_of(pid)

    def look(self) -> float:
        sight = self._family.look()
        used = (resident_bytes_of(self._pid) + sight.now) / 1e6
        if used > self._megabytes:
            self._end(used)
        pause = NEAR_PAUSE_SECONDS if used > NEAR * self._megabytes else PAUSE_SECONDS
        return max(pause, sight.alive * SECONDS_PER_PROCESS)

    def _end(self, used: float) -> None:
        if os.getppid() != self._pid:  # it has ended, and its number may be another's
            return
        words = (
            f"used {math.ceil(used)} MB, more than measure.memory_limit_mb = {self._megabytes:g}"
        )
        with suppress(OSError):
            os.write(2, f"{words}: its process was ended\n".encode())
        # It must not be heard on the loss of a child, and this process may not outlive its end.
        signals = [(pid, signal.SIGKILL) for pid in self._family.pids()]
        for pid, number in ((self._pid, signal.SIGSTOP), *signals, (self._pid, signal.SIGKILL)):
            with suppress(OSError):
                os.kill(pid, number)

    def report(self) -> Mapping[str, Any]:
        return {}

    def reset(self) -> None: ...


if __name__ == "__main__":
    limit = LimitWatch(int(sys.argv[1]), float(sys.argv[2]))
    watch(limit.look, limit.report, limit.reset)
