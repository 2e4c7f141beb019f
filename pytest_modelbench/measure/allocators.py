"""Peak device memory by the allocators themselves: PyTorch's, and OpenVINO's GPU plug-in."""

from __future__ import annotations

import re
import sys
from typing import Any

from pytest_modelbench.catalogue import TORCH_METRICS
from pytest_modelbench.errors import one_line
from pytest_modelbench.measure.meter import Phase
from pytest_modelbench.measure.nvml import cuda_index
from pytest_modelbench.measure.processor import reason_without
from pytest_modelbench.results.metric import Metric, failed, measured, skipped

OPENVINO_METRIC = "openvino_gpu_peak_mb"
STATISTICS = "GPU_MEMORY_STATISTICS"
_OPENVINO_GPU = re.compile(r"GPU(\.\d+)?", re.IGNORECASE)
# The one module whose Core compiles the models of optimum.intel.
_OPTIMUM = "optimum.intel.openvino.modeling_base"


class TorchAllocatorMeter:
    """PyTorch's own exact peaks on a CUDA device, over all phases.

    It never imports torch: where the model did not, there is nothing to ask.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._index = cuda_index(device)
        self._peaks: dict[Phase, tuple[int, int]] = {}
        self._fault = ""
        self._why_not = "no phase of the case was measured"
        if self._index is None:
            other = f"device {device!r} is not a CUDA device of PyTorch's"
            self._why_not = reason_without(device, other)

    def start(self, phase: Phase) -> None:
        cuda = self._cuda()
        if cuda is None:
            return  # what has not begun has no earlier peak to forget
        try:
            cuda.synchronize(self._index)
            cuda.reset_peak_memory_stats(self._index)
        except Exception as error:  # torch raises bare RuntimeErrors
            self._fault = one_line(error)

    def stop(self, phase: Phase) -> None:
        cuda = self._cuda()
        if cuda is None:
            return
        try:
            cuda.synchronize(self._index)
            allocated = int(cuda.max_memory_allocated(self._index))
            reserved = int(cuda.max_memory_reserved(self._index))
        except Exception as error:
            self._fault = one_line(error)
            return
        before = self._peaks.get(phase, (0, 0))
        self._peaks[phase] = max(before[0], allocated), max(before[1], reserved)

    def forget_case(self) -> None:
        self._peaks = {"load": self._peaks["load"]} if "load" in self._peaks else {}
        self._fault = ""

    def metrics(self, items: float) -> dict[str, Metric]:
        if self._fault:
            return dict.fromkeys(TORCH_METRICS, failed(self._fault, "MB"))
        highest = [max(peaks) for peaks in zip(*self._peaks.values(), strict=True)]
        if not any(highest):
            return dict.fromkeys(TORCH_METRICS, skipped(self._why_not, "MB"))
        return {
            name: measured(peak / 1e6, "MB", method="PyTorch's caching allocator, exact")
            for name, peak in zip(TORCH_METRICS, highest, strict=True)
        }

    def close(self) -> None:
        """Nothing was started."""

    def _cuda(self) -> Any:
        """`torch.cuda` where the model uses it; None, and the reason, where not."""
        if self._index is None:
            return None
        torch = sys.modules.get("torch")
        if torch is None:
            self._why_not = "PyTorch is not imported in the measuring process"
            return None
        if not torch.cuda.is_initialized():
            self._why_not = "PyTorch did not use CUDA in the measuring process"
            return None
        self._why_not = f"PyTorch allocated nothing on {self._device!r}"
        return torch.cuda


class OpenvinoGpuMeter:
    """Memory of OpenVINO's GPU plug-in, as it stands at the end of each phase.

    The plug-in says what it has allocated now, by kind of memory, and no peak. What it allocates
    for a model and its requests it keeps, so that little is missed: what comes and goes within a
    phase, above all while compiling. Each `Core` has statistics of its own.
    """

    def __init__(self, device: str) -> None:
        self._device = device.strip().upper()
        self._seen: dict[Phase, dict[str, int]] = {}
        self._why_not = "no phase of the case was measured"
        if not self._applies():
            other = f"device {device!r} is not a GPU of OpenVINO's by name"
            self._why_not = reason_without(device, other)

    def start(self, phase: Phase) -> None:
        """Nothing: a plug-in that is asked before it is used would make its device ready."""

    def stop(self, phase: Phase) -> None:
        if not self._applies():
            return
        statistics = self._statistics()
        if sum(statistics.values()) > sum(self._seen.get(phase, {}).values()):
            self._seen[phase] = statistics

    def forget_case(self) -> None:
        self._seen = {"load": self._seen["load"]} if "load" in self._seen else {}

    def metrics(self, items: float) -> dict[str, Metric]:
        if not self._seen:
            return {OPENVINO_METRIC: skipped(self._why_not, "MB")}
        highest = max(self._seen.values(), key=lambda statistics: sum(statistics.values()))
        return {
            OPENVINO_METRIC: measured(
                sum(highest.values()) / 1e6,
                "MB",
                method=f"{STATISTICS}, read at the end of each phase: it holds no peak",
                by_kind_mb={kind: size / 1e6 for kind, size in sorted(highest.items()) if size},
            )
        }

    def close(self) -> None:
        """Nothing was started."""

    def _applies(self) -> bool:
        return _OPENVINO_GPU.fullmatch(self._device) is not None

    def _statistics(self) -> dict[str, int]:
        """Bytes by kind of memory, of the first Core that has any; empty, and the reason, if none.

        Keys are OpenVINO's kinds of allocation: cl_mem, usm_device, usm_host, usm_shared, unknown.
        """
        cores = compiling_cores()
        self._why_not = "no OpenVINO Core that compiled a model is known in the measuring process"
        for core in cores:
            try:
                found = core.get_property(self._device, STATISTICS)
            except Exception as error:  # openvino raises bare RuntimeErrors
                self._why_not = f"OpenVINO does not say what its GPU uses: {one_line(error)}"
                continue
            statistics = {str(kind): int(size) for kind, size in found.items()}
            if sum(statistics.values()):
                return statistics
            self._why_not = (
                "the OpenVINO Cores known in the measuring process hold nothing on the GPU: the "
                "model's library keeps its Core to itself"
            )
        return {}


def compiling_cores() -> list[Any]:
    """The Cores that may have compiled the model: this package's, and that of optimum.intel."""
    ours = sys.modules.get("pytest_modelbench.runners.openvino_devices")
    optimum = sys.modules.get(_OPTIMUM)
    cores = list(ours.compiling_cores()) if ours is not None else []
    core = vars(optimum).get("core") if optimum is not None else None
    return [*cores, core] if core is not None else cores
