"""Once the time of a session is over it begins no further case and ends the one under way."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from hurrying import HURRY

from pytest_modelbench.execution.locks import SharedLock, default_folder

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]
Hurry = Callable[..., list[str]]

CONFTEST = """
import os, time
from pathlib import Path
from pytest_modelbench import Runner, Session

HERE = Path(__file__).parent


class Sleeping(Session):
    def __init__(self, name):
        self.name = name

    def predict(self, batch):
        if self.name.startswith("asleep"):
            with (HERE / "pids").open("a") as file:
                file.write(f"{os.getpid()}\\n")
            time.sleep(600)
        return batch


class SleepingRunner(Runner):
    name = "sleeping"
    input_kind = "text"

    def load(self, candidate, device, params):
        return Sleeping(candidate.version)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("sleeping", SleepingRunner)
"""
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="needs Linux's signals")
LONG = "--suite-timeout=600"
OVER = "--suite-timeout 600: the time of the session is over"
SECONDS = 120
"""More than any session here takes, and far less than the sleep."""


@pytest.fixture
def sleeping(pytester: pytest.Pytester, echo_suite: EchoSuite) -> Callable[..., None]:
    """A suite of models of which those called `asleep...` never answer."""

    def write(*models: str, **fields: object) -> None:
        echo_suite(benchmarks=[{"id": "b", "runner": "sleeping", "models": list(models)}], **fields)
        (pytester.path / "conftest.py").write_text(CONFTEST)

    return write


@pytest.fixture
def hurry(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Options with which the time is over once so many models are asleep."""

    def options(count: int = 1) -> list[str]:
        (pytester.path / "hurry.py").write_text(HURRY)
        monkeypatch.setenv("HURRY", str(count))
        return ["-p", "hurry", LONG]

    return options


def details(run: object) -> dict[str, tuple[str, str]]:
    return {case.model: (case.status, case.detail) for case in run.cases}  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["isolated", "inline"])
def test_the_case_under_way_is_ended_and_no_further_one_begins(
    pytester: pytest.Pytester, sleeping: Callable[..., None], hurry: Hurry, runs: Runs, engine: str
) -> None:
    sleeping("awake", "asleep", "never")
    result = pytester.runpytest_subprocess(
        "echo.json", f"--suite-engine={engine}", *hurry(), timeout=SECONDS
    )
    result.assert_outcomes(passed=1, skipped=1)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"*! Interrupted: {OVER} !*"])
    (run,) = runs()
    assert run.metadata.exit_status == 2
    assert details(run) == {
        "awake": ("ok", ""),
        "asleep": ("skipped", f"unfinished: {OVER}"),
        "never": ("skipped", f"not run: {OVER}"),
    }
    (pid,) = (pytester.path / "pids").read_text().split()
    assert not psutil.pid_exists(int(pid))


@pytest.mark.slow
def test_parallel_workers_end_their_cases_and_their_queues(
    pytester: pytest.Pytester, sleeping: Callable[..., None], hurry: Hurry, runs: Runs
) -> None:
    pytest.importorskip("xdist")
    # Each worker begins with two of them. Without turns, so that both are asked.
    sleeping("asleep1", "never1", "asleep2", *(f"never{number}" for number in range(2, 9)))
    options = ["-n", "2", "-o", "modelbench_lock=none", *hurry(2)]
    result = pytester.runpytest_subprocess("echo.json", *options, timeout=SECONDS)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    (run,) = runs()
    found = list(details(run).values())
    assert found.count(("skipped", f"unfinished: {OVER}")) == 2
    assert found.count(("skipped", f"not run: {OVER}")) == 8
    pids = (pytester.path / "pids").read_text().split()
    assert not any(psutil.pid_exists(int(pid)) for pid in pids)


def test_a_session_that_is_late_from_the_start_measures_nothing(
    pytester: pytest.Pytester, sleeping: Callable[..., None], runs: Runs
) -> None:
    sleeping("one", "two")
    pytester.makepyfile("def test_one(modelbench):\n    assert False\n")
    files = ("test_a_session_that_is_late_from_the_start_measures_nothing.py", "echo.json")
    result = pytester.runpytest("--suite-timeout=0.001", *files)
    result.assert_outcomes(skipped=1)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    (run,) = runs()
    names = {"echo::b[one-CPU]", "echo::b[two-CPU]", f"{files[0]}::test_one"}
    assert {case.id for case in run.cases} == names
    assert {case.detail for case in run.cases} == {f"not run: {OVER.replace('600', '0.001')}"}


