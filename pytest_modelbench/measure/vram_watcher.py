"""The process that watches a GPU's memory through NVML.

Run as `python -m pytest_modelbench.measure.vram_watcher PID DEVICE INTERVAL_MS`; see `watching.py`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import Unavailable
from pytest_modelbench.measure.nvml import device_handle, error_text, open_nvml
from pytest_modelbench.measure.watching import watch

SHORTEST_PAUSE_SECONDS = 0.001
# The kernel numbers the first of all namespaces of process ids so (include/linux/proc_ns.h).
_FIRST_PID_NAMESPACE = "pid:[4026531836]"


class Highest:
    """The first and the highest of several numbers of bytes."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.highest: int | None = None

    def add(self, value: int) -> None:
        self.first = value if self.first is None else self.first
        self.highest = max(value, self.highest or 0)


class VramWatch:
    """What NVML says of one device and of one process with its descendants, look after look."""

    def __init__(self, pid: int, device: str, interval_seconds: float) -> None:
        self._pid = pid
        self._interval = interval_seconds
        self._container = in_own_pid_namespace()
        self._unavailable = ""
        self._kind = ""
        try:
            self._nvml = open_nvml()
            self._handle = device_handle(self._nvml, device)
            self._use_memory_v2 = self._has_memory_v2()
        except Unavailable as reason:
            self._unavailable = str(reason)
        self.reset()

    def reset(self) -> None:
        self._device, self._process = Highest(), Highest()
        self._device_reason = self._process_reason = ""
        self._family: dict[int, bool] = {}
        self._first_look = self._last_look = 0.0
        self._looks = 0

    def look(self) -> float:
        """Look once; gives the seconds until the next look is due."""
        if self._unavailable:
            return self._interval
        begin = time.monotonic()
        self._first_look = self._first_look or begin
        self._last_look = begin
        self._looks += 1
        self._look_at_device()
        self._look_at_process()
        spent = time.monotonic() - begin
        return max(SHORTEST_PAUSE_SECONDS, self._interval - spent)

    def report(self) -> dict[str, Any]:
        """Bytes, or None and the reason; `interval_ms` is the mean time between looks."""
        seconds = self._last_look - self._first_look
        return {
            "unavailable": self._unavailable,
            "interval_ms": round(seconds / max(1, self._looks - 1) * 1e3, 3),
            "memory_info": self._kind,
            "device": {
                "baseline": self._device.first,
                "peak": self._device.highest,
                "reason": self._device_reason,
            },
            "process": {
                "baseline": self._process.first,
                "peak": self._process.highest,
                "reason": self._process_reason,
            },
        }

    def _has_memory_v2(self) -> bool:
        """Version 2 tells what the driver reserves from what is in use."""
        try:
            self._nvml.nvmlDeviceGetMemoryInfo(self._handle, self._nvml.nvmlMemory_v2)
        except self._nvml.NVMLError:
            self._kind = "in use, with what the driver reserves"
            return False
        self._kind = "in use, without what the driver reserves"
        return True

    def _look_at_device(self) -> None:
        version = self._nvml.nvmlMemory_v2 if self._use_memory_v2 else None
        try:
            info = self._nvml.nvmlDeviceGetMemoryInfo(self._handle, version)
        except self._nvml.NVMLError as error:
            self._device_reason = (
                f"NVML does not say how much memory of the device is in use: {error_text(error)}"
            )
            return
        self._device.add(int(info.used))

    def _look_at_process(self) -> None:
        try:
            # One that draws and computes is in both lists; what the second says of it counts.
            processes = [
                *self._nvml.nvmlDeviceGetGraphicsRunningProcesses(self._handle),
                *self._nvml.nvmlDeviceGetComputeRunningProcesses(self._handle),
            ]
        except self._nvml.NVMLError as error:
            self._process_reason = (
                f"NVML does not say which processes use the device: {error_text(error)}"
            )
            return
        used = self._attributed({process.pid: process.usedGpuMemory for process in processes})
        if used is not None:
            self._process.add(used)

    def _attributed(self, used: dict[int, int | None]) -> int | None:
        """Bytes of the watched process and its descendants; None when NVML cannot say."""
        if self._container and any(not _exists(pid) for pid in used):
            self._process_reason = (
                "NVML numbers processes as the host does, and this is a container with numbers of "
                "its own: run it with the host's (--pid=host)"
            )
            return None
        own = [used[pid] for pid in used if self._is_family(pid)]
        known = [amount for amount in own if amount is not None]
        if len(known) < len(own):
            self._process_reason = (
                "NVML does not say how much memory a process uses here (WSL, MIG and some "
                "containers keep it back)"
            )
            return None
        return sum(known)

    def _is_family(self, pid: int) -> bool:
        if pid not in self._family:
            self._family[pid] = self._pid in ancestry(pid)
        return self._family[pid]


def ancestry(pid: int, proc: Path = Path("/proc")) -> Iterable[int]:
    """`pid`, its parent, its parent's parent, as far as they can be seen."""
    while pid > 0:
        yield pid
        try:
            # The name of a process, in parentheses, may hold anything.
            fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
            pid = int(fields[1])
        except (OSError, IndexError, ValueError):
            return


def in_own_pid_namespace(link: Path = Path("/proc/self/ns/pid")) -> bool:
    """Whether process ids here are not the host's; False where the system does not say."""
    try:
        return str(link.readlink()) != _FIRST_PID_NAMESPACE
    except OSError:
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def main(pid: str, device: str, interval_ms: str) -> None:
    seen = VramWatch(int(pid), device, float(interval_ms) / 1e3)
    watch(seen.look, seen.report, seen.reset)


if __name__ == "__main__":
    main(*sys.argv[1:])
