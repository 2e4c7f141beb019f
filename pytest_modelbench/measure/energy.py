"""Energy of the timed calls: of the processor packages by RAPL, of an NVIDIA GPU by NVML."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pytest_modelbench.errors import Unavailable
from pytest_modelbench.measure.meter import Phase
from pytest_modelbench.measure.nvml import cuda_index, device_handle, error_text, open_nvml
from pytest_modelbench.measure.processor import reason_without
from pytest_modelbench.results.metric import Metric, measured, skipped

UNIT = "J/item"
POWERCAP = Path("/sys/class/powercap")
# Parts of a package (core, uncore, dram) are numbered once more: intel-rapl:0:1.
_DOMAIN = re.compile(r"intel-rapl:\d+")
# No package draws as much for long; until it has drawn a whole counter's worth, at most one
# wrap-around can have happened (262 kJ on common processors: nine minutes at this power).
MOST_WATTS = 500.0


class Counter(Protocol):
    """Something that counts the energy used. Everything here raises `Unavailable`."""

    source: str
    scope: str
    step_seconds: float
    """How long the counter may stand still while energy is used."""

    def read(self) -> Sequence[int]:
        """The counts now, in units of its own."""

    def joules(self, before: Sequence[int], after: Sequence[int], seconds: float) -> float:
        """What was used between two readings, `seconds` apart."""


class PackageCounter:
    """RAPL counters of all processor packages, in microjoules that start anew at a limit."""

    source = "RAPL"
    scope = "the whole processor package, whatever runs on it"
    step_seconds = 0.001

    def __init__(self, powercap: Path = POWERCAP) -> None:
        names = {
            domain: _text(domain / "name")
            for domain in (sorted(powercap.iterdir()) if powercap.is_dir() else ())
            if _DOMAIN.fullmatch(domain.name)
        }
        # `psys` counts the whole board, its packages included.
        packages = [domain for domain, name in names.items() if name.startswith("package")]
        if not packages:
            raise Unavailable("this machine shows no energy counters of its processors (RAPL)")
        self._files = [package / "energy_uj" for package in packages]
        self._limits = [_number(package / "max_energy_range_uj") for package in packages]
        if len(packages) > 1:
            self.scope = f"all {len(packages)} processor packages, whatever runs on them"

    def read(self) -> Sequence[int]:
        return [_number(file) for file in self._files]

    def joules(self, before: Sequence[int], after: Sequence[int], seconds: float) -> float:
        if seconds * MOST_WATTS > min(self._limits) / 1e6:
            raise Unavailable(
                f"in {seconds:.0f} s the processor's energy counter may have started anew more "
                "than once"
            )
        # `%` undoes the wrap-around: the counter goes from its limit to 0.
        used = zip(before, after, self._limits, strict=True)
        return sum((end - begin) % limit for begin, end, limit in used) / 1e6


class GpuCounter:
    """NVML's counter of one GPU, in millijoules since the driver was loaded."""

    source = "NVML"
    scope = "the whole GPU, whatever runs on it"
    step_seconds = 0.1

    def __init__(self, device: str) -> None:
        self._nvml = open_nvml()
        self._handle = device_handle(self._nvml, device)

    def read(self) -> Sequence[int]:
        try:
            return [int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))]
        except self._nvml.NVMLError as error:
            raise Unavailable(f"NVML has no energy counter here: {error_text(error)}") from None

    def joules(self, before: Sequence[int], after: Sequence[int], seconds: float) -> float:
        if after[0] < before[0]:
            raise Unavailable("the GPU's energy counter went backwards: the driver was loaded anew")
        return (after[0] - before[0]) / 1e3


