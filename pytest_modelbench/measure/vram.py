"""Peak device memory by NVML: of the whole device, and of this process and those it started."""

from __future__ import annotations

import os
from typing import Any

from pytest_modelbench.catalogue import VRAM_METRICS
from pytest_modelbench.measure.meter import Phase
from pytest_modelbench.measure.nvml import cuda_index, not_nvidia
from pytest_modelbench.measure.watching import Watcher, WatcherError
from pytest_modelbench.results.metric import Metric, failed, measured, skipped

WATCHER = "pytest_modelbench.measure.vram_watcher"
INTERVAL_MS = 10


class VramMeter:
    """`peak_vram_mb`, `device_peak_vram_mb` and `device_vram_increase_mb`, over all phases.

    A process of its own looks every 10 ms, so that nothing is sampled in the process that is
    timed. A use of device memory that is shorter than the interval can be missed.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._watcher: Watcher | None = None
        self._seen: dict[Phase, list[dict[str, Any]]] = {}
        self._fault = ""

    def start(self, phase: Phase) -> None:
        if self._fault or cuda_index(self._device) is None:
            return
        try:
            if self._watcher is None:
                self._watcher = Watcher(WATCHER, str(os.getpid()), self._device, str(INTERVAL_MS))
            self._watcher.start()
        except WatcherError as error:
            self._fault = str(error)

    def stop(self, phase: Phase) -> None:
        if self._fault or self._watcher is None:
            return
        try:
            self._seen.setdefault(phase, []).append(self._watcher.stop())
        except WatcherError as error:
            self._fault = str(error)

    def forget_case(self) -> None:
        self._seen = {"load": self._seen["load"]} if "load" in self._seen else {}

    def metrics(self, items: float) -> dict[str, Metric]:
        """What was seen in load, warm-up and steady state, of which load may be an earlier case's.

        A model that stays loaded is in memory all the while, so that its next case sees it too.
        """
        if cuda_index(self._device) is None:
            return dict.fromkeys(VRAM_METRICS, skipped(not_nvidia(self._device), "MB"))
        if self._fault:
            return dict.fromkeys(VRAM_METRICS, failed(f"device memory: {self._fault}", "MB"))
        parts = [part for parts in self._seen.values() for part in parts]
        if not parts:
            return dict.fromkeys(VRAM_METRICS, skipped("no phase of the case was measured", "MB"))
        if parts[0]["unavailable"]:
            return dict.fromkeys(VRAM_METRICS, skipped(parts[0]["unavailable"], "MB"))
        return {"peak_vram_mb": _of_process(parts), **_of_device(parts)}

    def close(self) -> None:
        if self._watcher is not None:
            self._watcher.close()


def _of_process(parts: list[dict[str, Any]]) -> Metric:
    peak = _highest(parts, "process")
    if not peak:
        return skipped(_reason(parts, "process") or _not_listed(), "MB")
    baseline = parts[0]["process"]["baseline"]
    return measured(
        peak / 1e6,
        "MB",
        **_notes(parts),
        scope="this process and those it started",
        baseline_mb=None if baseline is None else baseline / 1e6,
    )


def _of_device(parts: list[dict[str, Any]]) -> dict[str, Metric]:
    peak, baseline = _highest(parts, "device"), parts[0]["device"]["baseline"]
    names = VRAM_METRICS[1:]
    if peak is None or baseline is None:
        return dict.fromkeys(names, skipped(_reason(parts, "device"), "MB"))
    notes = {
        **_notes(parts),
        "scope": f"the whole device, whoever uses it; {parts[0]['memory_info']}",
        "baseline_mb": baseline / 1e6,
    }
    values = (peak / 1e6, (peak - baseline) / 1e6)
    return {name: measured(value, "MB", **notes) for name, value in zip(names, values, strict=True)}


def _highest(parts: list[dict[str, Any]], of: str) -> int | None:
    return max((part[of]["peak"] for part in parts if part[of]["peak"] is not None), default=None)


def _reason(parts: list[dict[str, Any]], of: str) -> str:
    return next((str(part[of]["reason"]) for part in parts if part[of]["reason"]), "")


def _not_listed() -> str:
    return (
        f"NVML does not list process {os.getpid()} or one that it started among those that use the "
        "device: it did not use it, or this is a container with process ids of its own"
    )


def _notes(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """How often was looked: the mean interval over all phases and the longest of any."""
    looks = sum(part["looks"] for part in parts)
    gaps = sum(max(0, part["looks"] - 1) for part in parts)
    total = sum(part["interval_ms"] * max(0, part["looks"] - 1) for part in parts)
    return {
        "method": f"NVML, sampled every {INTERVAL_MS} ms",
        "looks": looks,
        "mean_interval_ms": round(total / gaps, 3) if gaps else None,
        "longest_interval_ms": max(part["longest_interval_ms"] for part in parts),
    }
