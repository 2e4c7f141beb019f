"""One lock per physical device: real processes never hold one at once, and death frees it."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_modelbench.execution.locks import DeviceLock, default_folder
from pytest_modelbench.execution.physical_devices import physical_devices

# Takes the lock over and over, and says when it has it and when it gives it back.
HOLDER = """
import sys, time
from pathlib import Path
from pytest_modelbench.execution.locks import DeviceLock
from pytest_modelbench.execution.physical_devices import physical_devices

device, folder, times, seconds, log = sys.argv[1:]
for _ in range(int(times)):
    lock = DeviceLock(physical_devices(device), Path(folder))
    lock.acquire()
    start = time.monotonic_ns()
    time.sleep(float(seconds))
    with open(log, "a") as file:
        file.write(f"{start} {time.monotonic_ns()}\\n")
    lock.release()
"""


def hold(
    device: str, folder: Path, log: Path, times: int = 1, seconds: float = 0.0
) -> subprocess.Popen[bytes]:
    arguments = [device, str(folder), str(times), str(seconds), str(log)]
    return subprocess.Popen([sys.executable, "-c", HOLDER, *arguments])


def spans(log: Path) -> list[tuple[int, int]]:
    lines = log.read_text().splitlines() if log.exists() else []
    return sorted((int(start), int(end)) for start, end in map(str.split, lines))


def overlaps(times: list[tuple[int, int]]) -> int:
    return sum(later[0] < earlier[1] for earlier, later in itertools.pairwise(times))


def wait_until(folder: Path, name: str) -> None:
    """Until some process holds the lock."""
    import filelock

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            filelock.FileLock(folder / f"{name}.lock", timeout=0).acquire().lock.release()
        except (filelock.Timeout, FileNotFoundError):
            if (folder / f"{name}.lock").exists():
                return
        time.sleep(0.01)
    raise AssertionError("nobody took the lock")


@pytest.mark.parametrize(
    ("one", "other"), [("CPU", "CPU"), ("GPU", "GPU.0"), ("HETERO:GPU.1,CPU", "HETERO:CPU,GPU.1")]
)
def test_two_processes_never_hold_a_device_at_once(tmp_path: Path, one: str, other: str) -> None:
    """Several devices are taken in one order, so that neither waits for the other for ever."""
    log = tmp_path / "log"
    children = [hold(device, tmp_path, log, 15, 0.01) for device in (one, other)]
    assert [child.wait(timeout=300) for child in children] == [0, 0]
    times = spans(log)
    assert len(times) == 30
    assert overlaps(times) == 0


def test_different_devices_are_held_at_the_same_time(tmp_path: Path) -> None:
    """Otherwise the test above could not fail."""
    log = tmp_path / "log"
    children = [hold(device, tmp_path, log, 6, 0.5) for device in ("GPU.0", "GPU.1")]
    assert [child.wait(timeout=300) for child in children] == [0, 0]
    assert overlaps(spans(log)) > 0


def test_a_killed_process_frees_its_device(tmp_path: Path) -> None:
    killed = hold("CPU", tmp_path, tmp_path / "never", 1, 60)
    try:
        wait_until(tmp_path, "CPU")
        waiting = hold("CPU", tmp_path, tmp_path / "log")
        time.sleep(0.3)
        assert waiting.poll() is None
        os.kill(killed.pid, signal.SIGKILL)
        assert waiting.wait(timeout=20) == 0
    finally:
        killed.kill()
        killed.wait()
    assert len(spans(tmp_path / "log")) == 1


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    lock = DeviceLock(physical_devices("AUTO"), tmp_path)
    for _ in range(3):
        lock.acquire()
        lock.release()
    assert {file.stem for file in tmp_path.glob("*.lock")} <= {"CPU", "GPU.0", "GPU.1", "NPU"}


def test_a_lock_that_fails_half_way_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "GPU.1.lock").mkdir()  # no file, so that the second device cannot be taken
    with pytest.raises(OSError, match=re.escape("GPU.1.lock")):
        DeviceLock(physical_devices("HETERO:GPU.1,CPU"), tmp_path).acquire()
    assert hold("CPU", tmp_path, tmp_path / "log").wait(timeout=20) == 0


@pytest.mark.parametrize(
    ("device", "names"),
    [
        ("CPU", ["CPU"]),
        ("GPU", ["GPU.0"]),
        ("GPU.0", ["GPU.0"]),
        ("GPU.1", ["GPU.1"]),
        ("cuda", ["CUDA_0"]),
        ("CUDA:0", ["CUDA_0"]),
        ("cpu", ["CPU"]),
        ("cpu:0", ["CPU"]),
        ("gpu", ["GPU.0"]),
        ("cuda:12", ["CUDA_12"]),
        ("AUTO", ["CPU", "GPU.0", "GPU.1", "NPU"]),
        ("AUTO:GPU,CPU", ["CPU", "GPU.0"]),
        ("AUTO:-CPU,GPU.1", ["GPU.1"]),
        ("AUTO:-NPU", ["CPU", "GPU.0", "GPU.1"]),
        ("AUTO:-GPU", ["CPU", "GPU.1", "NPU"]),
        ("MULTI:NPU,GPU", ["GPU.0", "NPU"]),
        ("HETERO:GPU.1,CPU", ["CPU", "GPU.1"]),
        ("HETERO:CPU,GPU.1", ["CPU", "GPU.1"]),
        ("BATCH:GPU(4)", ["GPU.0"]),
        ("../../etc/passwd", [".._.._ETC_PASSWD"]),
    ],
)
def test_a_device_name_stands_for_physical_devices_in_one_order(
    device: str, names: list[str]
) -> None:
    assert physical_devices(device) == names


def test_every_worker_of_a_user_looks_in_the_same_folder() -> None:
    code = "from pytest_modelbench.execution.locks import default_folder; print(default_folder())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(default_folder())
