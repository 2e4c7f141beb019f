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
    for workers in ((), ("-n", "2")):
        pytester.runpytest("echo.json", "-Wdefault", *workers).assert_outcomes(passed=16)
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
    result = pytester.runpytest("echo.json", "-n", workers, "--suite-engine=inline")
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
        note("begin")
        time.sleep(0.002)
        note("end")
        return ["A"] * len(batch)

    def close(self):
        note("close")


class Tracer(Runner):
    name = "tracer"
    input_kind = "text"

    def load(self, candidate, device, params):
        noted = TRACE.read_text() if TRACE.exists() else ""
        is_first = os.environ["PYTEST_XDIST_WORKER"] not in noted
        note("load")
        time.sleep(2 if is_first else 0.05)  # the first ones of both meet
        note("loaded")
        return Traced()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("tracer", Tracer)
"""


def traced(pytester: pytest.Pytester, echo_suite: EchoSuite, *options: str) -> list[list[str]]:
    """Eight models on two workers; words, processes, workers and times of what happened."""
    models = [f"m{number}" for number in range(8)]
    echo_suite(benchmarks=[{"id": "shout", "runner": "tracer", "models": models}])
    (pytester.path / "conftest.py").write_text(TRACING)
    result = pytester.runpytest("echo.json", "-n", "2", *options)
    result.assert_outcomes(passed=8)
    lines = [line.split() for line in (pytester.path / "trace").read_text().splitlines()]
    assert {worker for _, _, worker, _ in lines} == {"gw0", "gw1"}
    return sorted(lines, key=lambda line: int(line[3]))


def spans(lines: list[list[str]], begin: str, end: str) -> list[tuple[str, int, int]]:
    """Process, start and end of each stretch between the two words."""
    found, open_ = [], {}
    for word, process, _, when in lines:
        if word == begin:
            open_[process] = int(when)
        elif word == end:
            found.append((process, open_.pop(process), int(when)))
    return found


def crossings(one: list[tuple[str, int, int]], other: list[tuple[str, int, int]]) -> int:
    return sum(a[0] != b[0] and a[1] < b[2] and b[1] < a[2] for a in one for b in other)


@pytest.mark.parametrize("distribution", ["load", "worksteal"])
def test_while_a_call_is_timed_no_worker_times_or_loads_and_loading_overlaps(
    pytester: pytest.Pytester, echo_suite: EchoSuite, distribution: str
) -> None:
    lines = traced(pytester, echo_suite, f"--dist={distribution}")
    calls, loads = spans(lines, "begin", "end"), spans(lines, "load", "loaded")
    assert len(calls) >= 8 * 3
    assert crossings(calls, calls) == 0
    assert crossings(calls, loads) == 0
    assert crossings(loads, loads) > 0


def test_with_the_device_lock_one_model_at_a_time_lies_on_a_device(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    """From the moment a model is loaded until it is closed, nobody else has one on the device."""
    lines = traced(pytester, echo_suite, "-o", "modelbench_lock=device")
    assert crossings(*[spans(lines, "load", "close")] * 2) == 0


def test_without_a_lock_workers_time_at_once(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    """Otherwise the tests above could not fail."""
    lines = traced(pytester, echo_suite, "-o", "modelbench_lock=none")
    stays = spans(lines, "load", "close")
    assert crossings(stays, stays) > 0


def test_an_unknown_lock_is_refused_in_one_sentence(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    result = pytester.runpytest("echo.json", "-o", "modelbench_lock=gpu")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["*ini option modelbench_lock is 'gpu': it should be host, device or none"]
    )


def test_a_broken_suite_is_reported_once_and_fails_the_session(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite("bad.json", benchmarks=[{"id": "a", "runner": "ecko", "model": "one"}])
    echo_suite("good.json")
    result = pytester.runpytest("--suite=bad.json", "--suite=good.json", "-n", "2")
    assert result.ret == 1
    # Not the words: with CI set, pytest repeats them in its short summary.
    assert result.stdout.str().count("ERROR collecting") == 1
    (run,) = runs()
    assert len(run.cases) == 2
    assert "'ecko' is not a runner" in run.problems[0]
