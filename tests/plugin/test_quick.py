"""A quick run tries everything out; its figures are marked, judged by nothing, and no baseline."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.cli import main as modelbench
from pytest_modelbench.report.markdown import markdown_of

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]
MANY_ROWS = [{"text": letter, "ref": letter.upper()} for letter in "abcdefghijkl"]


@pytest.fixture
def twelve(pytester: pytest.Pytester, echo_suite: EchoSuite) -> EchoSuite:
    """A suite of twelve samples that asks for far more calls than a trial makes."""

    def write(name: str = "echo.json", **fields: Any) -> Path:
        file = echo_suite(name, **{"measure": {"min_samples": 500, "warmup": 50}, **fields})
        rows = "".join(json.dumps(row) + "\n" for row in MANY_ROWS)
        (pytester.path / "data.jsonl").write_text(rows)
        return file

    return write


def test_a_quick_run_takes_few_samples_and_calls_and_is_marked(
    pytester: pytest.Pytester, twelve: EchoSuite, runs: Runs
) -> None:
    twelve()
    result = pytester.runpytest("echo.json", "--suite-quick")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["=* modelbench: echo (2 cases, quick run: figures say nothing) =*"]
    )
    (run,) = runs()
    assert run.metadata.quick
    for case in run.cases:
        assert case.metrics["sample_count"].value == 5
        assert len(case.timing.durations_ns()) == 5
        assert len(case.timing.warmup_ns()) <= 2
    assert markdown_of(run).startswith("**quick run: figures say nothing**, ")


@pytest.mark.usefixtures("inline")
def test_any_other_run_is_not_marked(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite()
    result = pytester.runpytest("echo.json")
    assert not runs()[0].metadata.quick
    assert "quick" not in result.stdout.str() + markdown_of(runs()[0])


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("bound", [{"min": 2.0}, {"min": 0.1}, {"max": 0.999}])
def test_no_bound_is_judged_neither_held_nor_broken(
    pytester: pytest.Pytester, twelve: EchoSuite, runs: Runs, bound: dict[str, float]
) -> None:
    twelve(criteria=[{"metric": "exact_match", "goal": "max", **bound}])
    result = pytester.runpytest("echo.json", "--suite-quick", "--suite-strict", "-W", "error")
    result.assert_outcomes(passed=2)
    assert [case.bounds for case in runs()[0].cases] == [[], []]
    assert "bound" not in markdown_of(runs()[0])


@pytest.mark.usefixtures("inline")
def test_what_goes_wrong_fails_as_ever(
    pytester: pytest.Pytester, twelve: EchoSuite, runs: Runs
) -> None:
    twelve(criteria=[{"id": "odd", "expression": "1 / (sample_count - 5)", "goal": "max"}])
    pytester.runpytest("echo.json", "--suite-quick").assert_outcomes(failed=2)


@pytest.mark.usefixtures("inline")
def test_a_quick_run_is_no_baseline(
    pytester: pytest.Pytester, twelve: EchoSuite, runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    twelve(measure={"min_samples": 5, "min_seconds": 0, "warmup": 0})
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    pytester.runpytest("echo.json", "--suite-quick").assert_outcomes(passed=2)
    real, quick = runs()
    result = pytester.runpytest("echo.json", f"--suite-baseline={quick.metadata.run_id}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --suite-baseline *: a quick run, whose figures say nothing: name another run"]
    )
    pytester.runpytest("echo.json", "--suite-baseline=last", "-W", "default")
    compared = runs()[-1].comparisons
    assert {side.run_id for one in compared for side in one.sides} == {real.metadata.run_id, None}
    assert modelbench(["compare", real.metadata.run_id, quick.metadata.run_id]) == 2
    assert "a quick run, whose figures say nothing" in capsys.readouterr().err


def test_a_quick_run_is_held_against_nothing(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    result = pytester.runpytest("echo.json", "--suite-quick", "--suite-baseline=last")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --suite-quick with --suite-baseline: the figures of *"])


@pytest.mark.slow
def test_sides_are_tried_each_by_itself_and_not_compared(
    pytester: pytest.Pytester, twelve: EchoSuite, runs: Runs
) -> None:
    benchmarks = [{"id": "shout", "runner": "echo", "model": "one"}]
    twelve(benchmarks=benchmarks, criteria=[{"metric": "exact_match", "goal": "max", "min": 2}])
    result = pytester.runpytest("echo.json", "--suite-quick", "--suite-against=model:two", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*quick run: each side was tried by itself, and nothing*"])
    (run,) = runs()
    assert {case.side: case.metrics["sample_count"].value for case in run.cases} == {
        "baseline": 5, "candidate": 5
    }  # fmt: skip
    (comparison,) = run.comparisons
    assert (comparison.status, comparison.verdicts, comparison.launches) == ("skipped", [], [])
    assert [case.bounds for case in run.cases] == [[], []]


@pytest.mark.slow
def test_a_side_that_does_not_work_fails_the_trial(
    pytester: pytest.Pytester, twelve: EchoSuite
) -> None:
    twelve(benchmarks=[{"id": "shout", "runner": "echo", "model": "one"}])
    conftest = pytester.path / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace(
            "        return EchoSession()",
            "        if candidate.version == 'two':\n"
            "            raise ValueError('no weights')\n"
            "        return EchoSession()",
        )
    )
    result = pytester.runpytest("echo.json", "--suite-quick", "--suite-against=model:two")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*side 'baseline': ValueError: no weights"])


def test_a_test_in_python_makes_few_calls_and_is_not_judged(
    pytester: pytest.Pytester, runs: Runs
) -> None:
    pytester.makepyfile(
        "def test_one(modelbench):\n"
        "    seen = modelbench.measure(str, range(8), min_samples=1000, warmup=100)\n"
        "    assert len(seen.outputs) == 8\n"
        "    modelbench.bound('p50_latency_ms', max=1e-9)\n"
    )
    pytester.runpytest("--suite-quick").assert_outcomes(passed=1)
    (run,) = runs()
    assert run.metadata.quick
    assert len(run.cases[0].timing.durations_ns()) == 8
    assert run.cases[0].bounds == []


@pytest.mark.slow
def test_parallel_workers_are_quick_too(
    pytester: pytest.Pytester, twelve: EchoSuite, runs: Runs
) -> None:
    pytest.importorskip("xdist")
    twelve()
    result = pytester.runpytest("echo.json", "--suite-quick", "-n", "2")
    result.assert_outcomes(passed=2)
    (run,) = runs()
    assert run.metadata.quick
    assert {case.metrics["sample_count"].value for case in run.cases} == {5}


def test_the_command_passes_it_on(
    pytester: pytest.Pytester, twelve: EchoSuite, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    twelve()
    monkeypatch.chdir(pytester.path)
    assert modelbench(["run", "echo.json", "--quick"]) == 0
    assert runs()[0].metadata.quick


@pytest.mark.usefixtures("inline")
def test_a_session_goes_on_with_the_last_run_of_its_own_kind(
    pytester: pytest.Pytester, twelve: EchoSuite, runs: Runs
) -> None:
    twelve(measure={"min_samples": 12, "warmup": 0})
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    pytester.runpytest("echo.json", "--suite-quick").assert_outcomes(passed=2)
    for kind, samples in (["--suite-quick"], 5), ([], 12):
        pytester.runpytest("echo.json", "--suite-resume=last", *kind).assert_outcomes(passed=2)
        case = runs()[-1].cases[0]
        assert case.taken_over
        assert case.metrics["sample_count"].value == samples


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (["--suite-quick"], [], "a quick run: name another run, or give --suite-quick"),
        ([], ["--suite-quick"], "no quick run, as this session is: name another run, or leave out"),
    ],
)
def test_a_run_of_the_other_kind_is_refused_by_name(
    pytester: pytest.Pytester,
    twelve: EchoSuite,
    runs: Runs,
    first: list[str],
    second: list[str],
    words: str,
) -> None:
    twelve(measure={"min_samples": 12, "warmup": 0})
    pytester.runpytest("echo.json", *first).assert_outcomes(passed=2)
    named = f"--suite-resume={runs()[0].metadata.run_id}"
    result = pytester.runpytest("echo.json", named, *second)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{words}*"])
    result = pytester.runpytest("echo.json", "--suite-resume=last", *second)
    result.stderr.fnmatch_lines(["ERROR: --suite-resume last: there is no * of suite echo in *"])
