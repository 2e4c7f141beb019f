"""On a machine with an NVIDIA GPU: 256 MB of tensors are seen by every meter of device memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

SIZE_MB = 256
MEASURE = f"""
import json, sys, time, warnings
from pytest_modelbench.measure.allocators import TorchAllocatorMeter
from pytest_modelbench.measure.energy import EnergyMeter
from pytest_modelbench.measure.meter import Meters
from pytest_modelbench.measure.vram import VramMeter

meters = Meters((EnergyMeter("cuda:0"), VramMeter("cuda:0"), TorchAllocatorMeter("cuda:0")))
with meters.phase("load"):
    import torch
    kept = torch.zeros(1, device="cuda:0")
with meters.phase("steady"):
    buffer = torch.empty({SIZE_MB} * 1_000_000, dtype=torch.uint8, device="cuda:0").fill_(1)
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        buffer += 1
    torch.cuda.synchronize()
    del buffer
    torch.cuda.empty_cache()
print(json.dumps({{name: m.model_dump(mode="json") for name, m in meters.metrics(1).items()}}))
meters.close()
"""


@pytest.fixture(scope="module")
def found() -> dict:
    """The metrics of a process that holds a buffer for a second while steady."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs an NVIDIA GPU and PyTorch for it")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_pytorchs_peak_is_exact(found: dict) -> None:
    assert found["torch_peak_allocated_mb"]["value"] == pytest.approx(SIZE_MB, rel=0.01)
    reserved = found["torch_peak_reserved_mb"]["value"]
    assert SIZE_MB <= reserved <= SIZE_MB * 1.25


def test_the_device_saw_the_buffer_and_cudas_own_context(found: dict) -> None:
    """A context is about 200 to 600 MB, and is not there before the first tensor."""
    metric = found["device_vram_increase_mb"]
    if metric["status"] == "skipped":
        pytest.skip(metric["error_message"])
    assert SIZE_MB <= metric["value"] <= SIZE_MB + 2000
    peak = found["device_peak_vram_mb"]
    assert peak["value"] == pytest.approx(metric["value"] + peak["metadata"]["baseline_mb"])


def test_the_process_has_the_buffer_or_the_reason(found: dict) -> None:
    metric = found["peak_vram_mb"]
    if metric["status"] == "skipped":
        pytest.skip(metric["error_message"])
    assert SIZE_MB <= metric["value"] <= SIZE_MB + 2000
    assert metric["metadata"]["looks"] > 20


def test_a_second_of_work_took_energy(found: dict) -> None:
    metric = found["gpu_joules_per_item"]
    if metric["status"] == "skipped":
        pytest.skip(metric["error_message"])
    assert 5 <= metric["metadata"]["watts"] <= 2000
