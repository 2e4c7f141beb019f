"""Watches the memory of the processes that the measured process starts, and at need its own.

Run as `python -m pytest_modelbench.measure.family_watcher PID mark|sample`: with `sample` it looks
at the resident memory of PID itself as well, for systems whose kernel keeps no mark.
"""

from __future__ import annotations

import sys
from typing import Any

from pytest_modelbench.measure.family import family_of
from pytest_modelbench.measure.high_water import resident_memory
from pytest_modelbench.measure.watching import watch

ALONE_SECONDS = 0.02
"""Between two looks while there is no other process."""
STEADY_SECONDS = 0.005
GROWING_SECONDS = 0.002
SECONDS_PER_PROCESS = 0.0005
"""So that looking, at 50 microseconds a process, takes a tenth of a processor at most."""


class FamilyWatch:
    """What was seen since `reset`, in bytes."""

    def __init__(self, pid: int, *, sample_own: bool) -> None:
        self._pid = pid
        self._family = family_of(pid)
        self._sample_own = sample_own
        self._at_start: int | None = None
        self._peak = self._own_peak = 0

    def reset(self) -> None:
        self._family.reset()
        self._at_start = None
        self._peak = self._own_peak = 0

    def look(self) -> float:
        sight = self._family.look()
        if self._at_start is None:
            self._at_start = sight.now
        self._peak = max(self._peak, sight.most)
        pause = pause_seconds(sight.alive, growing=sight.growing)
        if self._sample_own:
            own = resident_bytes_of(self._pid)
            self._own_peak = max(self._own_peak, own)
            pause = min(pause, GROWING_SECONDS)
        return pause

    def report(self) -> dict[str, Any]:
        high_water, shared = self._family.largest
        return {
            "children": len(self._family.seen),
            "children_start_bytes": self._at_start or 0,
            "children_peak_bytes": self._peak,
            "largest_child_bytes": high_water,
            "largest_child_shared_bytes": shared,
            "own_peak_bytes": self._own_peak,
        }


def pause_seconds(alive: int, *, growing: bool) -> float:
    """Until the next look at a family."""
    if not alive:
        return ALONE_SECONDS
    return max(GROWING_SECONDS if growing else STEADY_SECONDS, alive * SECONDS_PER_PROCESS)


def resident_bytes_of(pid: int) -> int:
    """Of any process, on any system; 0 once it has ended."""
    memory = resident_memory(pid)
    if memory is not None:
        return memory.now
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


if __name__ == "__main__":
    watched = FamilyWatch(int(sys.argv[1]), sample_own=sys.argv[2] == "sample")
    watch(watched.look, watched.report, watched.reset)
