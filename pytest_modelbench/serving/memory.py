"""Memory of a server and of all it started, by the kernel's own high-water marks.

They are read when nothing is timed, so the server is not looked at while it answers. A process
that began and ended in between is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_modelbench.catalogue import RAM_METRICS
from pytest_modelbench.measure.family import family_of
from pytest_modelbench.measure.family_watcher import resident_bytes_of
from pytest_modelbench.measure.high_water import reset_high_water, resident_memory
from pytest_modelbench.results.metric import Metric, measured, skipped


class ServerMemory:
    """Of the process `pid`, in full, and of those it started, what they do not share."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._family = family_of(pid)
        self._exact = resident_memory(pid) is not None
        self._peak = 0
        self._ready: int | None = None
        self._window_start: int | None = None
        self._window: int | None = None
        self._started = 0

    def note_ready(self) -> None:
        """The server has loaded what it serves."""
        self._ready = self.look() or None

    def begin_window(self) -> None:
        """What is used from here on is used to answer."""
        self.look()
        self._window = self._window_start = None
        if self._exact and not reset_high_water(self._pid):
            return  # the mark would say what was used before
        self._family.reset()
        self._peak = self._ready or 0  # an earlier case's window is none of this one's phases
        self._window_start = self._now()

    def end_window(self) -> None:
        if self._window_start is not None:
            self._window = self.look() or None

    def look(self) -> int:
        """The highest there was since the start, or since `begin_window`, in bytes."""
        sight = self._family.look()
        memory = resident_memory(self._pid) if self._exact else None
        own = resident_bytes_of(self._pid) if memory is None else memory.high_water
        self._started = max(self._started, len(self._family.seen))
        seen = own + sight.most if own else 0  # it has ended: what is left is no whole
        self._peak = max(self._peak, seen)
        return seen

    def metrics(self, *, is_reused: bool = False) -> dict[str, Metric]:
        """By the catalogue's names; `is_reused` where it was loaded for an earlier case."""
        found: dict[str, int | None] = {
            "peak_ram_mb": self._peak or None,
            "load_peak_ram_mb": self._ready,
            "steady_peak_ram_mb": self._window,
        }
        if self._window is not None and self._window_start is not None:
            found["steady_ram_increase_mb"] = max(0, self._window - self._window_start)
        reused = {"load_peak_ram_mb": {"reused": True}} if is_reused else {}
        return {
            name: self._metric(found.get(name), name, reused.get(name, {})) for name in RAM_METRICS
        }

    def _metric(self, size: int | None, name: str, notes: Mapping[str, Any]) -> Metric:
        if size is None:
            return skipped(_why_none(name), "MB")
        started = f" and {self._started} it started" if self._started else ""
        method = "kernel high-water mark" if self._exact else "sampled at the ends of phases"
        scope = f"the server's process{started}"
        return measured(size / 1e6, "MB", method=method, scope=scope, **notes)

    def _now(self) -> int:
        return resident_bytes_of(self._pid) + self._family.look().now


def _why_none(name: str) -> str:
    if name in ("baseline_ram_mb", "ram_increase_mb", "load_ram_increase_mb"):
        return "a server that was started has no memory before it is loaded"
    if name.startswith("steady"):
        return "the server's memory was not read around what was timed"
    return "the server had ended before its memory was read"
