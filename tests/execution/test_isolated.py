"""Each model has a process of its own, and what it does there costs only its own case."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]

RUNNER = """
import ctypes, os, subprocess, sys, threading, time
from pathlib import Path
from pytest_modelbench import Runner, Session

HERE = Path(__file__).parent


class Unpicklable(Exception):
    def __init__(self):
        super().__init__("cannot be sent anywhere")
        self.lock = threading.Lock()


def misbehave(how):
    if how == "segfault":
        ctypes.string_at(0)
    if how == "exit":
        print("leaving now", file=sys.stderr)
        os._exit(3)
    if how == "sysexit":
        sys.exit("enough")
    if how == "unpicklable":
        raise Unpicklable()
    if how == "chatty":
        for stream in (sys.stdout, sys.stderr):
            stream.write("x" * 3_000_000)
            stream.flush()
    if how == "children":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        (HERE / "left_behind").write_text(str(child.pid))
        threading.Thread(target=time.sleep, args=(300,)).start()
    if how == "hang":
        (HERE / "hanging").write_text(str(os.getpid()))
        time.sleep(300)


class Odd(Session):
    def __init__(self, how):
        self.how = how

    def predict(self, batch):
        misbehave(self.how)
        return [str(os.getpid())] * len(batch)


class OddRunner(Runner):
    name = "odd"
    input_kind = "text"

    def load(self, candidate, device, params):
        return Odd(candidate.version)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("odd", OddRunner)
"""


@pytest.fixture
def odd_suite(echo_suite: EchoSuite, pytester: pytest.Pytester) -> Callable[..., Path]:
    def write(*models: str) -> Path:
        file = echo_suite(
            benchmarks=[
                {"id": "first", "runner": "odd", "models": list(models)},
                {"id": "second", "runner": "odd", "models": list(models)},
            ]
        )
        (pytester.path / "conftest.py").write_text(RUNNER)
        return file

    return write


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("segfault", "the measuring process was killed by SIGSEGV"),
        ("exit", "the measuring process ended with exit status 3; its last words: leaving now"),
        ("sysexit", "SystemExit: enough"),
        ("unpicklable", "Unpicklable: cannot be sent anywhere"),
    ],
)
def test_what_breaks_a_model_is_the_error_of_its_own_cases(
    pytester: pytest.Pytester, odd_suite: EchoSuite, runs: Runs, how: str, cause: str
) -> None:
    odd_suite(how, "fine")
    result = pytester.runpytest_subprocess("echo.json")
    result.assert_outcomes(failed=2, passed=2)
    for case in runs()[0].cases:
        assert case.status == ("error" if case.model == how else "ok")
        assert case.engine == "isolated"
        if case.model == how:
            assert cause in case.detail
            assert {metric.status for metric in case.metrics.values()} == {"error"}


def test_megabytes_of_output_do_no_harm(pytester: pytest.Pytester, odd_suite: EchoSuite) -> None:
    odd_suite("chatty")
    result = pytester.runpytest_subprocess("echo.json", "-q")
    result.assert_outcomes(passed=2)
    assert len(result.stdout.str()) < 10_000


def test_what_a_model_leaves_running_is_ended_with_it(
    pytester: pytest.Pytester, odd_suite: EchoSuite
) -> None:
    odd_suite("children")
    pytester.runpytest_subprocess("echo.json").assert_outcomes(passed=2)
    left = int((pytester.path / "left_behind").read_text())
    assert not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE


def test_one_process_serves_all_cases_of_a_model_and_no_other(
    pytester: pytest.Pytester, odd_suite: EchoSuite, runs: Runs
) -> None:
    odd_suite("one", "two")
    pytester.runpytest_subprocess("echo.json").assert_outcomes(passed=4)
    loads = {
        (case.model, case.metrics["model_load_seconds"].value): case.metrics
        for case in runs()[0].cases
    }
    assert len(loads) == 2
    reused = [
        case.metrics["model_load_seconds"].metadata.get("reused", False) for case in runs()[0].cases
    ]
    assert reused == [False, False, True, True]


def test_inline_runs_in_the_session_itself(
    pytester: pytest.Pytester, odd_suite: EchoSuite, runs: Runs
) -> None:
    odd_suite("fine")
    result = pytester.runpytest_inprocess("echo.json", "--suite-engine=inline")
    result.assert_outcomes(passed=2)
    assert {case.engine for case in runs()[0].cases} == {"inline"}


def session_with_a_hanging_model(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A session in the middle of measuring, and the process id of its measuring process."""
    session = subprocess.Popen(
        [sys.executable, "-m", "pytest", "echo.json", "--suite-output=run.json"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    marker = folder / "hanging"
    for _ in range(600):
        if marker.exists() and marker.read_text():
            return session, int(marker.read_text())
        time.sleep(0.05)
    session.kill()
    raise AssertionError("the model never began to hang")


def gone(process_id: int, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(process_id):
            return True
        if psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_an_interrupt_ends_the_measuring_process_and_writes_a_valid_run(
    pytester: pytest.Pytester, odd_suite: EchoSuite
) -> None:
    from pytest_modelbench import BenchmarkRun

    odd_suite("fine", "hang")
    session, measuring = session_with_a_hanging_model(pytester.path)
    os.killpg(session.pid, signal.SIGINT)
    assert session.wait(30) == pytest.ExitCode.INTERRUPTED
    assert gone(measuring)
    run = BenchmarkRun.load(pytester.path / "run.json")
    assert [case.status for case in run.cases] == ["ok", "skipped", "ok", "skipped"]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal")
def test_a_killed_session_leaves_no_process_behind(
    pytester: pytest.Pytester, odd_suite: EchoSuite
) -> None:
    odd_suite("hang")
    session, measuring = session_with_a_hanging_model(pytester.path)
    others = [child.pid for child in psutil.Process(session.pid).children(recursive=True)]
    session.kill()
    session.wait(10)
    assert measuring in others
    assert all(gone(process_id) for process_id in others)


def test_peak_ram_does_not_depend_on_what_was_measured_before(
    pytester: pytest.Pytester, odd_suite: EchoSuite, runs: Runs
) -> None:
    odd_suite("one", "two")
    pytester.runpytest_subprocess("echo.json").assert_outcomes(passed=4)
    first, second = (case.metrics["peak_ram_mb"].value for case in runs()[0].cases[:2])
    assert second == pytest.approx(first, rel=0.1)
