"""Turns: many work at once, one times alone, nobody waits for ever, and death frees all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import comes_true

from pytest_modelbench.execution.locks import SharedLock
from pytest_modelbench.execution.turns import (
    HOLDING,
    TURN,
    WAITING,
    LockMode,
    Turns,
    lock_mode_from,
)

# Works or times over and over; notes what it did and from when to when.
PROCESS = """
import sys, time
from pathlib import Path
from pytest_modelbench.execution.turns import Turns

mode, what, device, times, seconds, log = sys.argv[1:]
turns = Turns(mode, folder=Path(log).parent)
for _ in range(int(times)):
    with turns.busy() if what == "busy" else turns.alone(device):
        start = time.monotonic_ns()
        time.sleep(float(seconds))
        with open(log, "a") as file:
            file.write(f"{what} {start} {time.monotonic_ns()}\\n")
"""


def process(
    log: Path,
    what: str,
    times: int,
    seconds: float,
    mode: str = "host",
    device: str = "CPU",
    *,
    is_part_of_turn: bool = False,
) -> subprocess.Popen[bytes]:
    arguments = [mode, what, device, str(times), str(seconds), str(log)]
    names = [name for name in os.environ if is_part_of_turn or name != TURN]
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, *arguments], env={name: os.environ[name] for name in names}
    )


def spans(log: Path, what: str) -> list[tuple[int, int]]:
    lines = [line.split() for line in log.read_text().splitlines()]
    return sorted((int(start), int(end)) for kind, start, end in lines if kind == what)


def crossings(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> int:
    return sum(a[0] < b[1] and b[0] < a[1] for a in one for b in other if a is not b)


def test_nobody_is_busy_or_times_while_another_times(tmp_path: Path) -> None:
    log = tmp_path / "log"
    children = [process(log, what, 12, 0.01) for what in ("alone", "alone", "busy", "busy")]
    assert [child.wait(timeout=300) for child in children] == [0] * 4
    alone, busy = spans(log, "alone"), spans(log, "busy")
    assert (len(alone), len(busy)) == (24, 24)
    assert crossings(alone, alone) == 0
    assert crossings(alone, busy) == 0


def test_busy_processes_overlap(tmp_path: Path) -> None:
    """Otherwise the test above could not fail, and workers would gain nothing."""
    log = tmp_path / "log"
    children = [process(log, "busy", 8, 0.3) for _ in range(2)]
    assert [child.wait(timeout=300) for child in children] == [0, 0]
    both = spans(log, "busy")
    assert crossings(both, both) > 0


def test_a_stream_of_busy_processes_does_not_keep_a_timing_one_waiting(tmp_path: Path) -> None:
    log = tmp_path / "log"
    crowd = [process(log, "busy", 400, 0.1) for _ in range(3)]
    try:
        time.sleep(0.5)
        timing = process(log, "alone", 1, 0.01)
        assert timing.wait(timeout=30) == 0
        assert all(child.poll() is None for child in crowd), "the crowd was not there any more"
    finally:
        for child in crowd:
            child.kill()
            child.wait()


@pytest.mark.parametrize("mode", ["device", "none"])
def test_without_the_host_lock_timing_is_not_alone_on_the_host(tmp_path: Path, mode: str) -> None:
    log = tmp_path / "log"
    children = [process(log, "alone", 6, 0.4, mode) for _ in range(2)]
    assert [child.wait(timeout=300) for child in children] == [0, 0]
    both = spans(log, "alone")
    assert crossings(both, both) > 0


def test_a_killed_process_frees_its_turn(tmp_path: Path) -> None:
    log = tmp_path / "log"
    killed = process(tmp_path / "never", "alone", 1, 60)
    try:
        deadline = time.monotonic() + 20
        probe = SharedLock(tmp_path / "host.lock")
        while probe.share(False):
            probe.release()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        waiting = process(log, "alone", 1, 0)
        time.sleep(0.3)
        assert waiting.poll() is None
        os.kill(killed.pid, signal.SIGKILL)
        assert waiting.wait(timeout=20) == 0
    finally:
        killed.kill()
        killed.wait()


FORKING = """
import ctypes, os, sys, time
from pathlib import Path
from pytest_modelbench.execution.turns import Turns

how, folder = sys.argv[1:]
turns = Turns(folder=Path(folder))
with turns.busy():
    # A library of C forks without the interpreter's knowledge.
    worker = ctypes.CDLL(None).fork() if how == "native" else os.fork()
    if worker == 0:  # such as multiprocessing starts, and it outlives all
        os.setsid()
        os.close(1)
        time.sleep(30)
        os._exit(0)
    print(worker, flush=True)
    if how == "dies":
        os._exit(0)
    with turns.alone("CPU"):  # not kept out by its own worker
        pass
