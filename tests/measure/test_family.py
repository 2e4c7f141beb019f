"""Who belongs to a process, and what each adds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from pytest_modelbench.measure.family import ProcFamily, PsutilFamily, family_of

SIZE = 100_000_000
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
Kind = type[ProcFamily] | type[PsutilFamily]


@contextmanager
def python(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that says a line when it is ready, and ends when its input does."""
    command = [sys.executable, "-S", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=30)


@contextmanager
def ready(code: str) -> Iterator[tuple[int, bytes]]:
    tail = "\nimport sys; print(end='\\n', flush=True); sys.stdin.read()"
    with python("-c", code + tail) as process:
        assert process.stdout is not None
        yield process.pid, process.stdout.readline()


@pytest.mark.parametrize("kind", [ProcFamily, PsutilFamily])
def test_a_child_adds_what_it_holds(kind: Kind) -> None:
    with ready(f"held = bytearray(b'x') * {SIZE}") as (pid, _):
        family = kind(os.getpid())
        sight = family.look()
        assert pid in set(family.pids())
        assert pid in family.seen
    assert sight.alive == 1
    assert sight.now == pytest.approx(SIZE, rel=0.1)
    assert family.look().alive == 0


@pytest.mark.parametrize("kind", [ProcFamily, PsutilFamily])
def test_a_process_that_watches_does_not_belong_to_it(kind: Kind) -> None:
    module = "pytest_modelbench.measure.family_watcher"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-S", "-m", module, str(os.getpid()), "mark"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as watcher:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        family = kind(os.getpid())
        assert family.look().alive == 0
        assert not set(family.pids())
        watcher.communicate(timeout=30)


def test_a_process_started_between_two_looks_is_found_though_nothing_was_there() -> None:
    family = ProcFamily(os.getpid())
    for _ in range(3):
        assert family.look().alive == 0
    with ready("pass"):
        assert family.look().alive == 1


def test_the_most_is_kept_while_the_process_lives_and_begins_anew_at_a_reset() -> None:
    with ready(f"held = bytearray(b'x') * {SIZE}; del held"):
        family = ProcFamily(os.getpid())
        sight = family.look()
        assert sight.now < 0.3 * SIZE
        assert sight.most == pytest.approx(SIZE, rel=0.1)
        family.reset()
        assert family.look().most < 0.3 * SIZE
    assert family.look().most == 0


def test_what_a_started_program_shares_with_its_own_forks_is_counted_once() -> None:
    code = (
        "import os, time\n"
        "os.setpgrp()\n"
        f"held = bytearray(b'x') * {SIZE}\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(60)\n"
        "import atexit, signal\n"
        "atexit.register(os.killpg, os.getpid(), signal.SIGKILL)\n"
    )
    with ready(code):
        family = ProcFamily(os.getpid())
        for _ in range(5):
            sight = family.look()
            time.sleep(0.01)
    assert len(family.seen) == 4
    assert sight.most == pytest.approx(SIZE, rel=0.1)


def test_a_process_whose_parent_has_ended_stays_in_the_family() -> None:
    outer = (
        "import subprocess, sys\n"
        "last = 'import sys; sys.stdin.read()'\n"
        "code = ('import subprocess, sys; print(1, flush=True); sys.stdin.readline()\\n'\n"
        '        f\'subprocess.Popen([sys.executable, "-S", "-c", {last!r}])\\n\'\n'
        "        'print(2, flush=True); sys.stdin.read()')\n"
        "subprocess.Popen([sys.executable, '-S', '-c', code])\n"
        "sys.stdout.flush(); sys.stdin = None\n"
        "import time; time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-S", "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        family = ProcFamily(os.getpid())
        assert family.look().alive == 2
        (inner,) = psutil.Process(process.pid).children()
        process.terminate()
        process.wait(timeout=30)
        assert family.look().alive == 1
        assert set(family.pids()) == {inner.pid}
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        assert family.look().alive == 2
        process.stdin.close()
        inner.wait(timeout=30)
    deadline = time.monotonic() + 30
    while family.look().alive and time.monotonic() < deadline:
        time.sleep(0.01)
    assert family.look().alive == 0


def test_linux_is_asked_where_it_can_tell() -> None:
    assert isinstance(family_of(os.getpid()), ProcFamily)


def test_a_process_that_is_not_there_has_no_family() -> None:
    for family in (ProcFamily(2**22 + 1), PsutilFamily(2**22 + 1)):
        assert family.look().alive == 0
