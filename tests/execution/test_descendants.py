"""What a model starts ends with it, wherever it went, however the end came."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")

RUNNER = """
import os, signal, subprocess, sys, time
from pathlib import Path
from pytest_modelbench import Runner, Session

HERE = Path(__file__).parent
SLEEP = ["sleep", "78"]


def note(pid):
    with open(HERE / "started", "a") as file:
        file.write(f"{pid}\\n")


def forked(what):
    if os.fork() == 0:
        try:
            what()
        finally:
            os._exit(0)


def daemon():
    os.setsid()
    forked(lambda: (note(os.getpid()), time.sleep(78)))


def hare():  # moves on to a new process again and again
    os.setsid()
    for _ in range(100_000):
        if os.fork():
            os._exit(0)
        (HERE / "hare").write_text(str(os.getpid()))


def start(how):
    if how == "group":
        note(subprocess.Popen(SLEEP).pid)
    if how == "session":
        note(subprocess.Popen(SLEEP, start_new_session=True).pid)
    if how == "twenty":
        for number in range(20):
            note(subprocess.Popen(SLEEP, start_new_session=number % 2 == 0).pid)
    if how == "daemon":
        forked(daemon)
        while not (HERE / "started").exists():
            time.sleep(0.01)
    if how == "deaf":
        deaf = "trap '' TERM HUP INT; setsid sleep 78 & echo $!; wait"
        shell = subprocess.Popen(["sh", "-c", deaf], stdout=subprocess.PIPE, text=True)
        note(shell.stdout.readline().strip())
        note(shell.pid)
    if how == "hare":
        forked(hare)


class Starting(Session):
    def __init__(self, how):
        self.hangs = how.startswith("hang-")
        start(how.removeprefix("hang-"))

    def predict(self, batch):
        if self.hangs:
            (HERE / "hanging").write_text("yes")
            time.sleep(300)
        return batch


class StartingRunner(Runner):
    name = "starting"
    input_kind = "text"

    def load(self, candidate, device, params):
        return Starting(candidate.version)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("starting", StartingRunner)
"""


@pytest.fixture
def started(pytester: pytest.Pytester) -> Iterator[Callable[[], list[int]]]:
    """The process ids that the models noted; none is left behind by a test."""
    file = pytester.path / "started"

    def read() -> list[int]:
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    yield read
    for pid in read():
        if is_sleeping(pid):
            psutil.Process(pid).kill()


@pytest.fixture
def starting_suite(echo_suite: EchoSuite, pytester: pytest.Pytester) -> Callable[..., Path]:
    def write(*models: str) -> Path:
        benchmark = {"id": "b", "runner": "starting", "models": list(models)}
        file = echo_suite(benchmarks=[benchmark])
        (pytester.path / "conftest.py").write_text(RUNNER)
        return file

    return write


def is_sleeping(pid: int) -> bool:
    """Whether it is there and is one of ours, not another that has got its number."""
    try:
        process = psutil.Process(pid)
        words = " ".join(process.cmdline())
        return process.status() != psutil.STATUS_ZOMBIE and (
            "sleep" in words or "fork_server" in words
        )
    except psutil.NoSuchProcess:
        return False


def left_after(pids: list[int], seconds: float = 10.0) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if is_sleeping(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@pytest.mark.parametrize(
    ("how", "count"), [("group", 1), ("session", 1), ("twenty", 20), ("daemon", 1), ("deaf", 2)]
)
def test_it_has_ended_when_the_next_model_is_measured(
    pytester: pytest.Pytester,
    starting_suite: EchoSuite,
    started: Callable[[], list[int]],
    how: str,
    count: int,
) -> None:
    starting_suite(how, "none")
    pytester.runpytest_subprocess("echo.json").assert_outcomes(passed=2)
    assert len(started()) == count
    assert [pid for pid in started() if is_sleeping(pid)] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("how", ["group", "session", "daemon"])
def test_it_ends_with_a_session_that_is_ended(
    pytester: pytest.Pytester,
    starting_suite: EchoSuite,
    started: Callable[[], list[int]],
    how: str,
    number: signal.Signals,
) -> None:
    starting_suite(f"hang-{how}")
    session = hanging_session(pytester.path)
    others = psutil.Process(session.pid).children(recursive=True)
    session.send_signal(number)
    status = session.wait(30)
    assert status == (-9 if number == signal.SIGKILL else pytest.ExitCode.INTERRUPTED)
    assert len(started()) == 1
    assert left_after(started()) == []
    assert psutil.wait_procs(others, timeout=10)[1] == []


def test_it_ends_with_a_test_that_a_timeout_plugin_ends(
    pytester: pytest.Pytester, starting_suite: EchoSuite, started: Callable[[], list[int]]
) -> None:
    starting_suite("hang-session", "none")
    with (pytester.path / "conftest.py").open("a") as file:
        file.write(
            """
import pytest, threading

@pytest.fixture(autouse=True)
def limit(model):
    def over(number, frame):
        pytest.fail("interrupted")

    def ring():
        while not (HERE / "hanging").exists():
            time.sleep(0.02)
        signal.pthread_kill(main, signal.SIGALRM)

    if model.version == "hang-session":
        signal.signal(signal.SIGALRM, over)
        main = threading.main_thread().ident
        threading.Thread(target=ring, daemon=True).start()
"""
        )
    pytester.runpytest_subprocess("echo.json").assert_outcomes(failed=1, passed=1)
    assert len(started()) == 1
    assert [pid for pid in started() if is_sleeping(pid)] == []


def test_what_always_moves_on_to_another_process_is_caught(
    pytester: pytest.Pytester, starting_suite: EchoSuite
) -> None:
    starting_suite("hare", "none")
    pytester.runpytest_subprocess("echo.json").assert_outcomes(passed=2)
    last = pytester.path / "hare"
    seen = last.read_text()
    time.sleep(0.5)
    assert last.read_text() == seen


def test_what_the_model_did_not_start_lives_on(
    pytester: pytest.Pytester, starting_suite: EchoSuite, started: Callable[[], list[int]]
) -> None:
    """A conftest that starts processes as it is imported does so in the fork server, too."""
    starting_suite("group", "none")
    with (pytester.path / "conftest.py").open("a") as file:
        file.write(
            """
for own_session in (False, True):
    sleep = subprocess.Popen(SLEEP, start_new_session=own_session)
    sleep.returncode = 0  # it is not waited for
    note(sleep.pid)
"""
        )
    pytester.runpytest_subprocess("echo.json").assert_outcomes(passed=2)
    by_session, by_server, by_model = started()[:2], started()[2:4], started()[4:]
    assert [len(by_session), len(by_server), len(by_model)] == [2, 2, 1]
    assert all(is_sleeping(pid) for pid in by_session + by_server)
    assert not is_sleeping(by_model[0])


def hanging_session(folder: Path) -> subprocess.Popen[bytes]:
    """A session whose model is in the middle of a call that does not end."""
    session = subprocess.Popen(
        [sys.executable, "-m", "pytest", "echo.json", "--suite-output=run.json"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    for _ in range(600):
        if (folder / "hanging").exists():
            return session
        time.sleep(0.05)
    session.kill()
    session.wait()
    raise AssertionError("the model never began to hang")
