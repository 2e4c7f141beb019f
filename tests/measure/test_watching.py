"""The two sides of a process that watches."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from processes import comes_true, is_running

from pytest_modelbench.measure.watching import Watcher, WatcherError

COUNTING = """
import sys
from pytest_modelbench.measure.watching import watch
looks = rounds = 0
def look():
    global looks
    looks += 1
    print("looked", file=sys.stderr, flush=True)
    return 0.005 if rounds == 1 else 60
def reset():
    global looks, rounds
    looks, rounds = 0, rounds + 1
watch(look, lambda: {"own_looks": looks}, reset)
"""


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that counts its looks."""
    (tmp_path / "counting_looks.py").write_text(COUNTING)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "counting_looks"


def test_it_looks_from_start_to_stop_and_says_how_often(counting: str) -> None:
    watcher = Watcher(counting)
    try:
        watcher.start()
        time.sleep(1)
        first = watcher.stop()
        watcher.start()
        second = watcher.stop()
    finally:
        watcher.close()
    assert first["own_looks"] == first["looks"] >= 3
    assert 0 < first["longest_interval_ms"] < 10_000
    assert second["looks"] == 2  # one as it began, one as it ended


def test_its_standard_error_is_ours_only_where_asked(
    counting: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for pass_errors, said in ((False, ""), (True, "looked")):
        watcher = Watcher(counting, pass_errors=pass_errors)
        watcher.start()
        watcher.close()
        assert capfd.readouterr().err.startswith(said)
        assert bool(said) is pass_errors


def test_one_that_has_died_is_an_error_and_can_be_closed(counting: str) -> None:
    watcher = Watcher(counting)
    watcher.start()
    (process,) = psutil.Process().children()
    process.kill()
    with pytest.raises(WatcherError, match="has ended"):
        watcher.stop()
    watcher.close()
    watcher.close()


def test_a_module_that_cannot_run_is_an_error() -> None:
    watcher = Watcher("no_such_module_to_watch_with")
    with pytest.raises(WatcherError, match="has ended"):
        watcher.start()
    watcher.close()


def test_asked_to_stop_before_it_was_started_it_says_so(counting: str) -> None:
    with pytest.raises(WatcherError, match="was not started"):
        Watcher(counting).stop()


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the parent")
def test_it_ends_with_its_parent_though_a_fork_holds_its_channel(counting: str) -> None:
    code = (
        "import os, sys, time\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from pytest_modelbench.measure.watching import Watcher\n"
        f"watcher = Watcher({counting!r}); watcher.start()\n"
        "fork = os.fork()\n"
        "if fork == 0:\n"
        "    time.sleep(20); os._exit(0)\n"
        "import psutil\n"
        "ours = [one.pid for one in psutil.Process().children() if one.pid != fork]\n"
        "print(fork, *ours, flush=True)\n"
        "os._exit(0)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        fork, watcher = map(int, process.stdout.readline().split())
        try:
            assert psutil.pid_exists(fork)
            assert comes_true(lambda: not is_running(watcher), 10)
        finally:
            psutil.Process(fork).kill()