print("done", flush=True)
time.sleep(30)
"""


@pytest.mark.parametrize("how", ["goes on", "dies", "native"])
def test_a_worker_that_was_forked_holds_no_turn(tmp_path: Path, how: str) -> None:
    command = [sys.executable, "-c", FORKING, how, str(tmp_path)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    try:
        assert parent.stdout.readline() == ("" if how == "dies" else "done\n")
        probe, deadline = SharedLock(tmp_path / "host.lock"), time.monotonic() + 10
        while not probe.take(False):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        probe.release()
    finally:
        os.kill(worker, signal.SIGKILL)
        parent.kill()
        parent.wait()
        parent.stdout.close()


def test_a_forked_process_leaves_the_turn_to_its_parent(tmp_path: Path) -> None:
    """Ending, or releasing what it seems to hold, it gives nothing away."""
    turns, other = Turns(folder=tmp_path), SharedLock(tmp_path / "host.lock")
    with turns.alone("CPU"):
        child = os.fork()
        if child == 0:
            turns._host.release()  # type: ignore[union-attr]
            os._exit(0)
        assert os.waitpid(child, 0) == (child, 0)
        assert not other.share(False)
    assert other.take(False)
    other.release()


def is_closed(lock: SharedLock) -> bool:
    """Whether somebody waits to be alone, whom nobody overtakes."""
    if lock.share(False):
        lock.release()
        return False
    return True


def test_waiting_is_told_and_counted_and_only_when_there_is_any(tmp_path: Path) -> None:
    told: list[bytes] = []
    turns = Turns("host", told.append, tmp_path)
    with turns.busy(), turns.alone("CPU"):
        pass
    assert told == []
    assert turns.waited_seconds == 0
    other = Turns("host", folder=tmp_path)
    probe = SharedLock(tmp_path / "host.lock")
    with other.busy():
        child = process(tmp_path / "log", "alone", 1, 2)
        assert comes_true(lambda: is_closed(probe))
        time.sleep(0.1)  # its first try, which does not wait, closes the gate for a moment, too
        assert child.poll() is None
    with turns.alone("CPU"):  # behind the child, which closed the gate first
        assert child.wait(timeout=20) == 0
    assert told == [WAITING, HOLDING]
    assert turns.waited_seconds > 0.1


def test_who_times_gives_up_being_busy_and_takes_it_up_again(tmp_path: Path) -> None:
    turns, other = Turns(folder=tmp_path), Turns(folder=tmp_path)
    with turns.busy():
        with turns.alone("CPU"):
            assert not other._host.share(False)  # type: ignore[union-attr]
        assert not other._host.take(False)  # type: ignore[union-attr]
        assert other._host.share(False)  # type: ignore[union-attr]
        other._host.release()  # type: ignore[union-attr]
    assert other._host.take(False)  # type: ignore[union-attr]


def test_what_is_timed_on_an_accelerator_leaves_the_host_to_others(tmp_path: Path) -> None:
    turns, other = Turns(folder=tmp_path), Turns(folder=tmp_path)
    with turns.busy(), turns.alone("GPU"):
        assert other._host.share(False)  # type: ignore[union-attr]
        other._host.release()  # type: ignore[union-attr]
        assert not other._host.take(False)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("mode", "device", "taken"),
    [
        ("host", "CPU", []),
        ("host", "GPU", ["GPU.0"]),
        ("host", "HETERO:GPU,CPU", ["GPU.0"]),
        ("device", "CPU", ["CPU"]),
        ("device", "HETERO:GPU,CPU", ["CPU", "GPU.0"]),
        ("none", "GPU", []),
    ],
)
def test_a_model_on_an_accelerator_has_it_for_as_long_as_it_is_loaded(
    tmp_path: Path, mode: LockMode, device: str, taken: list[str]
) -> None:
    lock = Turns(mode, folder=tmp_path).residence(device)
    assert sorted(file.stem for file in tmp_path.glob("*.lock")) == taken
    lock.release()


def test_what_a_timed_call_starts_does_not_wait_for_the_call(tmp_path: Path) -> None:
    turns = Turns(folder=tmp_path)
    for turn in (turns.alone("CPU"), turns.busy()):
        with turn:
            part = process(tmp_path / "log", "alone", 1, 0, is_part_of_turn=True)
            assert part.wait(timeout=20) == 0
    assert process(tmp_path / "log", "alone", 1, 0).wait(timeout=20) == 0


# A case on a device that takes the processor, too: several follow each other in one process.
CASES = """
import sys, time
from pathlib import Path
from pytest_modelbench.execution.turns import Turns

turns = Turns("host", folder=Path(sys.argv[1]))
for _ in range(6):
    with turns.busy():
        time.sleep(0.01)
        lock = turns.residence("AUTO")
        for _ in range(3):
            with turns.alone("AUTO"):
                time.sleep(0.01)
        lock.release()
"""


def test_waiting_for_a_device_and_for_the_host_never_block_each_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CASES, str(tmp_path)]
    children = [subprocess.Popen(command) for _ in range(3)]
    try:
        assert [child.wait(timeout=300) for child in children] == [0, 0, 0]
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_an_interrupt_while_timing_does_not_wait_for_others(tmp_path: Path) -> None:
    turns = Turns(folder=tmp_path)
    started: list[subprocess.Popen[bytes]] = []

    def measure() -> None:
        with turns.busy(), turns.alone("CPU"):
            started.append(process(tmp_path / "log", "alone", 1, 5))
            time.sleep(0.5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure()
    assert started[0].poll() is None, "it waited for the other one"
    assert started[0].wait(timeout=30) == 0


def test_a_call_that_empties_the_environment_does_not_keep_the_turn(tmp_path: Path) -> None:
    with Turns(folder=tmp_path).alone("CPU"):
        saved = dict(os.environ)
        os.environ.clear()
    assert TURN not in os.environ
    del saved[TURN]
    os.environ.update(saved)
    assert process(tmp_path / "log", "alone", 1, 0).wait(timeout=20) == 0


def test_the_mode_is_one_of_three_words() -> None:
    assert [lock_mode_from(word) for word in ("host", " Device", "none", "cpu", "")] == [
        "host", "device", "none", None, None,
    ]  # fmt: skip
