"""Energy of the timed calls, from a directory tree like the kernel's and from a stand-in NVML."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_modelbench.measure import energy
from pytest_modelbench.measure.energy import EnergyMeter

JOULE = 1_000_000
RANGE = 262_143 * JOULE
CPU, GPU = "cpu_joules_per_item", "gpu_joules_per_item"


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock, which stands still but for what a test adds to `now`."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(energy.time, "perf_counter", lambda: clock.now)
    return clock


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., Path]:
    """Writes a domain of the kernel's powercap tree; gives its counter."""

    def write(domain: str, name: str, microjoules: int, limit: int = RANGE) -> Path:
        folder = tmp_path / domain
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n")
        (folder / "max_energy_range_uj").write_text(f"{limit}\n")
        counter = folder / "energy_uj"
        counter.write_text(f"{microjoules}\n")
        return counter

    return write


def test_joules_of_all_parts_of_the_steady_state_are_divided_by_the_samples(
    package, seconds, tmp_path
) -> None:
    counter = package("intel-rapl:0", "package-0", 5 * JOULE)
    meter = EnergyMeter("CPU", tmp_path)
    for phase, used in (("load", 70), ("warmup", 30), ("steady", 6), ("steady", 4)):
        meter.start(phase)
        counter.write_text(str(int(counter.read_text()) + used * JOULE))
        seconds.now += 0.5
        meter.stop(phase)
    found = meter.metrics(20)[CPU]
    assert found.value == pytest.approx(0.5)
    assert found.unit == "J/item"
    assert found.metadata == {
        "joules": pytest.approx(10),
        "seconds": pytest.approx(1.0),
        "watts": pytest.approx(10),
        "samples": 20,
        "source": "RAPL",
        "scope": "the whole processor package, whatever runs on it",
        "uncertainty_share": pytest.approx(0.002),
    }


def test_packages_are_added_and_their_parts_and_the_board_are_not(
    package, seconds, tmp_path
) -> None:
    counters = [
        package("intel-rapl:0", "package-0", 0),
        package("intel-rapl:1", "package-1", 0),
        package("intel-rapl:0:0", "core", 0),
        package("intel-rapl:0:1", "dram", 0),
        package("intel-rapl:2", "psys", 0),
        package("intel-rapl-mmio:0", "package-0", 0),
    ]
    meter = EnergyMeter("CPU", tmp_path)
    meter.start("steady")
    for counter in counters:
        counter.write_text(str(3 * JOULE))
    seconds.now += 1
    meter.stop("steady")
    found = meter.metrics(1)[CPU]
    assert found.value == pytest.approx(6)
    assert found.metadata["scope"] == "all 2 processor packages, whatever runs on them"


def test_a_counter_that_begins_anew_is_followed(package, seconds, tmp_path) -> None:
    counter = package("intel-rapl:0", "package-0", RANGE - 2 * JOULE)
    meter = EnergyMeter("CPU", tmp_path)
    meter.start("steady")
    counter.write_text(str(5 * JOULE))
    seconds.now += 1
    meter.stop("steady")
    assert meter.metrics(1)[CPU].value == pytest.approx(7)


def test_a_counter_that_may_have_begun_anew_twice_is_not_believed(
    package, seconds, tmp_path
) -> None:
    counter = package("intel-rapl:0", "package-0", 0, limit=65_532 * JOULE)
    meter = EnergyMeter("CPU", tmp_path)
    meter.start("steady")
    counter.write_text(str(5 * JOULE))
    seconds.now += 600
    meter.stop("steady")
    found = meter.metrics(1)[CPU]
    assert found.status == "skipped"
    assert "in 600 s the processor's energy counter may have started anew more than once" in str(
        found.error_message
    )


def test_another_case_begins_at_nothing(package, seconds, tmp_path) -> None:
    counter = package("intel-rapl:0", "package-0", 0)
    meter = EnergyMeter("CPU", tmp_path)
    for joules in (50, 52):
        meter.forget_case()
        meter.start("steady")
        counter.write_text(str(joules * JOULE))
        seconds.now += 1
        meter.stop("steady")
    assert meter.metrics(1)[CPU].value == pytest.approx(2)


def _reason(meter: EnergyMeter, name: str, items: int = 1) -> str:
    meter.start("steady")
    meter.stop("steady")
    found = meter.metrics(items)[name]
    assert found.status == "skipped"
    return str(found.error_message)


def test_a_counter_that_stands_still_is_no_energy_of_zero(package, seconds, tmp_path) -> None:
    package("intel-rapl:0", "package-0", 5 * JOULE)
    meter = EnergyMeter("CPU", tmp_path)
    meter.start("steady")
    seconds.now += 0.0004
    meter.stop("steady")
    found = meter.metrics(1)[CPU]
    assert found.status == "skipped"
    assert found.error_message == (
        "the energy counter (RAPL) did not move in the 0.0004 s of timed calls: it counts in steps "
        "of up to 1 ms"
    )


def test_without_answers_there_is_nothing_to_divide_by(package, tmp_path) -> None:
    counter = package("intel-rapl:0", "package-0", 0)
    meter = EnergyMeter("CPU", tmp_path)
    meter.start("steady")
    counter.write_text("7")
    assert _reason(meter, CPU, items=0) == "no sample was answered in a timed call"


