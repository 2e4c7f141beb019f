"""Before a session measures it says all at once what will go wrong; or it does nothing else."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.cli import main as modelbench
from pytest_modelbench.results.store import runs_folder

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]

CONFTEST = """
import os
from pathlib import Path
from pytest_modelbench import Prediction, Requirement, Runner, Session

ASKED = Path(__file__).parent / "asked"


class Echo(Session):
    def predict(self, batch):
        return [text.upper() for text in batch]


class EchoRunner(Runner):
    name = "echo"
    input_kind = "text"
    quality = ("exact_match",)

    def requirements(self, params):
        return [Requirement(params["needs"], extra="hf")] if "needs" in params else []

    def devices(self):
        with ASKED.open("a") as file:
            file.write(f"{os.getpid()}\\n")
        if os.environ.get("CRASH"):
            os.write(2, b"no such driver\\n")
            os._exit(3)
        return ("CPU", "GPU.1")

    def load(self, candidate, device, params):
        return Echo()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("echo", EchoRunner)
"""
FAULTY: list[dict[str, Any]] = [
    {"id": "well", "models": ["one", "two"]},
    {"id": "key", "models": ["one", "two"], "env": ["NO_SUCH_KEY", "HOME"]},
    {"id": "extra", "model": "one", "params": {"needs": "nothing.of.that.name"}},
    {"id": "column", "model": "one", "dataset": {"input_column": "txt"}},
    {"id": "device", "model": "one", "device": "NPU"},
]


@pytest.fixture
def suite(pytester: pytest.Pytester, echo_suite: EchoSuite) -> Callable[..., Path]:
    """Writes a suite of benchmarks for a runner that notes who asks it for its devices."""

    def write(name: str = "echo.json", benchmarks: Any = FAULTY[:1], **fields: Any) -> Path:
        made = [{"runner": "echo", **one} for one in benchmarks]
        file = echo_suite(name, benchmarks=made, **fields)
        (pytester.path / "conftest.py").write_text(CONFTEST)
        return file

    return write


def faulty(pytester: pytest.Pytester, suite: Callable[..., Path]) -> tuple[str, ...]:
    """Two suites with one of each kind of problem, and one that cannot be read."""
    suite(benchmarks=FAULTY)
    (pytester.path / "registry.json").write_text(
        json.dumps([{"version": "gone", "model_path": "./models/gone"}])
    )
    suite("second.json", [{"id": "gone", "model": "gone"}], registry="registry.json")
    (pytester.path / "third.json").write_text('{"benchmarks": [{"runner": "ecko", "model": "m"}]}')
    return ("--suite=echo.json", "--suite=second.json", "--suite=third.json")


PROBLEMS = [
    "  1 suite with mistakes, so nothing of it is measured: what is wrong stands at the end, under "
    "ERRORS",
    "  echo::key?one-CPU?, echo::key?two-CPU?: environment variable NO_SUCH_KEY is not set: set "
    "it, or take it out of 'env'",
    "  echo::extra?one-CPU?: nothing.of.that.name is not installed: pip install "
    '"pytest-modelbench?hf?"',
    "  echo::column?one-CPU?: dataset 'data.jsonl' has no column 'txt' (input_column) in its first "
    "3 rows: it has text, ref; did you mean 'text'?",
    "  second::gone?gone-CPU?: model path does not exist: *models/gone: put the model there, or "
    "mend the path in the suite or the registry",
]


MISTAKES = [
    "*third.json:1: benchmarks?0?: has no dataset: give 'dataset' here or in the suite",
    "*third.json:1: benchmarks?0?.runner: 'ecko' is not a runner; did you mean 'echo'?*",
]
"""Those of the suite that cannot be read, as pytest tells of them."""


def test_a_session_says_at_once_what_will_go_wrong_and_measures_the_rest(
    pytester: pytest.Pytester, suite: Callable[..., Path], runs: Runs
) -> None:
    result = pytester.runpytest(*faulty(pytester, suite))
    result.assert_outcomes(passed=2, skipped=4, failed=2, errors=1)
    before = result.stdout.str().partition("echo.json ")[0].splitlines()
    (head,) = [line for line in before if line.startswith("preflight: ")]
    assert head.endswith(
        "5 problems: the cases that are named here will be skipped or fail, all others are measured"
    )
    result.stdout.fnmatch_lines_random([*PROBLEMS, *MISTAKES])
    assert result.stdout.str().count("is not a runner") == 1
    assert sum(line.startswith("  ") for line in before) == len(PROBLEMS)
    # What was said is what became of them.
    details = {case.benchmark: case.detail for case in runs()[0].cases}
    assert details["key"] == "environment variable NO_SUCH_KEY is not set"
    assert details["extra"].startswith("nothing.of.that.name is not installed: pip install ")
    assert "has no column 'txt' (input_column)" in details["column"]
    assert details["gone"].startswith("model path does not exist: ")


def test_of_a_suite_with_mistakes_and_no_other_only_pytest_tells(
    pytester: pytest.Pytester, suite: Callable[..., Path]
) -> None:
    suite()
    (pytester.path / "third.json").write_text('{"benchmarks": [{"runner": "ecko", "model": "m"}]}')
    result = pytester.runpytest("--suite=third.json")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines_random(MISTAKES)
    assert "preflight" not in result.stdout.str()


def test_the_preflight_alone_lists_all_problems_measures_nothing_and_writes_nothing(
    pytester: pytest.Pytester, suite: Callable[..., Path], runs: Runs
) -> None:
    result = pytester.runpytest(*faulty(pytester, suite), "--suite-preflight")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["preflight: 6 problems in 8 cases"])
    device = "  echo::device?one-NPU?: device 'NPU' is not present; present: CPU, GPU.1"
    result.stdout.fnmatch_lines_random([*PROBLEMS, *MISTAKES, device])
    result.assert_outcomes(errors=1)
    assert "well" not in result.stdout.str()
    assert not runs_folder().exists()


def test_without_problems_it_exits_with_0(
    pytester: pytest.Pytester, suite: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    suite()
    result = pytester.runpytest("echo.json", "--suite-preflight")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "preflight: no problem in 2 cases",
            "time: unknown, none of the cases was measured here before",
            "space: unknown for the run in *runs, where * are free",
        ]
    )
    monkeypatch.chdir(pytester.path)
    assert modelbench(["run", "echo.json", "--preflight"]) == 0
    assert modelbench(["run", "echo.json", "--preflight", "--device=NPU"]) == 1
    assert not runs_folder().exists()


def test_devices_are_asked_in_another_process_and_by_the_preflight_alone(
    pytester: pytest.Pytester, suite: Callable[..., Path]
) -> None:
    suite()
    pytester.runpytest("echo.json", "--suite-preflight")
    pids = (pytester.path / "asked").read_text().split()
    assert pids
    assert str(os.getpid()) not in pids
    (pytester.path / "asked").unlink()
    pytester.runpytest("echo.json", "-k", "nothing_of_that_name or one", "--suite-timeout=0.001")
    assert not (pytester.path / "asked").exists()


def test_a_runner_that_ends_its_process_is_a_problem_of_its_cases(
    pytester: pytest.Pytester, suite: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRASH", "1")
    suite()
    result = pytester.runpytest("echo.json", "--suite-preflight")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "  all 2 cases: runner 'echo' could not be looked into: the process that asked it *3*; "
            "its last words: no such driver"
        ]
    )


@pytest.mark.usefixtures("inline")
def test_what_a_run_will_take_is_told_by_earlier_runs(
    pytester: pytest.Pytester, suite: Callable[..., Path]
) -> None:
    file = suite()
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    pytester.runpytest("echo.json", "--suite-quick").assert_outcomes(passed=2)
    result = pytester.runpytest("echo.json", "--suite-preflight")
    result.stdout.fnmatch_lines(
        [
            "time: * for 2 cases, one after the other, as before",
            "space: about * kB for the run in *, where * are free (as benchmark_*)",
        ]
    )
    file.write_text(file.read_text().replace('"two"', '"two", "three"'))
    result = pytester.runpytest("echo.json", "--suite-preflight")
    result.stdout.fnmatch_lines(
        ["time: * for 2 cases, *; unknown for 1 case * never measured: *three-CPU?"]
    )


@pytest.mark.slow
def test_with_parallel_workers_the_block_is_shown_once(
    pytester: pytest.Pytester, suite: Callable[..., Path]
) -> None:
    pytest.importorskip("xdist")
    suite(benchmarks=FAULTY)
    result = pytester.runpytest_subprocess("echo.json", "-n", "2")
    result.assert_outcomes(passed=2, skipped=4, failed=1)
    assert len(re.findall(r"^preflight: 3 problems", result.stdout.str(), re.M)) == 1
    # A worker that comes late, be it the first, has none of a few items.
    conftest = pytester.path / "conftest.py"
    late = "import time\nif os.environ.get('PYTEST_XDIST_WORKER') == 'gw0':\n    time.sleep(2)\n"
    conftest.write_text(f"{conftest.read_text()}\n{late}")
    result = pytester.runpytest_subprocess("echo.json", "-n", "2", "-k", "extra")
    result.assert_outcomes(skipped=1)
    assert len(re.findall(r"^preflight: 1 problem", result.stdout.str(), re.M)) == 1
    result = pytester.runpytest_subprocess("echo.json", "-n", "2", "--suite-preflight")
    result.stdout.fnmatch_lines(["preflight: 4 problems in 7 cases"])
    assert result.ret == 1


@pytest.mark.parametrize("option", ["--collect-only", "--suite-dry-run"])
def test_what_measures_nothing_says_nothing(
    pytester: pytest.Pytester, suite: Callable[..., Path], option: str
) -> None:
    suite(benchmarks=FAULTY)
    assert "preflight" not in pytester.runpytest("echo.json", option).stdout.str()


def test_each_side_of_a_comparison_is_looked_at_as_it_will_be(
    pytester: pytest.Pytester, suite: Callable[..., Path]
) -> None:
    compare = {
        "baseline": {"env": {"KEY": "1"}},
        "candidates": {
            "with": {"env": {"KEY": "2"}},
            "without": {},
            "elsewhere": {"python": sys.executable, "device": "NPU"},
        },
    }
    suite(benchmarks=[{"id": "b", "model": "one", "env": ["KEY"], "compare": compare}])
    result = pytester.runpytest("echo.json", "--suite-preflight")
    result.stdout.fnmatch_lines(
        ["preflight: 1 problem in 1 case", "  echo::b?one-CPU-*?: environment variable KEY is not*"]
    )
    result = pytester.runpytest("echo.json", "--suite-preflight", "--suite-against=device:NPU")
    result.stdout.fnmatch_lines_random(
        ["  echo::b?one-CPU-*?: device 'NPU' is not present; present: CPU, GPU.1"]
    )


def test_of_tests_in_python_it_says_that_nobody_can_know(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(modelbench):\n    assert False\n")
    result = pytester.runpytest("--suite-preflight")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["preflight: no problem in 0 cases", "note: 1 test in Python: nobody can look into them"]
    )
    assert "time" not in result.stdout.str().partition("preflight")[2]


def test_a_runner_that_cannot_say_what_it_needs_keeps_nothing_from_running(
    pytester: pytest.Pytester, suite: Callable[..., Path]
) -> None:
    suite()
    conftest = pytester.path / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace(
            'if "needs" in params else []', 'if "needs" in params else 1 / 0'
        )
    )
    result = pytester.runpytest("echo.json")
    result.stdout.fnmatch_lines(
        ["  all 2 cases: runner 'echo' could not say what it needs: ZeroDivisionError: *"]
    )
    result.assert_outcomes(failed=2)


def test_models_that_are_larger_than_the_memory_are_told(
    pytester: pytest.Pytester, suite: Callable[..., Path]
) -> None:
    try:
        os.truncate(os.open(pytester.path / "large.bin", os.O_CREAT | os.O_WRONLY), 5 * 10**12)
    except OSError:
        pytest.skip("this file system has no files of that size")
    (pytester.path / "small.bin").write_text("x")
    suite(benchmarks=[{"id": "b", "models": ["large.bin", "small.bin"]}])
    result = pytester.runpytest("echo.json", "--suite-preflight")
    result.stdout.fnmatch_lines(
        [
            "  echo::b?large.bin-CPU?: the files of large.bin are 5000 GB, and * of memory are "
            "free: free some, or leave the model out (--suite-model, -k)"
        ]
    )
    (pytester.path / "large.bin").unlink()
