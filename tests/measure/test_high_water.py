"""What /proc says of a process's memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest
from fresh_memory import fresh_memory

from pytest_modelbench.measure.high_water import reset_high_water, resident_memory, sharing

SIZE = 100_000_000
NO_PROCESS = 2**22 + 1
"""Above the highest process id that Linux gives."""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


@contextmanager
def forked(action: Callable[[], object]) -> Iterator[int]:
    """A child of this process that has done `action` and keeps what that gave."""
    ready, tell = os.pipe()
    wait, let_go = os.pipe()
    pid = os.fork()
    if pid == 0:
        kept = action()
        os.write(tell, b"." if kept is not None else b"-")
        os.close(let_go)
        os.read(wait, 1)
        os._exit(0)
    try:
        os.read(ready, 1)
        yield pid
    finally:
        os.close(let_go)
        os.waitpid(pid, 0)
        for descriptor in (ready, tell, wait):
            os.close(descriptor)


def test_resident_memory_is_what_psutil_says() -> None:
    memory = resident_memory()
    assert memory is not None
    assert memory.now == pytest.approx(psutil.Process().memory_info().rss, rel=0.05)
    assert memory.high_water >= memory.now


def test_the_mark_keeps_a_peak_until_it_is_reset() -> None:
    assert reset_high_water()
    before = resident_memory()
    fresh_memory(SIZE).close()
    peak = resident_memory()
    assert reset_high_water()
    after = resident_memory()
    assert before is not None
    assert peak is not None
    assert after is not None
    assert peak.high_water - before.now == pytest.approx(SIZE, rel=0.02)
    assert after.high_water < peak.high_water - 0.9 * SIZE


def test_another_process_has_its_own_mark() -> None:
    code = f"b = bytearray(b'x') * {SIZE}; del b; print('ready', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        peak = resident_memory(child.pid)
        assert reset_high_water(child.pid)
        after = resident_memory(child.pid)
        child.communicate(b"\n", timeout=30)
    assert peak is not None
    assert after is not None
    assert peak.high_water == pytest.approx(SIZE, rel=0.2)
    assert after.high_water < 0.5 * SIZE


def test_a_fork_shares_what_it_inherited_and_not_what_it_made() -> None:
    inherited = fresh_memory(SIZE)
    with forked(lambda: fresh_memory(2 * SIZE)) as pid:
        seen = sharing(pid)
    assert len(inherited) == SIZE
    assert seen is not None
    assert seen.shared > SIZE
    assert seen.resident - seen.shared == pytest.approx(2 * SIZE, rel=0.05)
    assert seen.anonymous > 3 * SIZE


def test_of_a_process_that_is_not_there_nothing_is_said() -> None:
    assert resident_memory(NO_PROCESS) is None
    assert sharing(NO_PROCESS) is None
    assert not reset_high_water(NO_PROCESS)


def test_the_mark_of_a_process_that_has_ended_cannot_be_reset() -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert resident_memory(child.pid) is None
        assert not reset_high_water(child.pid)
