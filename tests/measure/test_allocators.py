"""What allocators say of device memory.

There is no GPU here: PyTorch's numbers come from a stand-in for its module in a process of its
own, and OpenVINO's from stand-ins for its Core. `test_vram_on_gpu.py` asks the real PyTorch.
"""

from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from pytest_modelbench.measure import allocators
from pytest_modelbench.measure.allocators import (
    OPENVINO_METRIC,
    TORCH_METRICS,
    OpenvinoGpuMeter,
    TorchAllocatorMeter,
)
from pytest_modelbench.runners import openvino_devices

MB = 1_000_000

TORCH = """
import json, sys
from types import ModuleType
from pytest_modelbench.measure.allocators import TorchAllocatorMeter


class Cuda:
    # PyTorch's counters: what is held now, and the most since the last reset.
    def __init__(self):
        self.held, self.peak, self.calls, self.begun, self.fault = 0, 0, [], True, None

    def is_initialized(self):
        return self.begun

    def use(self, megabytes):
        self.held = megabytes * 1_000_000
        self.peak = max(self.peak, self.held)

    def synchronize(self, index):
        self.calls.append(("synchronize", index))
        if self.fault:
            raise RuntimeError(self.fault)

    def reset_peak_memory_stats(self, index):
        self.calls.append(("reset", index))
        self.peak = self.held

    def max_memory_allocated(self, index):
        self.calls.append(("peak", index))
        return self.peak

    def max_memory_reserved(self, index):
        return self.peak + 5_000_000


torch = ModuleType("torch")
torch.cuda = cuda = Cuda()
sys.modules["torch"] = torch
meter = TorchAllocatorMeter("cuda:1")


def told():
    return [metric.value or metric.error_message for metric in meter.metrics(1).values()]


"""


