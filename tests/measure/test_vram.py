"""Device memory, by the real watching process and the real pynvml on a stand-in library."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_modelbench.catalogue import VRAM_METRICS as METRICS
from pytest_modelbench.measure.vram import VramMeter
from pytest_modelbench.measure.vram_watcher import VramWatch, ancestry, in_own_pid_namespace
from pytest_modelbench.results.metric import Metric

MB = 1_000_000
OWN = os.getpid()
PHASES = ("load", "warmup", "steady")


@pytest.fixture
def meter() -> Iterator[VramMeter]:
    meter = VramMeter("cuda")
    yield meter
    meter.close()


@pytest.fixture
def uses(nvml) -> Callable[..., None]:
    """The device is used so much, by this process so much; returns once that was seen."""

    def use(device: int, process: int | None = None, *more: str, seen: bool = True) -> None:
        own = () if process is None else (f"compute 0 {OWN} {process}",)
        nvml.says("count 1", f"used 0 {device}", *own, *more)
        if seen:
            nvml.was_looked_at()

    return use


def _values(meter: VramMeter) -> dict[str, float | None]:
    return {name: metric.value for name, metric in meter.metrics(1).items()}


def _reasons(metrics: dict[str, Metric]) -> set[str]:
    assert set(metrics) == set(METRICS)
    assert {metric.status for metric in metrics.values()} == {"skipped"}
    return {str(metric.error_message) for metric in metrics.values()}


def test_the_peak_is_the_highest_of_all_phases_and_the_increase_is_from_before_loading(
    uses, meter
) -> None:
    uses(100 * MB, seen=False)
    meter.start("load")
    uses(400 * MB, 300 * MB)
    meter.stop("load")
    meter.start("warmup")
    uses(900 * MB, 700 * MB)
    uses(500 * MB, 400 * MB)
    meter.stop("warmup")
    meter.start("steady")
    meter.stop("steady")
    assert _values(meter) == {
        "peak_vram_mb": 700,
        "device_peak_vram_mb": 900,
        "device_vram_increase_mb": 800,
    }


def test_a_short_peak_between_two_readings_is_sampled(uses, meter) -> None:
    uses(100 * MB, seen=False)
    meter.start("steady")
    uses(600 * MB, 500 * MB)
    uses(100 * MB, 50 * MB)
    meter.stop("steady")
    assert _values(meter)["peak_vram_mb"] == 500


def test_the_next_case_of_a_loaded_model_counts_from_before_loading(uses, meter) -> None:
    uses(100 * MB, seen=False)
    meter.start("load")
    uses(400 * MB, 300 * MB)
    meter.stop("load")
    meter.start("steady")
    uses(900 * MB, 800 * MB)
    uses(400 * MB, 300 * MB)
    meter.stop("steady")
    meter.forget_case()
    meter.start("steady")
    uses(450 * MB, 350 * MB)
    meter.stop("steady")
    assert _values(meter) == {
        "peak_vram_mb": 350,
        "device_peak_vram_mb": 450,
        "device_vram_increase_mb": 350,
    }


def test_a_look_takes_its_own_time_from_the_interval(nvml) -> None:
    code = (
        "from pytest_modelbench.measure.vram_watcher import VramWatch\n"
        f"watch = VramWatch({OWN}, 'cuda', 0.01)\n"
        "print(*(watch.look() for _ in range(20)))"
    )
    assert all(0.001 <= float(pause) < 0.01 for pause in nvml.run(code).split())


def test_between_phases_nothing_counts(uses, meter) -> None:
    uses(100 * MB, 10 * MB, seen=False)
    meter.start("warmup")
    meter.stop("warmup")
    uses(900 * MB, 800 * MB, seen=False)
    uses(100 * MB, 10 * MB, seen=False)
    meter.start("steady")
    meter.stop("steady")
    assert _values(meter)["peak_vram_mb"] == 10


def test_how_it_was_measured_is_told(uses, meter) -> None:
    uses(100 * MB, 20 * MB, "reserved 0 7000000", seen=False)
    for phase in PHASES:
        meter.start(phase)
        uses(100 * MB, 20 * MB, "reserved 0 7000000")
        meter.stop(phase)
    found = meter.metrics(1)
    notes = found["peak_vram_mb"].metadata
    assert notes["method"] == "NVML, sampled every 10 ms"
    assert notes["scope"] == "this process and those it started"
    assert notes["baseline_mb"] == 20
    assert notes["looks"] >= 6
    assert 1 <= notes["mean_interval_ms"] <= notes["longest_interval_ms"]
    assert found["device_peak_vram_mb"].value == 100
    assert found["device_peak_vram_mb"].metadata["scope"] == (
        "the whole device, whoever uses it; in use, without what the driver reserves"
    )
    assert {metric.unit for metric in found.values()} == {"MB"}


def test_an_old_driver_counts_what_it_reserves_and_that_is_told(uses, meter) -> None:
    old = ("reserved 0 7000000", "fail nvmlDeviceGetMemoryInfo_v2 13")
    uses(100 * MB, 20 * MB, *old, seen=False)
    meter.start("load")
    meter.stop("load")
    found = meter.metrics(1)["device_peak_vram_mb"]
    assert found.value == 107
    assert found.metadata["scope"].endswith("in use, with what the driver reserves")


def test_processes_that_this_one_started_count_and_others_do_not(uses, meter) -> None:
    # A child that has a child, both of which wait for their standard input to close.
    code = (
        "import subprocess, sys\n"
        "wait = [sys.executable, '-c', 'import sys; sys.stdin.read()']\n"
        "print(subprocess.Popen(wait).pid, flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        grandchild = int(child.stdout.readline())
        others = (
            f"compute 0 {child.pid} {20 * MB}",
            f"graphics 0 {grandchild} {3 * MB}",
            f"compute 0 {os.getppid()} {500 * MB}",
        )
        uses(900 * MB, 100 * MB, *others, seen=False)
        meter.start("steady")
        meter.stop("steady")
        child.communicate("", timeout=300)
    assert _values(meter)["peak_vram_mb"] == 123


def test_a_process_that_draws_and_computes_counts_once(uses, meter) -> None:
    uses(100 * MB, 40 * MB, f"graphics 0 {OWN} {40 * MB}", seen=False)
    meter.start("steady")
    meter.stop("steady")
    assert _values(meter)["peak_vram_mb"] == 40


def test_memory_that_nvml_keeps_back_is_skipped_with_the_reason(uses, meter) -> None:
    uses(100 * MB, -1, seen=False)
    meter.start("steady")
    meter.stop("steady")
    found = meter.metrics(1)
    assert found["peak_vram_mb"].status == "skipped"
    assert "NVML does not say how much memory a process uses here (WSL" in str(
        found["peak_vram_mb"].error_message
    )
    assert found["device_peak_vram_mb"].value == 100


def test_a_process_that_is_not_listed_is_skipped_with_the_reason(uses, meter) -> None:
    uses(100 * MB, None, f"compute 0 1 {50 * MB}", seen=False)
    meter.start("steady")
    meter.stop("steady")
    found = meter.metrics(1)
    assert found["peak_vram_mb"].status == "skipped"
    assert f"NVML does not list process {OWN}" in str(found["peak_vram_mb"].error_message)
    assert found["device_peak_vram_mb"].value == 100


def test_an_unsupported_query_is_skipped_with_the_reason(uses, meter) -> None:
    uses(
        100 * MB,
        50 * MB,
        "fail nvmlDeviceGetComputeRunningProcesses_v3 3",
        "fail nvmlDeviceGetMemoryInfo_v2 3",
        "fail nvmlDeviceGetMemoryInfo 3",
        seen=False,
    )
    meter.start("steady")
    meter.stop("steady")
    found = meter.metrics(1)
    assert [str(found[name].error_message) for name in METRICS] == [
        "NVML does not say which processes use the device: Not Supported",
        "NVML does not say how much memory of the device is in use: Not Supported",
        "NVML does not say how much memory of the device is in use: Not Supported",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("mig 0 1", "split by MIG"),
        ("fail nvmlInitWithFlags 9", "the NVIDIA driver is not loaded"),
        ("fail nvmlDeviceGetCount_v2 999", "NVML cannot say which GPU 'cuda' is: Unknown Error"),
    ],
)
def test_what_nvml_cannot_do_is_the_reason(uses, meter, line: str, reason: str) -> None:
    uses(100 * MB, 50 * MB, line, seen=False)
    meter.start("load")
    meter.stop("load")
    (found,) = _reasons(meter.metrics(1))
    assert reason in found


@pytest.mark.parametrize("device", ["CPU", "GPU.1", "AUTO:GPU,CPU", "https://example.test/v1"])
def test_other_devices_are_skipped_without_a_process_or_pynvml(device: str) -> None:
    code = (
        "import sys, subprocess\n"
        "def refuse(*arguments, **options): raise AssertionError('a process was started')\n"
        "subprocess.Popen = refuse\n"
        "from pytest_modelbench.measure.vram import VramMeter\n"
        f"meter = VramMeter({device!r})\n"
        "for phase in ('load', 'warmup', 'steady'):\n"
        "    meter.start(phase); meter.stop(phase)\n"
        "print({metric.error_message for metric in meter.metrics(1).values()})\n"
        "meter.close()\n"
        "assert 'pynvml' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    words = "the processor" if device == "CPU" else "not a CUDA device"
    assert f"device {device!r} is {words}" in done.stdout


def test_a_watching_process_that_dies_is_an_error_and_not_a_number(uses, meter) -> None:
    uses(100 * MB, 50 * MB, seen=False)
    meter.start("load")
    assert meter._watcher is not None
    assert meter._watcher._process is not None
    meter._watcher._process.kill()
    meter.stop("load")
    meter.start("steady")
    meter.stop("steady")
    found = meter.metrics(1)
    assert {metric.status for metric in found.values()} == {"error"}
    assert "has ended" in str(found["peak_vram_mb"].error_message)


def test_without_any_phase_there_is_no_number(meter) -> None:
    assert _reasons(meter.metrics(0)) == {"no phase of the case was measured"}


def test_in_a_container_process_ids_of_the_host_are_not_taken_for_its_own() -> None:
    """NVML of older drivers lists the host's ids: one of them may be ours by chance."""
    watch = VramWatch(OWN, "CPU", 0.01)  # not a device of NVML's: only the counting is looked at
    absent = 2**22 + 1  # beyond any process id
    listed = {OWN: 100, absent: 200}
    watch._container = False
    assert watch._attributed(dict(listed)) == 100
    watch._container = True
    assert watch._attributed(dict(listed)) is None
    assert "NVML numbers processes as the host does" in watch.report()["process"]["reason"]
    assert watch._attributed({OWN: 100}) == 100


def test_descent_is_followed_whatever_a_process_is_called(tmp_path: Path) -> None:
    for pid, parent in ((30, 20), (20, 10), (10, 0)):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} (a ) S 99 b) S {parent} 1 1 0")
    assert list(ancestry(30, tmp_path)) == [30, 20, 10]
    assert list(ancestry(40, tmp_path)) == [40]


def test_a_namespace_of_process_ids_is_known_by_its_number(tmp_path: Path) -> None:
    link = tmp_path / "pid"
    assert not in_own_pid_namespace(link)
    link.symlink_to("pid:[4026531836]")
    assert not in_own_pid_namespace(link)
    link.unlink()
    link.symlink_to("pid:[4026532207]")
    assert in_own_pid_namespace(link)