def test_a_phase_that_is_not_steady_alone_gives_no_energy(package, tmp_path) -> None:
    package("intel-rapl:0", "package-0", 0)
    meter = EnergyMeter("CPU", tmp_path)
    meter.start("load")
    meter.stop("load")
    assert meter.metrics(3)[CPU].error_message == "no sample was answered in a timed call"


@pytest.mark.parametrize("folder", ["", "absent"])
def test_a_machine_without_counters_is_skipped(tmp_path: Path, folder: str) -> None:
    assert _reason(EnergyMeter("CPU", tmp_path / folder), CPU) == (
        "this machine shows no energy counters of its processors (RAPL)"
    )


def test_counters_for_root_only_are_skipped_and_say_so(package, tmp_path, monkeypatch) -> None:
    """Root may read any file: what the kernel answers other users is answered here for it."""
    counter = package("intel-rapl:0", "package-0", 0)
    meter = EnergyMeter("CPU", tmp_path)
    read_text = Path.read_text

    def refuse(path: Path, *arguments: object, **options: object) -> str:
        if path == counter:
            raise PermissionError(13, "Permission denied")
        return read_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", refuse)
    reason = _reason(meter, CPU)
    assert "can be read by root only" in reason
    assert str(counter) in reason


def test_a_counter_that_is_no_number_is_skipped(package, tmp_path) -> None:
    counter = package("intel-rapl:0", "package-0", 0)
    meter = EnergyMeter("CPU", tmp_path)
    counter.write_text("none")
    assert "holds 'none', not a number" in _reason(meter, CPU)
    counter.unlink()
    meter.forget_case()
    assert "cannot be read: No such file or directory" in _reason(meter, CPU)


def test_the_processor_has_no_counter_of_a_device(tmp_path: Path) -> None:
    assert _reason(EnergyMeter("CPU", tmp_path), GPU) == (
        "device 'CPU' is the processor: it has no memory and no counters of its own"
    )


@pytest.mark.parametrize("device", ["GPU.0", "https://example.test/v1"])
def test_other_devices_have_no_counter_of_nvmls(tmp_path: Path, device: str) -> None:
    assert _reason(EnergyMeter(device, tmp_path), GPU) == (
        f"there is no energy counter for device {device!r}: NVML's is NVIDIA's"
    )


GPU_PARTS = """
    import json, os, time
    from pathlib import Path
    from pytest_modelbench.measure.energy import EnergyMeter

    steering = Path(os.environ["NVML_STANDIN"])
    meter = EnergyMeter("cuda", Path("absent"))
    for phase, millijoules in {parts}:
        meter.start(phase)
        time.sleep(0.01)
        steering.write_text("count 1\\n" + millijoules)
        meter.stop(phase)
    found = meter.metrics({items})["gpu_joules_per_item"]
    print(json.dumps(found.model_dump(mode="json")))
"""


def _gpu(nvml, items: int, *parts: tuple[str, str]) -> dict:
    return json.loads(nvml.run(GPU_PARTS.format(parts=parts, items=items)))


def test_gpu_energy_is_that_of_the_steady_state(nvml) -> None:
    nvml.says("count 1", "energy 0 1000")
    parts = [("load", "energy 0 9000"), ("steady", "energy 0 14000"), ("steady", "energy 0 15000")]
    found = _gpu(nvml, 3, *parts)
    assert found["value"] == pytest.approx(2.0)
    notes = found["metadata"]
    assert notes["joules"] == pytest.approx(6.0)
    assert notes["source"] == "NVML"
    assert notes["scope"] == "the whole GPU, whatever runs on it"
    assert notes["seconds"] >= 0.02
    assert notes["uncertainty_share"] == pytest.approx(min(1.0, 0.2 / notes["seconds"]))


def test_a_gpu_counter_that_stands_still_is_no_energy_of_zero(nvml) -> None:
    nvml.says("count 1", "energy 0 1000")
    found = _gpu(nvml, 3, ("steady", "energy 0 1000"))
    assert found["status"] == "skipped"
    assert "(NVML) did not move in the 0." in found["error_message"]
    assert "steps of up to 100 ms" in found["error_message"]


def test_a_gpu_counter_that_begins_anew_is_not_believed(nvml) -> None:
    nvml.says("count 1", "energy 0 1000")
    found = _gpu(nvml, 3, ("steady", "energy 0 10"))
    assert found["error_message"] == (
        "the GPU's energy counter went backwards: the driver was loaded anew"
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("count 1", "NVML has no energy counter here: Not Supported"),
        ("fail nvmlInitWithFlags 9", "the NVIDIA driver is not loaded"),
        ("mig 0 1", "split by MIG"),
        ("fail nvmlDeviceGetTotalEnergyConsumption 15", "NVML has no energy counter here: GPU is"),
    ],
)
def test_why_there_is_no_gpu_energy_is_told(nvml, line: str, reason: str) -> None:
    nvml.says("count 1", line)
    found = _gpu(nvml, 3, ("steady", line))
    assert found["status"] == "skipped"
    assert reason in found["error_message"]
