"""Under xdist: the same cases, one run, nothing lost, and never two workers on one device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("xdist")

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]

MANY = [
    {"id": f"b{number}", "runner": "echo", "models": ["one", "two"], "matrix": {"size": [1, 2]}}
    for number in range(4)
]


def test_parallel_and_serial_runs_hold_the_same(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite(benchmarks=MANY, criteria=[{"metric": "exact_match", "goal": "max", "min": 0.5}])
    pytester.runpytest_subprocess("echo.json").assert_outcomes(passed=16)
    pytester.runpytest_subprocess("echo.json", "-n", "2").assert_outcomes(passed=16)
    serial, parallel = runs()
    assert [case.id for case in parallel.cases] == [case.id for case in serial.cases]
    assert {case.worker for case in serial.cases} == {"main"}
    assert {case.worker for case in parallel.cases} == {"gw0", "gw1"}
    for one, other in zip(serial.cases, parallel.cases, strict=True):
        assert one.metrics["exact_match"] == other.metrics["exact_match"]
        assert one.fingerprint == other.fingerprint
    assert parallel.suites[0].criteria == serial.suites[0].criteria


DEADLY = """
import os, signal
from pytest_modelbench import Runner, Session


class Victim(Session):
    def predict(self, batch):
        return ["A"] * len(batch)


class Deadly(Runner):
    name = "deadly"
    input_kind = "text"

    def load(self, candidate, device, params):
        if candidate.version == "killer":
            os.kill(os.getpid(), signal.SIGKILL)
        return Victim()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("deadly", Deadly)
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_worker_costs_its_case_and_no_other(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs, workers: str
) -> None:
    models = ["a", "b", "killer", "c", "d", "e"]
    echo_suite(benchmarks=[{"id": "shout", "runner": "deadly", "models": models}])
    (pytester.path / "conftest.py").write_text(DEADLY)
    # Inline, so that it is the worker itself that dies and not its measuring process.
    result = pytester.runpytest_subprocess("echo.json", "-n", workers, "--suite-engine=inline")
    result.assert_outcomes(passed=5, failed=1)
    assert result.ret == 1
    by_model = {case.model: case for case in runs()[0].cases}
    assert list(by_model) == models
    assert by_model.pop("killer").status == "error"
    assert {case.status for case in by_model.values()} == {"ok"}
    killed = next(case for case in runs()[0].cases if case.model == "killer")
    assert "crashed while running" in killed.detail
    assert {metric.status for metric in killed.metrics.values()} == {"error"}


TRACING = """
import os, time
from pathlib import Path
from pytest_modelbench import Runner, Session

TRACE = Path(__file__).parent / "trace"


def note(word):
    with TRACE.open("a") as file:
        worker = os.environ["PYTEST_XDIST_WORKER"]
        file.write(f"{word} {os.getpid()} {worker} {time.monotonic_ns()}\\n")


class Traced(Session):
    def predict(self, batch):
        time.sleep(0.002)
        return ["A"] * len(batch)

    def close(self):
        note("close")


class Tracer(Runner):
    name = "tracer"
    input_kind = "text"

    def load(self, candidate, device, params):
        note("load")
        return Traced()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("tracer", Tracer)
"""


@pytest.mark.parametrize("distribution", ["load", "worksteal"])
def test_two_workers_never_hold_one_device(
    pytester: pytest.Pytester, echo_suite: EchoSuite, distribution: str
) -> None:
    """From the moment a model is loaded until it is closed, nobody else has one on the device."""
    models = [f"m{number}" for number in range(8)]
    echo_suite(benchmarks=[{"id": "shout", "runner": "tracer", "models": models}])
    (pytester.path / "conftest.py").write_text(TRACING)
    result = pytester.runpytest_subprocess("echo.json", "-n", "2", f"--dist={distribution}")
    result.assert_outcomes(passed=8)
    lines = [line.split() for line in (pytester.path / "trace").read_text().splitlines()]
    events = sorted((int(when), word, process) for word, process, _, when in lines)
    assert [word for _, word, _ in events] == ["load", "close"] * 8
    for opened, closed in zip(events[::2], events[1::2], strict=True):
        assert opened[2] == closed[2]
    assert {worker for _, _, worker, _ in lines} == {"gw0", "gw1"}


def test_a_broken_suite_is_reported_once_and_fails_the_session(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite("bad.json", benchmarks=[{"id": "a", "runner": "ecko", "model": "one"}])
    echo_suite("good.json")
    result = pytester.runpytest_subprocess("--suite=bad.json", "--suite=good.json", "-n", "2")
    assert result.ret == 1
    # Not the words: with CI set, pytest repeats them in its short summary.
    assert result.stdout.str().count("ERROR collecting") == 1
    (run,) = runs()
    assert len(run.cases) == 2
    assert "'ecko' is not a runner" in run.problems[0]
