"""Resident memory of this process and of those it starts: before, at its peak, and the increase."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.catalogue import RAM_METRICS
from pytest_modelbench.measure.high_water import (
    counting_error_bytes,
    reset_high_water,
    resident_memory,
)
from pytest_modelbench.measure.meter import Phase
from pytest_modelbench.measure.watching import Watcher, WatcherError
from pytest_modelbench.results.metric import Metric, measured, skipped

WATCHER = "pytest_modelbench.measure.family_watcher"
MOST_STARTS = 3
"""So often a watcher is started for one loaded model before its children are given up."""


@dataclass
class _Begun:
    """What is known when a phase starts, in bytes."""

    resident: int
    largest_child: int
    seconds: float
    watched: bool


@dataclass
class PhaseMemory:
    """What was seen of a phase, of all its parts together, in bytes."""

    start: int = 0
    """Resident at the start of its first part."""
    peak: int = 0
    increase: int = 0
    """The most that a part had above what was resident when that part started."""
    children: int = 0
    method: str = ""
    children_missing: str = ""

    def add(self, part: PhaseMemory) -> None:
        if not self.peak:
            self.start = part.start
        self.peak = max(self.peak, part.peak)
        self.increase = max(self.increase, part.increase)
        self.children = max(self.children, part.children)
        self.method = part.method
        self.children_missing = self.children_missing or part.children_missing


class RamMeter:
    """Peak resident memory by phase.

    For this process the kernel's own high-water mark is read, which no peak escapes. Where it
    cannot be reset, and for the processes this one starts, another process looks. A process that
    was started adds what it does not share with others. The sum of peaks is reported: they need
    not have been at the same moment.
    """

    def __init__(self) -> None:
        self._watcher: Watcher | None = None
        self._starts = 0
        self._trouble = ""
        self._exact = True
        self._highest_ever = 0
        self._begun: dict[Phase, _Begun] = {}
        self._phases: dict[Phase, PhaseMemory] = {}
        self._reused = False

    def start(self, phase: Phase) -> None:
        self._note_high_water()
        if self._exact and not reset_high_water():
            self._exact = False
            self.close()  # a watcher that was told to leave this process to the kernel
        watched = self._watch()
        if self._exact:
            reset_high_water()  # without what starting a watcher took
        self._begun[phase] = _Begun(
            resident_bytes(), largest_child_bytes(), time.monotonic(), watched
        )

    def stop(self, phase: Phase) -> None:
        begun = self._begun.pop(phase, None)
        if begun is None:
            return
        own, at_stop = self._note_high_water(), resident_bytes()
        seen = self._seen() if begun.watched else {}
        method = "kernel high-water mark"
        if not self._exact:
            own = max(begun.resident, at_stop, int(seen.get("own_peak_bytes", 0)))
            method = _sampling(seen, time.monotonic() - begun.seconds)
        children = _children_peak(seen, begun, self._highest_ever)
        start = begun.resident + int(seen.get("children_start_bytes", 0))
        part = PhaseMemory(
            start=start,
            peak=own + children,
            increase=max(0, own + children - start),
            children=max(int(seen.get("children", 0)), int(children > 0)),
            method=method,
            children_missing="" if seen else self._trouble,
        )
        self._phases.setdefault(phase, PhaseMemory()).add(part)

    def forget_case(self) -> None:
        self._reused = "load" in self._phases
        self._phases = {phase: seen for phase, seen in self._phases.items() if phase == "load"}

    def metrics(self, items: float) -> dict[str, Metric]:
        load, steady = self._phases.get("load"), self._phases.get("steady")
        found: dict[str, Metric] = {}
        if load is not None:
            found["baseline_ram_mb"] = self._metric(load.start, load)
            found["load_peak_ram_mb"] = self._metric(load.peak, load)
            found["load_ram_increase_mb"] = self._metric(load.increase, load)
        if self._phases:
            highest = max(self._phases.values(), key=lambda seen: seen.peak)
            found["peak_ram_mb"] = self._metric(highest.peak, highest)
            if load is not None:
                increase = max(0, highest.peak - load.start)
                found["ram_increase_mb"] = self._metric(increase, highest)
        if steady is not None:
            found["steady_peak_ram_mb"] = self._metric(steady.peak, steady)
            found["steady_ram_increase_mb"] = self._metric(steady.increase, steady)
        return {name: found.get(name) or _absent(name) for name in RAM_METRICS}

    def close(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.close()

    def _metric(self, size: int, seen: PhaseMemory) -> Metric:
        """`size` in bytes, which rests on the phase `seen`."""
        started = f" and {seen.children} it started" if seen.children else ""
        notes: dict[str, Any] = {"method": seen.method, "scope": f"this process{started}"}
        load = self._phases.get("load")
        if load is not None:
            notes["baseline_mb"] = round(load.start / 1e6, 3)
        if seen is not load:
            notes["before_mb"] = round(seen.start / 1e6, 3)
        elif self._reused:
            notes["reused"] = True
        if seen.children_missing:
            notes["children"] = f"not counted: {seen.children_missing}"
        return measured(size / 1e6, "MB", **notes)

    def _note_high_water(self) -> int:
        memory = resident_memory()
        own = 0 if memory is None else memory.high_water
        self._highest_ever = max(self._highest_ever, own)
        return own

    def _watch(self) -> bool:
        """Let the family be looked at; False where nothing can, and why is noted."""
        if self._watcher is None:
            if self._starts == MOST_STARTS:
                return False
            self._starts += 1
            mode = "mark" if self._exact else "sample"
            self._watcher = Watcher(WATCHER, str(os.getpid()), mode)
        try:
            self._watcher.start()
        except (WatcherError, OSError, ValueError) as error:
            self._give_up(error)
            return False
        return True

    def _seen(self) -> dict[str, Any]:
        if self._watcher is None:
            return {}
        try:
            return self._watcher.stop()
        except (WatcherError, OSError, ValueError) as error:
            self._give_up(error)
            return {}

    def _give_up(self, error: Exception) -> None:
        self._trouble = str(error)
        self.close()


def _absent(name: str) -> Metric:
    phase = "timed calls were" if name.startswith("steady") else "loading was"
    return skipped(f"no {phase} measured", "MB")


def _children_peak(seen: dict[str, Any], begun: _Begun, own_highest: int) -> int:
    """What the processes that this one started added at most, in bytes.

    One that ended between two looks is known by `ru_maxrss` alone, which is of use only above
    this process's own peak: until it runs its own program a child counts its parent's memory.
    """
    watched = int(seen.get("children_peak_bytes", 0))
    ended = largest_child_bytes()
    if ended <= max(begun.largest_child, own_highest + counting_error_bytes()):
        return watched
    if seen.get("children"):
        return max(watched, ended - int(seen["largest_child_shared_bytes"]))
    return max(watched, ended - begun.resident)  # at least: it may share all that this one has


def _sampling(seen: dict[str, Any], seconds: float) -> str:
    if not seen:
        return "sampled when it started and when it ended"
    mean = seconds / max(1, int(seen["looks"])) * 1e3
    return f"sampled every {mean:.1f} ms, {seen['longest_interval_ms']:.1f} ms apart at most"


def largest_child_bytes() -> int:
    """Peak resident size of the largest process this one started that has ended; 0 if unknown."""
    with suppress(ImportError):
        import resource

        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        return largest if sys.platform == "darwin" else largest * 1024
    return 0


def resident_bytes() -> int:
    """Resident memory of this process now, in bytes."""
    memory = resident_memory()
    if memory is not None:
        return memory.now
    import psutil

    return int(psutil.Process().memory_info().rss)