def test_with_time_left_a_session_ends_as_ever(
    pytester: pytest.Pytester, sleeping: Callable[..., None], runs: Runs
) -> None:
    sleeping("one", "two")
    result = pytester.runpytest("echo.json", "--suite-timeout=1h")
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.slow
def test_the_clock_ends_it_by_itself(
    pytester: pytest.Pytester, sleeping: Callable[..., None], runs: Runs
) -> None:
    """On a busy machine it may be over before the first case."""
    sleeping("asleep", "never")
    result = pytester.runpytest_subprocess("echo.json", "--suite-timeout=2.5s", timeout=SECONDS)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    over = OVER.replace("600", "2.5s")
    reasons = {case.detail for case in runs()[0].cases}
    assert reasons <= {f"unfinished: {over}", f"not run: {over}"}


def test_tests_that_measure_nothing_are_not_held_back(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "def test_plain():\n    pass\n"
        "def test_measuring(modelbench):\n    assert False\n"
        "def test_after_that():\n    pass\n"
    )
    result = pytester.runpytest("--suite-timeout=0.001")
    # The session ends where the next case would begin.
    result.assert_outcomes(passed=1, skipped=1)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    pytester.runpytest("--suite-timeout=0.001", "-k", "not measuring").assert_outcomes(
        passed=2, deselected=1
    )


@pytest.mark.slow
def test_a_test_that_measures_is_ended(pytester: pytest.Pytester, hurry: Hurry, runs: Runs) -> None:
    pytester.makepyfile(
        "import os, time\n"
        "def sleep(seconds):\n"
        "    with open('pids', 'a') as file:\n"
        "        file.write(f'{os.getpid()}\\n')\n"
        "    time.sleep(seconds)\n"
        "def test_asleep(modelbench):\n"
        "    try:\n"
        "        modelbench.measure(sleep, [600], warmup=0, min_samples=1)\n"
        "    except Exception:\n"
        "        assert False, 'it is no exception of the test'\n"
    )
    result = pytester.runpytest_subprocess(*hurry(), timeout=SECONDS)
    result.assert_outcomes(skipped=1)
    (case,) = runs()[0].cases
    assert (case.status, case.detail) == ("skipped", f"unfinished: {OVER}")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["isolated", "inline"])
def test_waiting_for_a_turn_is_ended_too(
    pytester: pytest.Pytester,
    sleeping: Callable[..., None],
    hurry: Hurry,
    runs: Runs,
    engine: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sleeping("one")
    monkeypatch.setenv("NOTE_CALLS", "1")
    lock = SharedLock(default_folder() / "host.lock")
    assert str(default_folder()).startswith(tempfile.gettempdir())
    assert lock.take(False)
    try:
        result = pytester.runpytest_subprocess(
            "echo.json", f"--suite-engine={engine}", *hurry(), timeout=SECONDS
        )
    finally:
        lock.release()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert {case.detail for case in runs()[0].cases} == {f"unfinished: {OVER}"}


@pytest.mark.slow
def test_a_comparison_is_ended_with_all_of_its_sides(
    pytester: pytest.Pytester, sleeping: Callable[..., None], hurry: Hurry, runs: Runs
) -> None:
    sleeping("awake", compare={"baseline": {"model": "asleep"}})
    result = pytester.runpytest_subprocess("echo.json", *hurry(), timeout=SECONDS)
    result.assert_outcomes(skipped=1)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert {case.detail for case in runs()[0].cases} == {f"unfinished: {OVER}"}
    pids = (pytester.path / "pids").read_text().split()
    assert not any(psutil.pid_exists(int(pid)) for pid in pids)


@pytest.mark.slow
def test_a_case_that_was_ended_is_measured_when_the_session_is_resumed(
    pytester: pytest.Pytester, sleeping: Callable[..., None], hurry: Hurry, runs: Runs
) -> None:
    sleeping("awake", "asleep")
    first = pytester.runpytest_subprocess("echo.json", *hurry(), timeout=SECONDS)
    assert first.ret == pytest.ExitCode.INTERRUPTED
    conftest = pytester.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("sleep(600)", "sleep(0)"))
    second = pytester.runpytest_subprocess("echo.json", "--suite-resume=last", timeout=SECONDS)
    second.assert_outcomes(passed=2)
    assert details(runs()[1]) == {"awake": ("ok", ""), "asleep": ("ok", "")}


@pytest.mark.parametrize("given", ["0", "soon", "-3", "5d", "", "31536000"])
def test_what_is_no_time_is_refused(
    pytester: pytest.Pytester, sleeping: Callable[..., None], given: str
) -> None:
    sleeping("one")
    result = pytester.runpytest("echo.json", f"--suite-timeout={given}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            f"ERROR: --suite-timeout '{given}' should be seconds, or such as 90s, 30m or 2h; more "
            "than 0 and at most 30 days"
        ]
    )
