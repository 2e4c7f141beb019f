"""Sessions that are looked at from another process while they run, and after they were killed."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from slow_teller import PATIENCE_SECONDS, Held, Tale, kill_all, newest, until

from pytest_modelbench.cli import main
from pytest_modelbench.results.store import runs_folder
from pytest_modelbench.runs.folder import run_folders

pytestmark = pytest.mark.slow
COMMAND = (sys.executable, "-m", "pytest_modelbench.cli")
Printed = pytest.CaptureFixture[str]
Processes = list[subprocess.Popen[Any]]


@pytest.fixture
def sessions() -> Iterator[Processes]:
    """Those a test starts: none outlives it, whatever goes wrong."""
    started: Processes = []
    yield started
    for process in started:
        if process.poll() is None:
            kill_all(process)
        for pipe in filter(None, (process.stdout, process.stderr)):
            pipe.close()


def started(sessions: Processes, tale: Tale, *more: str) -> subprocess.Popen[bytes]:
    sessions.append(tale.start(*more))
    until(lambda: any(one.is_running() for one in run_folders(runs_folder())))
    return sessions[-1]


class Watching:
    """`modelbench watch` into a pipe; `processes` gets what it starts."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        self._process = subprocess.Popen(
            [*COMMAND, "watch"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(self._process)
        self._patience = threading.Timer(PATIENCE_SECONDS, self._process.kill)
        self._patience.start()
        self.lines: list[str] = []

    def wait_for(self, *patterns: str) -> None:
        """Until each stands in a line."""
        assert self._process.stdout is not None
        missing = list(patterns)
        while missing:
            line = self._process.stdout.readline()
            assert line, f"no line has {missing}: {self.lines}"
            self.lines.append(line.rstrip("\n"))
            missing = [one for one in missing if not re.fullmatch(one, self.lines[-1])]

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, str]:
        """Its exit status, and what it said of errors."""
        out, error = self._process.communicate(timeout=PATIENCE_SECONDS)
        self._patience.cancel()
        self.lines += out.splitlines()
        return self._process.returncode, error


def test_parallel_workers_are_watched_until_the_tables(tmp_path: Path, sessions: Processes) -> None:
    pytest.importorskip("xdist")
    tale = Held(tmp_path, "m0", "m2", models=4, seconds=0.02)
    started(sessions, tale, "-n", "2")
    watching = Watching(tmp_path, sessions)
    watching.wait_for(
        r"benchmark_\w+: 0 of 4 cases done",
        # One is timed, the other waits for its turn; which is whose is for pytest-xdist to say.
        r"gw[01]: tale::tell\[m0-CPU\]: \w+.*",
        r"gw[01]: tale::tell\[m2-CPU\]: \w+.*",
    )
    tale.go()
    assert watching.end() == (0, "")
    lines = watching.lines
    title = next(at for at, line in enumerate(lines) if "modelbench: tale (4 cases)" in line)
    changes, table = lines[:title], lines[title:]
    ends = [line for line in changes if re.fullmatch(r"\d of 4: tale::tell\[m\d-CPU\]: ok", line)]
    assert sorted(line[0] for line in ends) == ["1", "2", "3", "4"]
    assert table[-1] == f"run file: {newest().run_file}"
    assert any("tell[m3-CPU]" in line for line in table)


def test_on_a_terminal_it_draws_how_far_each_case_is(tmp_path: Path, sessions: Processes) -> None:
    tale = Held(tmp_path, "m0", models=2, samples=30, seconds=0.1)
    started(sessions, tale)
    said = drawn([*COMMAND, "watch"], tmp_path, "main: tale::tell[m0-CPU]  warming up", tale.go)
    assert f"{newest().run_id}: 0 of 2 cases done" in said
    assert re.search(r"main: tale::tell\[m\d-CPU\]  timing +\[#", said)
    assert re.search(r"\d+ of 30 samples  \S+/s", said)
    assert "1 of 2 cases done" in said
    assert "modelbench: tale (2 cases)" in said
    assert "\x1b[2K" in said  # it was drawn over, and taken away in the end


