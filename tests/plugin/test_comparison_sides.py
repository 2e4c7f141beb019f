"""Sides of a comparison in real sessions: which model is whose, and what is said of which."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pytest_modelbench import BenchmarkRun
from pytest_modelbench.results.comparison import Comparison

CONFTEST = """
import os
from pathlib import Path

import pytest
from pytest_modelbench import Candidate, Runner, Session, Unavailable

HERE = Path(__file__).parent


class Upper(Session):
    def __init__(self, name, params):
        self.name, self.params, self.calls = name, params, 0
        self.note("load")

    def note(self, what):
        if self.params.get("notes"):
            with (HERE / "notes").open("a") as stream:
                stream.write(f"{os.getpid()} {what} {os.environ.get('MODELBENCH_TURN')}\\n")

    def predict(self, batch):
        self.calls += 1
        self.note("predict")
        if self.name == "breaks" or self.name == "breaks-late" and self.calls > 30:
            raise RuntimeError("out of luck")
        return [text if self.name == "wrong" else text.upper() for text in batch]


class UpperRunner(Runner):
    name = "upper"
    input_kind = "text"
    quality = ("exact_match",)

    def devices(self):
        return ("CPU", "AUTO")

    def load(self, candidate, device, params):
        if candidate.version == "absent":
            raise Unavailable("no driver for it")
        return Upper(candidate.version, params)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("upper", UpperRunner)
"""
OVERRIDES = """

@pytest.fixture
def model(model):
    return Candidate("mine", model.model_path)


@pytest.fixture
def device():
    return "AUTO"