def _with_torch(code: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", TORCH + code],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_torch_peaks_are_those_of_the_phases_and_of_nothing_between_or_before() -> None:
    told = _with_torch("""
cuda.use(900); cuda.use(100)
meter.start("load"); cuda.use(300); cuda.use(200); meter.stop("load")
cuda.use(800); cuda.use(200)
meter.start("steady"); cuda.use(500); cuda.use(200); meter.stop("steady")
meter.start("steady"); cuda.use(250); meter.stop("steady")
print(json.dumps(told()))
""")
    assert told == [500, 505]


def test_torch_peaks_of_an_earlier_case_are_forgotten_but_for_its_load() -> None:
    told = _with_torch("""
meter.start("load"); cuda.use(300); cuda.use(200); meter.stop("load")
meter.start("steady"); cuda.use(500); cuda.use(200); meter.stop("steady")
meter.forget_case()
meter.start("steady"); cuda.use(250); meter.stop("steady")
print(json.dumps(told()))
""")
    assert told == [300, 305]


def test_torch_is_waited_for_on_the_device_measured() -> None:
    calls = _with_torch("""
meter.start("steady"); cuda.use(1); meter.stop("steady")
print(json.dumps(cuda.calls))
""")
    assert calls == [["synchronize", 1], ["reset", 1], ["synchronize", 1], ["peak", 1]]


def test_a_model_that_begins_to_use_cuda_while_it_is_loaded_is_measured() -> None:
    told = _with_torch("""
cuda.begun = False
meter.start("load"); cuda.begun = True; cuda.use(300); cuda.use(200); meter.stop("load")
print(json.dumps(told()))
""")
    assert told == [300, 305]


def test_torch_that_did_not_use_cuda_is_skipped() -> None:
    told = _with_torch("""
cuda.begun = False
meter.start("load"); meter.stop("load")
print(json.dumps([told(), [metric.status for metric in meter.metrics(1).values()], cuda.calls]))
""")
    reason = "PyTorch did not use CUDA in the measuring process"
    assert told == [[reason, reason], ["skipped", "skipped"], []]


def test_a_fault_of_cuda_is_an_error_and_ends_with_its_case() -> None:
    first, second = _with_torch("""
cuda.fault = "CUDA error: out of memory"
meter.start("steady"); meter.stop("steady")
first = [[metric.status, metric.error_message] for metric in meter.metrics(1).values()]
cuda.fault = None
meter.forget_case()
meter.start("steady"); cuda.use(7); meter.stop("steady")
print(json.dumps([first, told()]))
""")
    assert first == [["error", "RuntimeError: CUDA error: out of memory"]] * 2
    assert second == [7, 12]


def _torch_reason(meter: TorchAllocatorMeter) -> str:
    meter.start("load")
    meter.stop("load")
    found = meter.metrics(1)
    assert set(found) == set(TORCH_METRICS)
    assert {metric.status for metric in found.values()} == {"skipped"}
    (reason,) = {str(metric.error_message) for metric in found.values()}
    return reason


def test_torch_is_never_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    reason = _torch_reason(TorchAllocatorMeter("cuda"))
    assert reason == "PyTorch is not imported in the measuring process"
    assert "torch" not in sys.modules


def test_other_devices_are_not_torchs() -> None:
    reason = _torch_reason(TorchAllocatorMeter("GPU.0"))
    assert reason == "device 'GPU.0' is not a CUDA device of PyTorch's"


@pytest.mark.slow
def test_real_torch_without_cuda_is_skipped() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_initialized():
        pytest.skip("this process uses CUDA")
    reason = _torch_reason(TorchAllocatorMeter("cuda:0"))
    assert reason == "PyTorch did not use CUDA in the measuring process"


class FakeCore:
    """An `openvino.Core` with a GPU that holds what it is told to."""

    def __init__(self, **megabytes: int) -> None:
        self.holds(**megabytes)
        self.asked: list[tuple[str, str]] = []

    def holds(self, **megabytes: int) -> None:
        kinds = dict.fromkeys(("unknown", "cl_mem", "usm_host", "usm_shared", "usm_device"), 0)
        self._bytes = kinds | {kind: size * MB for kind, size in megabytes.items()}

    def get_property(self, device: str, name: str) -> dict[str, int]:
        self.asked.append((device, name))
        return self._bytes


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The Cores that are known to have compiled a model."""
    known: list[Any] = []
    monkeypatch.setattr(openvino_devices, "_compiling", known)
    monkeypatch.delitem(sys.modules, allocators._OPTIMUM, raising=False)
    return known


def _openvino(meter: OpenvinoGpuMeter) -> Any:
    return meter.metrics(1)[OPENVINO_METRIC]


def test_openvino_memory_is_the_sum_of_all_kinds_at_the_end_of_the_fullest_phase(cores) -> None:
    core = FakeCore()
    cores.append(core)
    meter = OpenvinoGpuMeter("gpu.1")
    for phase, host, device in (("load", 10, 100), ("warmup", 30, 120), ("steady", 20, 120)):
        meter.start(phase)
        core.holds(usm_host=host, usm_device=device)
        meter.stop(phase)
    found = _openvino(meter)
    assert found.value == 150
    assert found.unit == "MB"
    assert found.metadata["by_kind_mb"] == {"usm_device": 120, "usm_host": 30}
    assert "it holds no peak" in found.metadata["method"]
    assert set(core.asked) == {("GPU.1", "GPU_MEMORY_STATISTICS")}


def test_openvino_forgets_an_earlier_case_but_for_its_load(cores) -> None:
    core = FakeCore(usm_device=100)
    cores.append(core)
    meter = OpenvinoGpuMeter("GPU")
    meter.stop("load")
    core.holds(usm_device=900)
    meter.stop("steady")
    meter.forget_case()
    core.holds(usm_device=120)
    meter.stop("steady")
    assert _openvino(meter).value == 120


def test_openvino_is_not_asked_before_the_model_has_used_the_gpu(cores) -> None:
    """The first question makes a Core's GPU ready, which is the model's to do."""
    core = FakeCore(usm_device=1)
    cores.append(core)
    OpenvinoGpuMeter("GPU").start("load")
    assert core.asked == []


def test_the_core_of_optimum_is_asked_where_ours_has_nothing(cores, monkeypatch) -> None:
    module = ModuleType(allocators._OPTIMUM)
    module.core = FakeCore(usm_device=70)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, allocators._OPTIMUM, module)
    meter = OpenvinoGpuMeter("GPU")
    meter.stop("load")
    assert _openvino(meter).value == 70
    cores.append(FakeCore(usm_device=80))
    meter.stop("steady")
    assert _openvino(meter).value == 80


def test_a_core_that_holds_nothing_is_not_a_measurement(cores) -> None:
    cores.append(FakeCore())
    meter = OpenvinoGpuMeter("GPU")
    meter.stop("load")
    found = _openvino(meter)
    assert found.status == "skipped"
    assert "hold nothing on the GPU" in str(found.error_message)


def test_without_a_known_core_it_is_skipped(cores) -> None:
    meter = OpenvinoGpuMeter("GPU")
    meter.stop("load")
    assert str(_openvino(meter).error_message) == (
        "no OpenVINO Core that compiled a model is known in the measuring process"
    )


@pytest.mark.parametrize("device", ["CPU", "NPU", "AUTO:GPU", "cuda"])
def test_other_devices_are_skipped_and_no_core_is_asked(cores, device: str) -> None:
    core = FakeCore(usm_device=1)
    cores.append(core)
    meter = OpenvinoGpuMeter(device)
    meter.start("load")
    meter.stop("load")
    found = _openvino(meter)
    assert found.status == "skipped"
    words = "the processor" if device == "CPU" else "not a GPU"
    assert f"device {device!r} is {words}" in str(found.error_message)
    assert core.asked == []


@pytest.mark.slow
def test_a_real_core_without_a_gpu_gives_the_reason(monkeypatch) -> None:
    core = openvino_devices.openvino_core()
    if any(device.startswith("GPU") for device in core.available_devices):
        pytest.skip("there is a GPU here")
    monkeypatch.delitem(sys.modules, allocators._OPTIMUM, raising=False)
    meter = OpenvinoGpuMeter("GPU")
    meter.stop("load")
    found = _openvino(meter)
    assert found.status == "skipped"
    assert "OpenVINO does not say what its GPU uses: RuntimeError" in str(found.error_message)


@pytest.mark.slow
def test_models_are_compiled_by_one_core_and_questions_alone_do_not_count(monkeypatch) -> None:
    monkeypatch.setattr(openvino_devices, "_compiling", [])
    openvino_devices.present_devices()
    assert openvino_devices.compiling_cores() == []
    core = openvino_devices.openvino_core()
    assert openvino_devices.openvino_core() is core
    assert openvino_devices.compiling_cores() == [core]