def drawn(command: list[str], folder: Path, text: str, then: Callable[[], None]) -> str:
    """What a command writes to a terminal of its own; `then` is called when `text` is there."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "160", "LINES": "40"}
    process = subprocess.Popen(
        command, cwd=folder, stdin=follower, stdout=follower, stderr=follower, env=environment
    )
    patience = threading.Timer(PATIENCE_SECONDS, process.kill)
    patience.start()
    os.close(follower)
    written, is_waiting = b"", True
    with suppress(OSError):  # the terminal of a process that has ended
        while piece := os.read(leader, 65_536):
            written += piece
            if is_waiting and text.encode() in written:
                is_waiting = False
                then()
    os.close(leader)
    patience.cancel()
    assert process.wait(PATIENCE_SECONDS) == 0, written
    return written.decode()


def test_ctrl_c_ends_the_watching_and_not_the_session(tmp_path: Path, sessions: Processes) -> None:
    tale = Held(tmp_path, "m0", models=1, seconds=0.0)
    session = started(sessions, tale)
    watching = Watching(tmp_path, sessions)
    watching.wait_for(r"main: tale::tell\[m0-CPU\]: warming up")
    watching.interrupt()
    assert watching.end() == (0, "watching has ended; the session has not\n")
    assert session.poll() is None
    tale.go()
    assert session.wait(PATIENCE_SECONDS) == 0
    assert newest().run_file.is_file()


def test_a_killed_session_is_noticed_and_what_to_do_is_said(
    tmp_path: Path, sessions: Processes, capsys: Printed
) -> None:
    tale = Held(tmp_path, "m1", models=3, seconds=0.0)
    session = started(sessions, tale)
    watching = Watching(tmp_path, sessions)
    watching.wait_for(
        r"1 of 3: tale::tell\[m0-CPU\]: ok", r"main: tale::tell\[m1-CPU\]: warming up"
    )
    os.kill(session.pid, signal.SIGKILL)  # its workers and models end by themselves
    status, error = watching.end()
    session.wait(PATIENCE_SECONDS)
    run_id = newest().run_id
    assert status == 1
    first, second, third = error.splitlines()
    assert first == f"{run_id}: its session was killed with 1 of 3 cases done"
    assert second == f"its run file: modelbench recover {run_id}"
    assert third.startswith("to go on: python -m pytest -p no:cacheprovider --suite=tale.json ")
    assert third.endswith(f" --suite-resume={run_id}")

    capsys.readouterr()
    assert main(["runs"]) == 0
    assert "unfinished, 1 of 3 done" in capsys.readouterr().out
    assert main(["show", "last"]) == 0
    shown = capsys.readouterr().out
    assert "its session ended without writing its run" in shown
    assert "modelbench: tale (3 cases)" in shown
    assert main(["recover", "last"]) == 0
    said = capsys.readouterr().out
    assert "1 of 3 cases have their results, 1 unfinished, 1 not run" in said
    assert main(["runs", "--status=failed"]) == 0
    assert "  recovered  " in capsys.readouterr().out


def test_a_session_that_runs_is_listed_and_shown_as_far_as_it_is(
    tmp_path: Path, sessions: Processes, capsys: Printed
) -> None:
    tale = Held(tmp_path, "m1", models=2, seconds=0.0)
    session = started(sessions, tale)
    until(lambda: "running, 1 of 2 done" in listed(capsys))
    assert main(["show", "last"]) == 0
    shown = capsys.readouterr().out
    assert "its session is still running: this is what it has measured so far" in shown
    assert "tell[m0-CPU]" in shown
    assert main(["prune", "--keep=0", "--yes"]) == 0
    assert "is still running: it stays" in capsys.readouterr().err
    tale.go()
    assert session.wait(PATIENCE_SECONDS) == 0  # nobody who looked has disturbed it
    assert main(["watch", newest().run_id]) == 0
    assert "modelbench: tale (2 cases)" in capsys.readouterr().out
    assert main(["watch"]) == 1
    assert "no session is running there" in capsys.readouterr().err


def listed(capsys: Printed) -> str:
    assert main(["runs", "--status=running"]) == 0
    return capsys.readouterr().out
