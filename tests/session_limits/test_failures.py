"""A session stops once so many cases have failed that it cannot end within the ratio."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]

CONFTEST = """
import time
from pathlib import Path

import pytest
from pytest_modelbench import Prediction, Runner, Session


class Picky(Session):
    def predict(self, batch):
        return batch


class PickyRunner(Runner):
    name = "picky"
    input_kind = "text"

    def load(self, candidate, device, params):
        if candidate.version.startswith("bad"):
            raise ValueError("no good")
        if candidate.version.startswith("late"):
            # Until some other process has seen enough.
            until = time.monotonic() + 30
            while not (Path(__file__).parent / "failed").exists() and time.monotonic() < until:
                time.sleep(0.01)
        return Picky()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("picky", PickyRunner)
"""


@pytest.fixture
def picky(pytester: pytest.Pytester, echo_suite: EchoSuite) -> Callable[..., None]:
    """A suite of models of which those called `bad...` do not load."""

    def write(*models: str) -> None:
        echo_suite(benchmarks=[{"id": "b", "runner": "picky", "models": list(models)}])
        (pytester.path / "conftest.py").write_text(CONFTEST)

    return write


def statuses(run: object) -> dict[str, str]:
    return {case.model: case.status for case in run.cases}  # type: ignore[attr-defined]


def test_the_session_stops_when_more_than_the_ratio_has_failed(
    pytester: pytest.Pytester, picky: Callable[..., None], runs: Runs
) -> None:
    picky("bad1", "good1", "bad2", "good2", "good3")
    result = pytester.runpytest("echo.json", "--suite-maxfail-ratio=20%")
    result.assert_outcomes(failed=2, passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*! stopping: 2 of 5 cases have failed, more than --suite-maxfail-ratio 20% allows !*"]
    )
    (run,) = runs()
    assert statuses(run) == {
        "bad1": "error", "good1": "ok", "bad2": "error", "good2": "skipped", "good3": "skipped"
    }  # fmt: skip
    assert run.cases[-1].detail == (
        "not run: 2 of 5 cases have failed, more than --suite-maxfail-ratio 20% allows"
    )


def test_as_many_failures_as_the_ratio_allows_stop_nothing(
    pytester: pytest.Pytester, picky: Callable[..., None]
) -> None:
    picky("bad1", "good1", "bad2", "good2", "bad3", *(f"good{number}" for number in range(3, 8)))
    result = pytester.runpytest("echo.json", "--suite-maxfail-ratio=0.3")
    result.assert_outcomes(failed=3, passed=7)


def test_deselected_cases_and_other_tests_do_not_count(
    pytester: pytest.Pytester, picky: Callable[..., None]
) -> None:
    picky("bad1", "good1", "good2", "good3")
    pytester.makepyfile("def test_one():\n    assert False\ndef test_two():\n    assert False\n")
    options = ("echo.json", "test_deselected_cases_and_other_tests_do_not_count.py")
    result = pytester.runpytest("--suite-maxfail-ratio=0.4", *options)
    result.assert_outcomes(failed=3, passed=3)
    result = pytester.runpytest("--suite-maxfail-ratio=0.4", "-k", "bad1 or good1", *options)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*stopping: 1 of 2 cases has failed, more than *"])


def test_tests_that_measure_count(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import pytest\n"
        "@pytest.mark.parametrize('number', range(4))\n"
        "def test_call(modelbench, number):\n"
        "    modelbench.measure(str, [1], min_samples=1, min_seconds=0, warmup=0)\n"
        "    assert number\n"
    )
    result = pytester.runpytest("--suite-maxfail-ratio=0")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*stopping: 1 of 4 cases has failed*"])


def test_the_first_failure_stops_it_with_x_whatever_the_ratio(
    pytester: pytest.Pytester, picky: Callable[..., None], runs: Runs
) -> None:
    picky("bad1", "good1", "good2", "good3")
    result = pytester.runpytest("echo.json", "--suite-maxfail-ratio=0.9", "-x")
    result.assert_outcomes(failed=1)
    assert runs()[0].cases[-1].detail == "not run: the session ended before"


@pytest.mark.parametrize("given", ["20", "-0.1", "many", "101%", ""])
def test_what_is_no_share_is_refused(
    pytester: pytest.Pytester, picky: Callable[..., None], given: str
) -> None:
    picky("good")
    result = pytester.runpytest("echo.json", f"--suite-maxfail-ratio={given}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            f"ERROR: --suite-maxfail-ratio '{given}' should be a share of the cases, such as 0.2 "
            "or 20%"
        ]
    )


@pytest.mark.slow
def test_parallel_workers_begin_no_further_case_of_their_queues(
    pytester: pytest.Pytester, picky: Callable[..., None], runs: Runs
) -> None:
    """One worker fails at once; the other is busy until then, and has more in its queue."""
    pytest.importorskip("xdist")
    picky(*(name for number in range(20) for name in (f"bad{number}", f"late{number}")))
    (pytester.path / "tell.py").write_text(
        "import pathlib\n"
        "import pytest\n"
        "@pytest.hookimpl(trylast=True)\n"
        "def pytest_runtest_logreport(report):\n"
        "    if report.failed:\n"
        "        pathlib.Path('failed').touch()\n"
    )
    result = pytester.runpytest_subprocess(
        "echo.json", "-n", "2", "--suite-maxfail-ratio=0", "-p", "tell"
    )
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*Interrupted: 1 of 40 cases has failed, more than *"])
    (run,) = runs()
    found = list(statuses(run).values())
    assert len(found) == 40
    # What was under way on both when it was decided; of their queues nothing.
    assert found.count("skipped") >= 35
    reasons = {case.detail for case in run.cases if case.status == "skipped"}
    assert reasons == {
        "not run: 1 of 40 cases has failed, more than --suite-maxfail-ratio 0 allows"
    }
    assert not list(Path(tempfile.gettempdir()).glob("modelbench-stop-*"))


@pytest.mark.slow
def test_a_worker_that_dies_is_a_case_that_failed(
    pytester: pytest.Pytester, picky: Callable[..., None]
) -> None:
    pytest.importorskip("xdist")
    picky("killer", "good1")
    conftest = pytester.path / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace('raise ValueError("no good")', "pass").replace(
            "        return Picky()",
            "        if candidate.version == 'killer':\n"
            "            import os\n"
            "            os.kill(os.getpid(), 9)\n"
            "        return Picky()",
        )
    )  # fmt: skip
    result = pytester.runpytest_subprocess(
        "echo.json", "-n", "1", "--suite-maxfail-ratio=0.4", "--suite-engine=inline"
    )
    result.stdout.fnmatch_lines(["*1 of 2 cases has failed, more than *"])
