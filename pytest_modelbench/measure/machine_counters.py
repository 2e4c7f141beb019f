"""What Linux counts of its processors: time, frequency, heat and quota, read at one moment.

Nothing here raises: what the system does not say is left out.
"""

from __future__ import annotations

import os
import re
import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_modelbench.measure.kernel_files import read_bytes

PROC, SYS = Path("/proc"), Path("/sys")
# On a machine with hundreds of processors, each of which has files of its own, these stand for all.
MOST_PROCESSORS_READ = 16
# /proc/cpuinfo has about 1.5 kB for each processor, made anew for each reading.
MOST_PROCESSORS_OF_CPUINFO = 32

_MEGAHERTZ = re.compile(rb"^cpu MHz\s*:\s*([\d.]+)", re.MULTILINE)
_THROTTLED = re.compile(rb"^throttled_(usec|time) (\d+)", re.MULTILINE)
_THROTTLED_PER_SECOND = {b"usec": 1e6, b"time": 1e9}


@dataclass(frozen=True, slots=True)
class Reading:
    """One moment."""

    counters: dict[str, float]
    """What only grows. In ticks of all processors: `total`, `steal`, `busy` (steal left out), and
    `own` of the process and its descendants. Else: `seconds`, `switches`, `throttles` and
    `quota_seconds` (summed over processors)."""
    load_average: float | None
    frequency_mhz: float | None
    """Of the fastest processor: the others may be idle, and slow for that."""


class MachineCounters:
    """Knows where a machine keeps its counters. `processors` are those the process may use."""

    def __init__(
        self,
        proc: Path = PROC,
        sys: Path = SYS,
        pid: int | None = None,
        processors: Iterable[int] | None = None,
    ) -> None:
        self._proc = proc
        self._pid = os.getpid() if pid is None else pid
        stat = read_bytes(proc / "stat")
        self.processor_count = stat.count(b"\ncpu") or os.cpu_count() or 1
        chosen = _some(_allowed_processors() if processors is None else sorted(processors))
        folders = [sys / f"devices/system/cpu/cpu{number}" for number in chosen]
        self._frequencies = _present(folder / "cpufreq/scaling_cur_freq" for folder in folders)
        self._throttles = _throttle_files(folders)
        self._quotas = _quota_files(proc / str(self._pid) / "cgroup", sys / "fs/cgroup")

    def read(self) -> Reading:
        counters: dict[str, float] = {
            "seconds": time.perf_counter(),
            "switches": resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw,
            **self._processor_ticks(),
        }
        own = self._own_ticks()
        if own is not None:
            counters["own"] = own
        throttles = [_number(file) for file in self._throttles]
        if throttles and None not in throttles:
            counters["throttles"] = sum(filter(None, throttles))
        quotas = [_throttled_seconds(file) for file in self._quotas]
        if quotas and None not in quotas:
            counters["quota_seconds"] = sum(filter(None, quotas))
        return Reading(counters, self._load_average(), self._frequency_mhz())

    def _processor_ticks(self) -> dict[str, float]:
        first = read_bytes(self._proc / "stat").partition(b"\n")[0].split()
        if len(first) < 9 or first[0] != b"cpu":
            return {}
        # The two that may follow, guest and guest_nice, are already in user and nice.
        user, nice, system, idle, waiting, interrupts, soft_interrupts, steal = map(int, first[1:9])
        busy = user + nice + system + interrupts + soft_interrupts
        return {"total": busy + idle + waiting + steal, "steal": steal, "busy": busy}

    def _own_ticks(self) -> int | None:
        """Of the process, its living descendants, and those of each that have ended."""
        own = self._ticks_of(self._pid)
        if own is None:
            return None
        ask, known = [self._pid], {self._pid}
        while ask:
            children = self._children(ask.pop()) - known
            known |= children
            ask += children
            own += sum(self._ticks_of(child) or 0 for child in children)
        return own

    def _ticks_of(self, pid: int) -> int | None:
        # The name of a process, in parentheses, may hold anything.
        fields = read_bytes(self._proc / str(pid) / "stat").rpartition(b") ")[2].split()
        return sum(map(int, fields[11:15])) if len(fields) > 15 else None

    def _children(self, pid: int) -> set[int]:
        folder = f"{self._proc}/{pid}/task"
        try:
            tasks = os.listdir(folder)  # noqa: PTH208 - there may be hundreds of threads
        except OSError:
            return set()
        return {
            int(one) for task in tasks for one in read_bytes(f"{folder}/{task}/children").split()
        }

    def _load_average(self) -> float | None:
        words = read_bytes(self._proc / "loadavg").split()
        return float(words[0]) if words else None

    def _frequency_mhz(self) -> float | None:
        kilohertz = [_number(file) for file in self._frequencies]
        known = [number / 1e3 for number in kilohertz if number]
        if not known and (os.cpu_count() or 1) <= MOST_PROCESSORS_OF_CPUINFO:
            known = [float(text) for text in _MEGAHERTZ.findall(read_bytes(self._proc / "cpuinfo"))]
        return max(known, default=None)


def _allowed_processors() -> list[int]:
    try:
        return sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not Linux
        return []


def _some(processors: list[int]) -> list[int]:
    """At most `MOST_PROCESSORS_READ` of them, spread evenly."""
    step = max(1, -(-len(processors) // MOST_PROCESSORS_READ))
    return processors[::step]


def _present(files: Iterable[Path]) -> list[str]:
    return [str(file) for file in files if file.is_file()]


def _throttle_files(folders: Iterable[Path]) -> list[str]:
    """Each processor's own count, and one count for each package."""
    files, packages = [], set()
    for folder in folders:
        files.append(folder / "thermal_throttle/core_throttle_count")
        package = _number(folder / "topology/physical_package_id")
        if package not in packages:
            packages.add(package)
            files.append(folder / "thermal_throttle/package_throttle_count")
    return _present(files)


def _quota_files(membership: Path, mount: Path) -> list[str]:
    """`cpu.stat` of the control group and of those it is in, any of which may have a quota."""
    found: list[str] = []
    for line in read_bytes(membership).decode(errors="replace").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if "cpu" in controllers.split(","):
            roots = [mount / controllers, mount / "cpu"]
        elif number == "0":  # version 2, beside version 1 in a folder of its own
            roots = [mount, mount / "unified"]
        else:
            continue
        root = next((root for root in roots if root.is_dir()), None)
        if root is not None:
            found += _present(group / "cpu.stat" for group in _groups(root, path))
    return [file for file in found if _throttled_seconds(file) is not None]


def _groups(root: Path, path: str) -> list[Path]:
    """Inside a container the path may be the host's; what is mounted is then its own group."""
    group = root / path.strip("/")
    if ".." in group.parts or not group.is_dir():
        return [root]
    return [group, *(parent for parent in group.parents if parent.is_relative_to(root))]


def _throttled_seconds(file: str) -> float | None:
    match = _THROTTLED.search(read_bytes(file))
    return int(match[2]) / _THROTTLED_PER_SECOND[match[1]] if match else None


def _number(file: Path | str) -> int | None:
    text = read_bytes(file).strip()
    return int(text) if text.isdigit() else None
