"""Peak resident memory of this process while something runs."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from pytest_modelbench.measure.sampling import Sampler

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
SAMPLING_INTERVAL_SECONDS = 0.01


class PeakRam:
    """Measures between `__enter__` and `peak_bytes()`.

    On Linux the kernel keeps the exact high-water mark (`VmHWM`), which is reset at the start.
    Elsewhere a thread samples, which can miss a short spike; `method` says which it was.
    """

    def __init__(self) -> None:
        self.baseline_bytes = 0
        self.method = ""
        self._highest = 0
        self._sampler: Sampler | None = None

    def __enter__(self) -> PeakRam:
        self.baseline_bytes = resident_bytes()
        if _reset_high_water_mark():
            self.method = "kernel high-water mark"
        else:
            self.method = f"sampled every {SAMPLING_INTERVAL_SECONDS * 1000:g} ms"
            self._sampler = Sampler(self._look, SAMPLING_INTERVAL_SECONDS).__enter__()
        return self

    def peak_bytes(self) -> int:
        """The highest resident size since the start, in bytes."""
        if self._sampler is None:
            return _status_bytes("VmHWM")
        self._look()
        return self._highest

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._sampler is not None:
            self._sampler.__exit__(kind, error, trace)

    def _look(self) -> None:
        self._highest = max(self._highest, resident_bytes())


def resident_bytes() -> int:
    """Resident memory of this process now, in bytes."""
    import psutil

    return int(psutil.Process(os.getpid()).memory_info().rss)


def _reset_high_water_mark() -> bool:
    try:
        _CLEAR_REFS.write_text(_RESET_PEAK)
        return _status_bytes("VmHWM") > 0
    except OSError:
        return False


def _status_bytes(field: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0
