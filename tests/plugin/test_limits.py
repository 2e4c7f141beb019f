"""A case has the processors that its suite leaves to it, and the next one has all of them again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="a limit needs two processors that a process can be kept from",
)

CONFTEST = """
import os, subprocess, sys, threading
from pytest_modelbench import Runner, Session

COUNT = "import os; print(len(os.sched_getaffinity(0)), os.environ.get('OMP_NUM_THREADS'))"


def processors():
    return len(os.sched_getaffinity(0))


class Counting(Session):
    def __init__(self):
        self.properties = {"loading": processors()}

    def predict(self, batch):
        found = []
        thread = threading.Thread(target=lambda: found.append(processors()))
        thread.start()
        thread.join()
        child, variable = subprocess.check_output([sys.executable, "-c", COUNT], text=True).split()
        self.properties |= {
            "calling": processors(), "thread": found[0], "child": int(child), "variable": variable
        }
        return batch


class CountingRunner(Runner):
    name = "counting"
    input_kind = "text"

    def load(self, candidate, device, params):
        return Counting()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("counting", CountingRunner)
"""


@pytest.fixture
def counting_suite(echo_suite: EchoSuite, pytester: pytest.Pytester) -> None:
    """One model: limited to a processor, then free, then limited to more than there are."""
    one = {"runner": "counting", "model": "one"}
    echo_suite(
        dataset={"source": "jsonl", "path": "data.jsonl", "max_samples": 1},
        measure={"min_samples": 1, "min_seconds": 0, "warmup": 0},
        benchmarks=[
            {"id": "single", **one, "measure": {"threads": 1}},
            {"id": "free", **one},
            {"id": "many", **one, "measure": {"threads": 4096}},
        ],
    )
    (pytester.path / "conftest.py").write_text(CONFTEST)


def test_threads_are_kept_to_so_many_processors_and_the_next_case_has_all_again(
    pytester: pytest.Pytester,
    counting_suite: None,
    runs: Runs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    every = len(os.sched_getaffinity(0))
    pytester.runpytest("echo.json").assert_outcomes(passed=3)
    single, free, many = runs()[0].cases
    places = ("loading", "calling", "thread", "child")
    for case, processors, variable in (
        (single, 1, "1"),
        (free, every, "None"),
        (many, every, str(every)),
    ):
        assert [case.properties[place] for place in places] == [processors] * 4
        assert case.properties["variable"] == variable
        assert case.limits.enforced
    assert [case.limits.threads for case in (single, free, many)] == [1, None, 4096]
    # Cases with other limits are not served by the same process.
    assert all(
        "reused" not in case.metrics["model_load_seconds"].metadata for case in (single, free, many)
    )


def test_the_sessions_own_process_limits_nothing_and_says_so(
    pytester: pytest.Pytester, counting_suite: None, runs: Runs
) -> None:
    every = len(os.sched_getaffinity(0))
    result = pytester.runpytest_subprocess("echo.json", "--suite-engine=inline")
    result.assert_outcomes(passed=3)
    for case, threads in zip(runs()[0].cases, (1, None, 4096), strict=True):
        assert case.properties["calling"] == every
        assert case.limits.threads == threads
        assert not case.limits.enforced


def test_what_a_limit_could_not_watch_is_no_limit_that_was_enforced(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    """Two cases, one process: the second must not be measured without the limit."""
    benchmarks = [{"id": name, "runner": "echo", "model": "one"} for name in ("first", "second")]
    echo_suite(
        benchmarks=benchmarks,
        measure={"memory_limit_mb": 5000, "min_samples": 1, "min_seconds": 0, "warmup": 0},
    )
    conftest = pytester.path / "conftest.py"
    conftest.write_text(
        "from pytest_modelbench.measure import memory_limit\n"
        "from pytest_modelbench.measure.watching import WatcherError\n"
        "class Blind:\n"
        "    def __init__(self, *arguments, **options): pass\n"
        "    def start(self): raise WatcherError('nobody can look')\n"
        "    def close(self): pass\n"
        "memory_limit.Watcher = Blind\n" + conftest.read_text()
    )
    pytester.runpytest_subprocess("echo.json").assert_outcomes(failed=2)
    for case in runs()[0].cases:
        assert case.detail == (
            "measure.memory_limit_mb = 5000 cannot be watched here: nobody can look"
        )
        assert (case.limits.memory_limit_mb, case.limits.enforced) == (5000, False)
