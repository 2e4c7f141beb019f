"""The meters that are read around the phases of a case."""

from __future__ import annotations

from pytest_modelbench.measure.allocators import OpenvinoGpuMeter, TorchAllocatorMeter
from pytest_modelbench.measure.energy import EnergyMeter
from pytest_modelbench.measure.meter import Meters
from pytest_modelbench.measure.ram import RamMeter
from pytest_modelbench.measure.vram import VramMeter


def case_meters(device: str) -> Meters:
    """Everything that is measured beside time, for a model on `device`."""
    return Meters(
        (
            # Started last, so that what the others need themselves is not the model's.
            EnergyMeter(device),
            VramMeter(device),
            TorchAllocatorMeter(device),
            OpenvinoGpuMeter(device),
            RamMeter(),
        )
    )