class Account:
    """What a counter counted while running, and why it cannot be said where it cannot."""

    def __init__(self, counter: Counter | Unavailable) -> None:
        self._counter = counter
        self.reset()

    def reset(self) -> None:
        self._joules = self._seconds = 0.0
        self._parts = 0
        self._begun: tuple[Sequence[int], float] | None = None
        self._why_not = ""

    def start(self) -> None:
        if isinstance(self._counter, Unavailable) or self._why_not:
            return
        try:
            self._begun = self._counter.read(), time.perf_counter()
        except Unavailable as reason:
            self._why_not = str(reason)

    def stop(self) -> None:
        begun, self._begun = self._begun, None
        if isinstance(self._counter, Unavailable) or begun is None:
            return
        try:
            now, seconds = self._counter.read(), time.perf_counter() - begun[1]
            self._joules += self._counter.joules(begun[0], now, seconds)
        except Unavailable as reason:
            self._why_not = str(reason)
            return
        self._seconds += seconds
        self._parts += 1

    def metric(self, items: float) -> Metric:
        """Joules for each of `items` samples."""
        if isinstance(self._counter, Unavailable):
            return skipped(str(self._counter), UNIT)
        if self._why_not:
            return skipped(self._why_not, UNIT)
        if not self._parts or not items:
            return skipped("no sample was answered in a timed call", UNIT)
        if not self._joules:
            return skipped(self._stood_still(self._counter), UNIT)
        return measured(self._joules / items, UNIT, **self._notes(self._counter, items))

    def _stood_still(self, counter: Counter) -> str:
        return (
            f"the energy counter ({counter.source}) did not move in the {self._seconds:.3g} s of "
            f"timed calls: it counts in steps of up to {counter.step_seconds * 1e3:g} ms"
        )

    def _notes(self, counter: Counter, items: float) -> Mapping[str, Any]:
        return {
            "joules": self._joules,
            "seconds": self._seconds,
            "watts": self._joules / self._seconds,
            "samples": items,
            "source": counter.source,
            "scope": counter.scope,
            # Each part begins and ends somewhere within a step.
            "uncertainty_share": min(1.0, counter.step_seconds * self._parts / self._seconds),
        }


class EnergyMeter:
    """`cpu_joules_per_item` and `gpu_joules_per_item`, of the steady state alone.

    The counters are opened here, before any phase: their library's memory is not the model's.
    """

    def __init__(self, device: str, powercap: Path = POWERCAP) -> None:
        self._accounts = {
            "cpu_joules_per_item": Account(_package_counter(powercap)),
            "gpu_joules_per_item": Account(_gpu_counter(device)),
        }

    def start(self, phase: Phase) -> None:
        if phase == "steady":
            for account in self._accounts.values():
                account.start()

    def stop(self, phase: Phase) -> None:
        if phase == "steady":
            for account in self._accounts.values():
                account.stop()

    def forget_case(self) -> None:
        for account in self._accounts.values():
            account.reset()

    def metrics(self, items: float) -> dict[str, Metric]:
        return {name: account.metric(items) for name, account in self._accounts.items()}

    def close(self) -> None:
        """Nothing was started."""


def _package_counter(powercap: Path) -> Counter | Unavailable:
    try:
        return PackageCounter(powercap)
    except Unavailable as reason:
        return reason


def _gpu_counter(device: str) -> Counter | Unavailable:
    if cuda_index(device) is None:
        other = f"there is no energy counter for device {device!r}: NVML's is NVIDIA's"
        return Unavailable(reason_without(device, other))
    try:
        return GpuCounter(device)
    except Unavailable as reason:
        return reason


def _number(file: Path) -> int:
    text = _text(file)
    if not text.isdecimal():
        raise Unavailable(f"the processor's energy counter {file} holds {text!r}, not a number")
    return int(text)


def _text(file: Path) -> str:
    """A counter's file. Raises `Unavailable` where it cannot be read."""
    try:
        return file.read_text().strip()
    except PermissionError:
        raise Unavailable(
            "the processor's energy counters (RAPL) can be read by root only: "
            f"make {file} readable to measure energy"
        ) from None
    except OSError as error:
        raise Unavailable(
            f"the processor's energy counter {file} cannot be read: {error.strerror}"
        ) from None
