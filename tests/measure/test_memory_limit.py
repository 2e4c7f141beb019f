"""A process that uses more memory than it may is ended, and why is written."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import psutil
import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.measure.memory_limit import limit_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")

WORDS = re.compile(r"used (\d+) MB, more than measure\.memory_limit_mb = (\S+): its process was")
PRELUDE = """
import subprocess, sys, time
from pytest_modelbench.measure.memory_limit import limit_memory

def touch(megabytes):
    return bytearray(b"x") * (megabytes * 1_000_000)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + code],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_process_above_its_limit_is_killed_and_the_reason_is_the_last_thing_it_says() -> None:
    process = run("limit = limit_memory(200); held = touch(300); time.sleep(30)")
    assert process.returncode == -9
    found = WORDS.search(process.stderr.splitlines()[-1])
    assert found is not None, process.stderr
    assert 200 < int(found[1]) < 350
    assert found[2] == "200"


def test_a_limit_that_is_already_exceeded_holds_at_once() -> None:
    process = run("limit_memory(5); print('not reached', flush=True)")
    assert process.returncode == -9
    assert not process.stdout
    assert WORDS.search(process.stderr)


def test_below_the_limit_nothing_happens() -> None:
    process = run(
        "limit = limit_memory(200); held = touch(100); time.sleep(0.3); limit.close(); print('ok')"
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "ok\n", "")


def test_a_closed_limit_holds_no_longer() -> None:
    process = run(
        "limit = limit_memory(200); limit.close(); held = touch(300); time.sleep(0.3); print('ok')"
    )
    assert (process.returncode, process.stdout) == (0, "ok\n")


def test_what_the_process_started_counts_and_is_ended_with_it() -> None:
    process = run(
        "limit = limit_memory(200)\n"
        "code = 'held = bytearray(b\"x\") * 300_000_000; import time; time.sleep(30)'\n"
        "nothing = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "hog = subprocess.Popen([sys.executable, '-c', code], start_new_session=True, **nothing)\n"
        "print(hog.pid, flush=True); hog.wait(); time.sleep(30)"
    )
    assert process.returncode == -9
    assert WORDS.search(process.stderr)
    assert _has_ended(int(process.stdout))


def test_the_pages_of_a_fork_are_not_counted_twice() -> None:
    process = run(
        "import os\n"
        "held = touch(150); limit = limit_memory(250)\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(0.5); os._exit(0)\n"
        "for _ in range(3): os.wait()\n"
        "limit.close(); print('ok')"
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "ok\n", "")


def test_a_limit_that_nothing_can_watch_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ModelbenchError, match=r"^measure\.memory_limit_mb = 1500 cannot be watch"):
        limit_memory(1500)


def _has_ended(pid: int) -> bool:
    """Within ten seconds: a process that was killed may need a moment on a busy machine."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False
