"""A case of whose samples no more fail than its suite tolerates is measured, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]

CONFTEST = """
from pytest_modelbench import Prediction, Runner, Session


class Shaky(Session):
    def __init__(self, params):
        self.params = params
        self.batch_size = params.get("batch_size", 1)
        self.calls = 0

    def prepare(self, sample):
        if sample.input in self.params.get("prepare", ""):
            raise ValueError("cannot read " + sample.input)
        return sample.input

    def predict(self, batch):
        self.calls += 1
        if any(text in self.params.get("predict", "") for text in batch):
            raise ValueError("cannot say " + batch[0])
        if self.calls > self.params.get("lives", 10**9):
            raise RuntimeError("tired")
        return [text.upper() for text in batch]

    def finish(self, sample, answer):
        if sample.input in self.params.get("finish", ""):
            raise ValueError("cannot use " + answer)
        return Prediction(answer)


class ShakyRunner(Runner):
    name = "shaky"
    input_kind = "text"
    quality = ("exact_match",)

    def load(self, candidate, device, params):
        return Shaky(params)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("shaky", ShakyRunner)
"""
LETTERS = "abcdefghij"


@pytest.fixture
def shaky(pytester: pytest.Pytester, echo_suite: EchoSuite) -> Callable[..., None]:
    """A suite of ten samples, `a` to `j`, on a model that fails where it is told."""

    def write(most: Any = None, **params: Any) -> None:
        measure = {"min_samples": 20, "min_seconds": 0, "warmup": 0}
        if most is not None:
            measure["max_failed_samples"] = most
        benchmark = {"id": "b", "runner": "shaky", "model": "m", "params": params}
        echo_suite(measure=measure, benchmarks=[benchmark])
        (pytester.path / "conftest.py").write_text(CONFTEST)
        rows = (f'{{"text": "{one}", "ref": "{one.upper()}"}}\n' for one in LETTERS)
        (pytester.path / "data.jsonl").write_text("".join(rows))

    return write


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("most", [2, "20%", 0.2, "25%"])
@pytest.mark.parametrize("where", ["prepare", "predict", "finish"])
def test_failed_samples_within_what_is_tolerated_are_told_and_fail_nothing(
    pytester: pytest.Pytester, shaky: Callable[..., None], runs: Runs, most: Any, where: str
) -> None:
    shaky(most, **{where: "aj"})
    result = pytester.runpytest("echo.json", "-W", "default")
    result.assert_outcomes(passed=1, warnings=1)
    (case,) = runs()[0].cases
    assert (case.status, case.detail, case.trace) == ("ok", "", None)
    cause = {"prepare": "cannot read a", "predict": "cannot say a", "finish": "cannot use A"}
    failed = case.failed_samples
    assert (failed.count, failed.tolerated, failed.rows) == (2, 2, ["0", "9"])
    assert failed.first_error == f"ValueError: {cause[where]}"
    words = (
        f"2 of 10 samples failed (2 tolerated by measure.max_failed_samples): rows 0, 9; the "
        f"first with: ValueError: {cause[where]}"
    )
    result.stdout.fnmatch_lines([f"*ModelbenchWarning: echo::b?m-CPU?: {words}"])
    result.stdout.fnmatch_lines([f"note: b?m-CPU?: {words}"])
    assert case.metrics["failure_count"].value == 2
    # What has no answer is wrong.
    assert case.metrics["exact_match"].value == pytest.approx(0.8)
    assert case.metric_errors == {}


@pytest.mark.parametrize("where", ["prepare", "predict", "finish"])
def test_the_calls_of_failed_samples_are_in_no_statistic(
    pytester: pytest.Pytester, shaky: Callable[..., None], runs: Runs, where: str
) -> None:
    shaky(3, **{where: "abc"})
    pytester.runpytest("echo.json", "-W", "default").assert_outcomes(passed=1, warnings=1)
    (case,) = runs()[0].cases
    timing = case.timing
    calls = timing.durations_ns()
    # Seven samples, and those again: had the calls of failed ones been timed there were ten.
    assert (timing.first_round, timing.repeated) == (7, 7)
    assert case.metrics["max_latency_ms"].value == max(calls) / 1e6
    assert case.metrics["p50_latency_ms"].metadata["samples"] == len(calls)
    busy_seconds = len(calls) / case.metrics["throughput_items_per_second"].value
    assert busy_seconds == pytest.approx(sum(calls) / 1e9)


@pytest.mark.usefixtures("inline")
def test_a_first_call_that_fails_is_no_error_where_it_is_tolerated(
    pytester: pytest.Pytester, shaky: Callable[..., None], runs: Runs
) -> None:
    shaky(3, predict="a")
    pytester.runpytest("echo.json", "-W", "default").assert_outcomes(passed=1, warnings=1)
    assert runs()[0].cases[0].metrics["first_latency_ms"].status == "skipped"


@pytest.mark.parametrize("most", [None, 0, 1, "19%", 0.1])
def test_one_more_than_tolerated_is_an_error(
    pytester: pytest.Pytester, shaky: Callable[..., None], runs: Runs, most: Any
) -> None:
    shaky(most, predict="aj")
    result = pytester.runpytest("echo.json")
    result.assert_outcomes(failed=1)
    (case,) = runs()[0].cases
    assert case.status == "error"
    tolerated = " (1 tolerated by measure.max_failed_samples)" if most else ""
    assert case.detail == (
        f"2 of 10 samples failed{tolerated}, the first with: ValueError: cannot say a"
    )
    assert "cannot say a" in case.trace
    assert (case.failed_samples.count, case.failed_samples.tolerated) == (2, 1 if most else 0)


@pytest.mark.usefixtures("inline")
def test_all_samples_of_a_call_that_fails_have_failed(
    pytester: pytest.Pytester, shaky: Callable[..., None], runs: Runs
) -> None:
    shaky("40%", predict="a", batch_size=4)
    pytester.runpytest("echo.json", "-W", "default").assert_outcomes(passed=1, warnings=1)
    (case,) = runs()[0].cases
    assert case.failed_samples.rows == ["0", "1", "2", "3"]
    assert case.metrics["exact_match"].value == pytest.approx(0.6)


@pytest.mark.usefixtures("inline")
def test_a_model_that_answers_nothing_is_an_error_whatever_is_tolerated(
    pytester: pytest.Pytester, shaky: Callable[..., None], runs: Runs
) -> None:
    shaky(100, predict=LETTERS)
    pytester.runpytest("echo.json").assert_outcomes(failed=1)
    assert runs()[0].cases[0].detail == "ValueError: cannot say a"


@pytest.mark.usefixtures("inline")
def test_a_call_that_fails_when_it_is_repeated_is_an_error_whatever_is_tolerated(
    pytester: pytest.Pytester, shaky: Callable[..., None], runs: Runs
) -> None:
    """Timing ends there, so its figures are not what was asked for."""
    shaky(9, lives=15)
    pytester.runpytest("echo.json").assert_outcomes(failed=1)
    (case,) = runs()[0].cases
    assert case.detail == (
        "a sample that was answered at first failed when it was timed again: RuntimeError: tired"
    )
    assert case.failed_samples is None


@pytest.mark.usefixtures("inline")
def test_what_is_tolerated_does_not_change_the_fingerprint(
    pytester: pytest.Pytester, shaky: Callable[..., None], runs: Runs
) -> None:
    for most in (None, "50%"):
        shaky(most)
        pytester.runpytest("echo.json").assert_outcomes(passed=1)
    first, second = (run.cases[0] for run in runs())
    assert first.fingerprint == second.fingerprint
    assert second.failed_samples is None


@pytest.mark.parametrize(
    ("given", "shown"),
    [(1.5, "1.5"), ("5", "'5'"), (-1, "-1"), (True, "True"), ("100%", "'100%'"), (None, "None")],
)
def test_what_is_neither_a_number_of_samples_nor_a_share_is_a_mistake(
    pytester: pytest.Pytester, echo_suite: EchoSuite, given: Any, shown: str
) -> None:
    echo_suite(measure={"max_failed_samples": given})
    result = pytester.runpytest("echo.json")
    result.stdout.fnmatch_lines(
        [
            f"*echo.json:*: measure.max_failed_samples: {shown} should be a whole number of "
            'samples, or a share of them below 1 such as "5%" or 0.05'
        ]
    )


def test_a_test_in_python_has_no_samples_to_tolerate(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "def test_one(modelbench):\n    modelbench.measure(str, [1], max_failed_samples=1)\n"
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'max_failed_samples' is for suites: a call that raises*"])


@pytest.mark.usefixtures("inline")
def test_with_several_calls_in_flight_the_same_ones_are_left_out(
    pytester: pytest.Pytester, shaky: Callable[..., None], runs: Runs
) -> None:
    shaky(3, finish="abc")
    conftest = pytester.path / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace(
            "    def prepare(self, sample):",
            "    max_in_flight = 2\n\n"
            "    def start(self, batch, done):\n"
            "        done(self.predict(batch))\n\n"
            "    def prepare(self, sample):",
        )
    )
    pytester.runpytest("echo.json", "-W", "default").assert_outcomes(passed=1, warnings=1)
    timing = runs()[0].cases[0].timing
    assert (timing.first_round, timing.repeated) == (7, 7)
    assert len(timing.durations_ns()) < 20