"""
EXACT = {"id": "right", "metric": "exact_match", "goal": "max", "max_regression": 0.5}
"""Needs no launches."""
LATENCY = {"id": "fast", "metric": "p50_latency_ms", "max_regression": "400%"}
pytestmark = pytest.mark.slow


@pytest.fixture
def session(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    pytester.makeconftest(CONFTEST)
    rows = [{"text": letter, "ref": letter.upper()} for letter in "abcdefghijklmnopqrstuvwxyz"]
    (pytester.path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(compare: Any, *criteria: Any, **params: Any) -> pytest.RunResult:
        suite = {
            "id": "s",
            "dataset": {"source": "jsonl", "path": "rows.jsonl", "reference_column": "ref"},
            "measure": {"min_samples": 5, "min_seconds": 0, "warmup": 2},
            "criteria": criteria or [EXACT],
            "compare": compare,
            "benchmarks": [{"id": "b", "runner": "upper", "model": "one", "params": params}],
        }
        (pytester.path / "s.json").write_text(json.dumps(suite, indent=1))
        options = ("--suite-output=run.json", "-p", "no:cacheprovider", "-rs")
        return pytester.runpytest("s.json", *options)

    return run


def run_of(pytester: pytest.Pytester) -> BenchmarkRun:
    return BenchmarkRun.load(pytester.path / "run.json")


def comparison_of(pytester: pytest.Pytester) -> Comparison:
    [comparison] = run_of(pytester).comparisons
    return comparison


def test_a_conftest_s_model_and_device_are_those_of_every_side_that_names_none(
    session: Any, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(CONFTEST + OVERRIDES)
    candidates = {"same": {}, "other": {"model": "two"}, "cpu": {"device": "CPU"}}
    session({"baseline": {}, "candidates": candidates}).assert_outcomes(passed=1)
    run = run_of(pytester)
    assert {case.id.rpartition("@")[2]: (case.model, case.device) for case in run.cases} == {
        "baseline": ("mine", "AUTO"),
        "same": ("mine", "AUTO"),
        "other": ("two", "AUTO"),
        "cpu": ("mine", "CPU"),
    }
    [comparison] = run.comparisons
    assert [side.described["model"] for side in comparison.sides] == ["mine", "mine", "two", "mine"]


def test_an_absent_candidate_leaves_the_others_their_verdicts(
    session: Any, pytester: pytest.Pytester
) -> None:
    candidates = {"gone": {"model": "absent"}, "same": {}, "bad": {"model": "wrong"}}
    result = session({"baseline": {}, "candidates": candidates}, EXACT, LATENCY)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*worse: bad: exact match 1 -> 0*", "*not compared: side 'gone'*"])
    comparison = comparison_of(pytester)
    assert (comparison.status, comparison.detail) == ("ok", "side 'gone': no driver for it")
    assert [side.name for side in comparison.sides] == ["baseline", "same", "bad"]
    assert [len(launch.sides) for launch in comparison.launches] == [3] * len(comparison.launches)
    judged = {
        (one.candidate, one.metric): one.outcome
        for one in comparison.verdicts
        if one.baseline == "baseline"
    }
    assert judged["same", "exact_match"] == "pass"
    assert judged["bad", "exact_match"] == "regression"
    assert {who for who, metric in judged if metric == "p50_latency_ms"} == {"same", "bad"}
    skipped = run_of(pytester).case("@gone")
    assert (skipped.status, skipped.detail) == ("skipped", "no driver for it")


def test_a_candidate_that_is_merely_absent_fails_nothing(
    session: Any, pytester: pytest.Pytester
) -> None:
    result = session({"baseline": {}, "candidates": {"same": {}, "gone": {"model": "absent"}}})
    result.assert_outcomes(passed=1)


def test_a_broken_candidate_fails_the_item_and_the_others_are_judged(
    session: Any, pytester: pytest.Pytester
) -> None:
    candidates = {"a": {"model": "breaks"}, "b": {"model": "breaks"}, "same": {}}
    result = session({"baseline": {}, "candidates": candidates})
    result.assert_outcomes(failed=1)
    lines = [line for line in result.stdout.lines if "out of luck" in line]
    for name in "ab":
        assert any(line.startswith(f"candidate {name}: ") for line in lines), lines
    outcomes = [(one.candidate, one.outcome) for one in comparison_of(pytester).verdicts]
    assert outcomes == [("same", "pass")]


@pytest.mark.parametrize(
    ("compare", "status", "detail"),
    [
        ({"baseline": {"model": "absent"}, "candidates": {"a": {}, "b": {}}}, "skipped",
         "side 'baseline': no driver for it"),
        ({"baseline": {}, "candidates": {"a": {"model": "absent"}, "b": {"model": "absent"}}},
         "skipped", "side 'a': no driver for it"),
    ],
)  # fmt: skip
def test_without_the_baseline_or_any_candidate_nothing_is_compared(
    session: Any, pytester: pytest.Pytester, compare: Any, status: str, detail: str
) -> None:
    session(compare).assert_outcomes(skipped=1)
    comparison = comparison_of(pytester)
    assert (comparison.status, comparison.detail) == (status, detail)
    assert comparison.verdicts == []


def test_a_candidate_that_breaks_its_bound_fails_though_there_is_nothing_to_compare_it_with(
    session: Any, pytester: pytest.Pytester
) -> None:
    bound = {"id": "right", "metric": "exact_match", "goal": "max", "min": 0.9}
    compare = {"baseline": {"model": "absent"}, "candidate": {"model": "wrong"}}
    result = session(compare, bound)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*broken: exact_match*", "*not compared: side 'baseline': no driver for it*"]
    )
    assert comparison_of(pytester).status == "skipped"


def test_a_candidate_that_is_nowhere_leaves_the_others_their_verdicts(
    session: Any, pytester: pytest.Pytester
) -> None:
    """Its environment has no pytest-modelbench."""
    bare = pytester.path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    candidates = {"nowhere": {"python": "bare/bin/python"}, "same": {}, "bad": {"model": "wrong"}}
    result = session({"baseline": {}, "candidates": candidates})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*candidate nowhere: *install*", "*worse: bad: exact match 1 -> 0*"]
    )
    outcomes = [(one.candidate, one.outcome) for one in comparison_of(pytester).verdicts]
    assert outcomes[:2] == [("same", "pass"), ("bad", "regression")]
    assert run_of(pytester).case("@nowhere").status == "error"


def test_a_broken_bound_says_of_which_candidate(session: Any, pytester: pytest.Pytester) -> None:
    bound = {"id": "right", "metric": "exact_match", "goal": "max", "min": 0.9}
    settings = {"blocks": 4, "launches": 2, "tolerance": "900%"}
    candidates = {"a": {"model": "wrong"}, "b": {"model": "wrong"}}
    result = session({"baseline": {}, "candidates": candidates, **settings}, bound)
    result.assert_outcomes(failed=1)
    lines = [line for line in result.stdout.lines if "broken: exact_match" in line]
    assert [line.partition(": ")[0] for line in lines[:2]] == ["candidate a", "candidate b"]


def test_the_traceback_of_a_side_that_breaks_while_measured_in_turn_is_kept(
    session: Any, pytester: pytest.Pytester
) -> None:
    session({"baseline": {}, "candidate": {"model": "breaks-late"}}, LATENCY)
    comparison = comparison_of(pytester)
    assert comparison.status == "error"
    assert comparison.trace is not None
    assert "Traceback" in comparison.trace
    assert "RuntimeError: out of luck" in comparison.trace


def test_what_a_model_starts_in_a_side_s_process_knows_that_it_is_in_a_turn(
    session: Any, pytester: pytest.Pytester
) -> None:
    settings = {"blocks": 4, "launches": 2, "tolerance": "900%"}
    session({"baseline": {}, **settings}, LATENCY, notes=True)
    launches = len(comparison_of(pytester).launches)
    assert launches > 0
    notes = [line.split() for line in (pytester.path / "notes").read_text().splitlines()]
    # The first two processes measure the sides by themselves, and have turns of their own.
    processes = list(dict.fromkeys(process for process, _, _ in notes))
    in_launches = processes[-2 * launches :]
    seen = {(what, turn != "None") for process, what, turn in notes if process in in_launches}
    assert seen == {("load", True), ("predict", True)}
