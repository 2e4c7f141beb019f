"""Peak device memory of this process, by NVML."""

from __future__ import annotations

import os
import re
from types import TracebackType
from typing import Any

from pytest_modelbench.errors import Unavailable, one_line
from pytest_modelbench.measure.sampling import Sampler

SAMPLING_INTERVAL_SECONDS = 0.02
_CUDA = re.compile(r"cuda(?::(\d+))?$")


class PeakVram:
    """Samples what NVML attributes to this process on one device, in bytes.

    Raises `Unavailable` on entry where there is nothing to measure; the text says why.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self._highest: int | None = None
        self._why_unknown = "NVML does not list this process on the device (container or MIG)"
        self._sampler: Sampler | None = None
        self._handle: Any = None

    def __enter__(self) -> PeakVram:
        match = _CUDA.match(self.device)
        if match is None:
            raise Unavailable(f"device {self.device!r} has no memory that NVML can see")
        import pynvml

        try:
            pynvml.nvmlInit()
            self._handle = pynvml.nvmlDeviceGetHandleByIndex(int(match[1] or 0))
        except pynvml.NVMLError as error:
            raise Unavailable(f"NVML is not usable here: {error}") from None
        self._sampler = Sampler(self._look, SAMPLING_INTERVAL_SECONDS).__enter__()
        return self

    def peak_bytes(self) -> int:
        """The highest use seen, in bytes. Raises `Unavailable` when NVML cannot say."""
        self._look()
        if self._highest is None:
            raise Unavailable(self._why_unknown)
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
        import pynvml

        try:
            processes = pynvml.nvmlDeviceGetComputeRunningProcesses(self._handle)
        except pynvml.NVMLError as error:
            self._why_unknown = one_line(error)
            return
        for process in processes:
            # usedGpuMemory is None where the driver cannot tell (MIG, WSL).
            if process.pid == os.getpid() and process.usedGpuMemory is not None:
                self._highest = max(self._highest or 0, int(process.usedGpuMemory))
