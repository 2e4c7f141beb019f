"""Beside pytest-benchmark: our cases in its table and files, its benchmarks in our run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench import BenchmarkRun

pytest.importorskip("pytest_benchmark")

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]
Ordinary = tuple[BenchmarkRun, dict[str, dict[str, Any]]]

INLINE = ["--suite-engine=inline", "-p", "no:cacheprovider"]
NO_WARNING = [*INLINE, "-W", "error"]
PLAIN_TEST = "def test_plain():\n    pass\n"
PEDANTIC_TEST = """
def test_pedantic(benchmark):
    benchmark.pedantic(sum, args=([1, 2],), rounds=7)
"""

TWO_AT_ONCE = """

import threading


class TwoAtOnce(EchoSession):
    max_in_flight = 2

    def start(self, batch, done):
        threading.Timer(0.02, lambda: done(self.predict(batch))).start()


class Together(Echo):
    def load(self, candidate, device, params):
        return TwoAtOnce()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("echo", Echo)
    modelbench.runners.add("two_at_once", Together)
"""


def saved(file: Path) -> dict[str, dict[str, Any]]:
    """The benchmarks of a file of pytest-benchmark, by name."""
    return {one["name"]: one for one in json.loads(file.read_text())["benchmarks"]}


def test_every_case_stands_in_its_table(pytester: pytest.Pytester, echo_suite: EchoSuite) -> None:
    echo_suite()
    result = pytester.runpytest("echo.json", *NO_WARNING)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*benchmark: 2 tests*", "Name (time in *", "*---*", "shout*"])
    for name in ("shout[one-CPU]", "shout[two-CPU]"):
        assert any(line.startswith(name) for line in result.outlines)


def test_its_json_holds_our_samples_metrics_and_parameters(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    one = {"id": "shout", "runner": "echo", "models": ["one", "two"], "matrix": {"size": [1, 2]}}
    echo_suite(benchmarks=[one])
    result = pytester.runpytest("echo.json", "--benchmark-json=b.json", *INLINE)
    result.assert_outcomes(passed=4)
    theirs = saved(pytester.path / "b.json")
    cases = runs()[0].cases
    assert list(theirs) == [case.id.removeprefix("echo::") for case in cases]
    for case in cases:
        name = case.id.removeprefix("echo::")
        entry = theirs[name]
        durations = case.timing.durations_ns()
        assert entry["stats"]["data"] == [one / 1e9 for one in durations]
        assert (entry["stats"]["rounds"], entry["stats"]["iterations"]) == (len(durations), 1)
        assert entry["fullname"] == f"echo.json::{name}"
        assert f"shout[{entry['param']}]" == name
        size = {"size": case.params["size"]}
        assert entry["params"] == {**size, "model": case.model, "device": "CPU"}
        assert entry["group"] is None
        ours = {key: metric.value for key, metric in case.metrics.items() if metric.is_ok}
        assert entry["extra_info"] == {**ours, "case": case.id}
        assert entry["options"]["timer"] == "perf_counter_ns"
        assert entry["options"]["warmup"] == len(case.timing.warmup_ns())


def test_calls_in_flight_are_no_rounds_and_stay_out(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    """1 / mean would be the rate of one place alone."""
    one = {"id": "shout", "runner": "echo", "models": ["one"]}
    together = {"id": "together", "runner": "two_at_once", "models": ["one"]}
    echo_suite(benchmarks=[one, together])
    conftest = pytester.path / "conftest.py"
    conftest.write_text(conftest.read_text() + TWO_AT_ONCE)
    result = pytester.runpytest("echo.json", "--benchmark-json=b.json", *NO_WARNING)
    result.assert_outcomes(passed=2)
    assert [case.timing.in_flight for case in runs()[0].cases] == [1, 2]
    assert list(saved(pytester.path / "b.json")) == ["shout[one-CPU]"]


def test_cases_are_grouped_by_their_parameters(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    result = pytester.runpytest("echo.json", "--benchmark-group-by=param:model", *NO_WARNING)
    result.stdout.fnmatch_lines(["*benchmark 'model=one': 1 tests*"])
    result.stdout.fnmatch_lines(["*benchmark 'model=two': 1 tests*"])


def test_a_saved_session_is_compared_with_the_next(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    options = ["--benchmark-storage=store", *INLINE]
    pytester.runpytest("echo.json", "--benchmark-autosave", *options)
    (file,) = (pytester.path / "store").rglob("0001_*.json")
    assert set(saved(file)) == {"shout[one-CPU]", "shout[two-CPU]"}
    result = pytester.runpytest("echo.json", "--benchmark-compare", *options)
    result.assert_outcomes(passed=2)
    for name in ("one", "two"):
        for source in ("NOW", "0001_*"):
            result.stdout.fnmatch_lines([f"shout[[]{name}-CPU] ({source}*"])


def test_a_histogram_is_drawn(pytester: pytest.Pytester, echo_suite: EchoSuite) -> None:
    pytest.importorskip("pygal")
    echo_suite()
    pytester.runpytest("echo.json", "--benchmark-histogram=drawn", *INLINE)
    drawn = (pytester.path / "drawn.svg").read_text()
    assert "shout[one-CPU]" in drawn
    assert "shout[two-CPU]" in drawn


def test_benchmark_only_runs_cases_and_skips_other_tests(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    pytester.makepyfile(test_plain=PLAIN_TEST)
    files = ["echo.json", "test_plain.py"]
    result = pytester.runpytest(*files, "--benchmark-only", *NO_WARNING)
    result.assert_outcomes(passed=2, skipped=1)


def test_benchmark_skip_skips_cases_with_its_reason(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite()
    pytester.makepyfile(test_plain=PLAIN_TEST)
    files = ["echo.json", "test_plain.py"]
    result = pytester.runpytest(*files, "--benchmark-skip", *NO_WARNING)
    result.assert_outcomes(passed=1, skipped=2)
    for case in runs()[0].cases:
        assert case.status == "skipped"
        assert "--benchmark-skip" in case.detail


def test_benchmark_disable_measures_cases_and_shows_nothing(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    pytester.makepyfile(test_pedantic=PEDANTIC_TEST)
    result = pytester.runpytest(
        "echo.json",
        "test_pedantic.py",
        "--benchmark-disable",
        "--benchmark-json=b.json",
        "--suite-output=run.json",
        *NO_WARNING,
    )
    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*Name (time in *")
    written = pytester.path / "b.json"
    assert not written.exists() or not written.read_text()  # versions 4 and 5.0 open it at once
    assert [case.model for case in BenchmarkRun.load("run.json").cases] == ["one", "two"]


def test_under_xdist_it_is_off_and_we_say_nothing(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    pytest.importorskip("xdist")
    echo_suite()
    pytester.makepyfile(test_pedantic=PEDANTIC_TEST)
    result = pytester.runpytest(
        "echo.json", "test_pedantic.py", "-n", "2", "--suite-output=run.json", *INLINE
    )
    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*Name (time in *")
    result.stdout.no_fnmatch_line("*ModelbenchWarning*")
    assert [case.model for case in BenchmarkRun.load("run.json").cases] == ["one", "two"]


def test_without_it_suites_run_as_ever(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite()
    pytester.runpytest("echo.json", "-p", "no:benchmark", *NO_WARNING).assert_outcomes(passed=2)
    assert {case.status for case in runs()[0].cases} == {"ok"}


FICKLE_CONFTEST = """
import pytest
from pytest_modelbench import Runner, Session, Unavailable


class Fickle(Session):
    def __init__(self, refused):
        self.refused = refused

    def predict(self, batch):
        if self.refused in batch:
            raise RuntimeError("not this one")
        return ["A"] * len(batch)


class FickleRunner(Runner):
    name = "fickle"
    input_kind = "text"

    def load(self, candidate, device, params):
        if candidate.version == "absent":
            raise Unavailable("there is no such device")
        if candidate.version == "broken":
            raise RuntimeError("no model")
        return Fickle("b" if candidate.version == "partly" else "")


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("fickle", FickleRunner)


@pytest.fixture
def model(model):
    if model.version == "unready":
        raise RuntimeError("its fixture is broken")
    return model
"""


def test_a_case_without_timings_adds_nothing_and_causes_no_warning(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    models = ["fine", "unready", "absent", "broken", "partly"]
    echo_suite(benchmarks=[{"id": "shout", "runner": "fickle", "models": models}])
    pytester.makeconftest(FICKLE_CONFTEST)
    options = ["--benchmark-json=b.json", "--benchmark-storage=store", *NO_WARNING]
    result = pytester.runpytest("echo.json", *options)
    result.assert_outcomes(passed=1, skipped=1, failed=2, errors=1, warnings=0)
    assert set(saved(pytester.path / "b.json")) == {"shout[fine-CPU]"}


RERUNNING_CONFTEST = """
from _pytest.runner import runtestprotocol


def pytest_runtest_protocol(item, nextitem):
    for _ in range(2):
        item._initrequest()
        for report in runtestprotocol(item, nextitem=nextitem, log=False):
            item.ihook.pytest_runtest_logreport(report=report)
    return True
"""


def test_a_case_that_breaks_a_bound_and_is_run_again_is_shown_once(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite(criteria=[{"metric": "exact_match", "goal": "max", "min": 0.99}])
    conftest = pytester.path / "conftest.py"
    conftest.write_text(conftest.read_text() + RERUNNING_CONFTEST)
    result = pytester.runpytest("echo.json", "--benchmark-json=b.json", *INLINE)
    result.assert_outcomes(failed=4)
    shown = json.loads((pytester.path / "b.json").read_text())["benchmarks"]
    assert [one["name"] for one in shown] == ["shout[one-CPU]", "shout[two-CPU]"]
    for entry, case in zip(shown, runs()[0].cases, strict=True):
        assert entry["stats"]["data"] == [one / 1e9 for one in case.timing.durations_ns()]


CHANGED_CONFTEST = """
from pytest_benchmark.fixture import BenchmarkFixture

del BenchmarkFixture._make_stats
"""


def test_a_version_that_cannot_show_a_case_costs_a_warning_alone(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite()
    conftest = pytester.path / "conftest.py"
    conftest.write_text(conftest.read_text() + CHANGED_CONFTEST)
    result = pytester.runpytest_subprocess("echo.json", *INLINE)
    result.assert_outcomes(passed=2, warnings=2)
    result.stdout.fnmatch_lines(["*ModelbenchWarning: pytest-benchmark * cannot show echo::shout*"])
    assert {case.status for case in runs()[0].cases} == {"ok"}


ORDINARY_TESTS = """
import pytest


class TestSums:
    @pytest.mark.parametrize("numbers", [[1, 2], range(3)])
    def test_in_a_class(self, benchmark, numbers):
        benchmark.extra_info.update(accuracy=0.5, size=3, note="small", latency_ms=1, fine=True)
        benchmark.pedantic(sum, args=(numbers,), rounds=70)


def test_of_means(benchmark):
    benchmark.pedantic(sum, args=([1, 2],), rounds=70, iterations=10)


def test_of_few_means(benchmark):
    benchmark.pedantic(sum, args=([1, 2],), rounds=3, iterations=10)


def test_calibrated(benchmark):
    benchmark(sum, [1, 2])


def test_measured_then_wrong(benchmark):
    assert benchmark.pedantic(sum, args=([1, 2],), rounds=7) == 4


def test_raises(benchmark):
    benchmark(int, "seven")


def test_skipped(benchmark):
    pytest.skip("not today")


@pytest.mark.xfail(reason="a known fault")
def test_known_to_fail(benchmark):
    assert benchmark.pedantic(sum, args=([1, 2],), rounds=7) == 4


@pytest.mark.skip(reason="never")
def test_marked(benchmark):
    benchmark(sum, [1, 2])


@pytest.fixture
def broken():
    raise RuntimeError("its fixture is broken")


def test_set_up_in_vain(broken, benchmark):
    benchmark(sum, [1, 2])


def test_expects_the_error(benchmark):
    with pytest.raises(ValueError):
        benchmark(int, "seven")


def test_plain():
    pass
"""


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Ordinary:
    """Our run of `ORDINARY_TESTS`, and what pytest-benchmark saved of them."""
    folder = tmp_path_factory.mktemp("ordinary")
    (folder / "inner").mkdir()
    (folder / "inner" / "test_sums.py").write_text(ORDINARY_TESTS)
    quick = ["--benchmark-max-time=0.01", "--benchmark-json=b.json"]
    command = [sys.executable, "-m", "pytest", "inner", "--rootdir=.", "--suite-output=run.json"]
    done = subprocess.run(
        [*command, *quick, *NO_WARNING], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert "2 failed, 7 passed, 2 skipped, 1 xfailed, 1 error" in done.stdout, (
        done.stdout + done.stderr
    )
    return BenchmarkRun.load(folder / "run.json"), saved(folder / "b.json")


def test_an_ordinary_benchmark_is_in_our_run(
    ordinary: Ordinary,
) -> None:
    run, theirs = ordinary
    case = run.case("test_in_a_class[numbers0]")
    data = theirs["test_in_a_class[numbers0]"]["stats"]["data"]
    assert case.suite == "inner/test_sums.py"
    assert case.id == "inner/test_sums.py::TestSums::test_in_a_class[numbers0]"
    assert (case.benchmark, case.runner) == ("test_in_a_class", "pytest-benchmark")
    assert case.model_path == "test_sums:TestSums.test_in_a_class"
    assert (case.status, case.device, case.engine) == ("ok", "CPU", "inline")
    assert "a call of the function, by perf_counter" in case.timed
    assert case.params == {"numbers": "[1, 2]"}
    assert list(case.timing.durations_ns()) == [round(one * 1e9) for one in data]
    assert (case.timing.first_round, case.timing.repeated) == (1, 1)
    metrics = case.metrics
    assert metrics["latency_ms"].value == pytest.approx(1e3 * statistics.median(data))
    assert metrics["mean_latency_ms"].value == pytest.approx(1e3 * statistics.fmean(data))
    assert metrics["max_latency_ms"].value == pytest.approx(1e3 * max(data))
    assert metrics["inference_seconds"].value == pytest.approx(sum(data))
    assert metrics["p50_latency_ms"].interval is not None
    assert metrics["p90_latency_ms"].metadata.get("flag") is None
    assert metrics["p95_latency_ms"].metadata["flag"] == "too_few_samples"
    assert metrics["peak_ram_mb"].status == "skipped"


def test_numbers_of_extra_info_are_metrics_and_the_rest_is_kept(
    ordinary: Ordinary,
) -> None:
    case = ordinary[0].case("test_in_a_class[numbers0]")
    assert (case.metrics["accuracy"].value, case.metrics["accuracy"].unit) == (0.5, "")
    assert case.metrics["size"].value == 3
    assert not {"note", "fine"} & set(case.metrics)
    assert case.metrics["latency_ms"].value != 1  # what was measured, not what a test claims
    assert case.properties["extra_info"]["note"] == "small"
    assert case.properties["extra_info"]["latency_ms"] == 1


def test_rounds_of_several_calls_are_said_to_be_means(
    ordinary: Ordinary,
) -> None:
    run, theirs = ordinary
    case, few = run.case("test_of_means"), run.case("test_of_few_means")
    data = theirs["test_of_means"]["stats"]["data"]
    assert "a round of 10 calls" in case.timed
    assert "single calls were not timed" in case.timed
    for name in ("latency_ms", "p50_latency_ms", "p90_latency_ms", "max_latency_ms"):
        notes = case.metrics[name].metadata
        assert (notes["flag"], notes["iterations"]) == ("means_of_calls", 10)
        assert "mean of 10 calls" in notes["definition"]
    assert case.metrics["mean_latency_ms"].metadata.get("flag") is None
    assert case.metrics["mean_latency_ms"].value == pytest.approx(1e3 * statistics.fmean(data))
    assert case.metrics["inference_seconds"].value == pytest.approx(10 * sum(data))
    notes = few.metrics["p90_latency_ms"].metadata
    assert (notes["flag"], notes["samples"], notes["iterations"]) == ("too_few_samples", 3, 10)


def test_a_benchmark_that_failed_or_was_skipped_says_why(
    ordinary: Ordinary,
) -> None:
    run, _ = ordinary
    wrong = run.case("test_measured_then_wrong")
    assert (wrong.status, len(wrong.timing.durations_ns())) == ("error", 7)
    assert "assert 3 == 4" in wrong.detail
    assert "test_sums.py" in str(wrong.trace)
    raises = run.case("test_raises")
    assert (raises.status, raises.timing) == ("error", None)
    assert "invalid literal" in raises.detail
    assert raises.metrics["latency_ms"].status == "error"
    skipped = run.case("test_skipped")
    assert (skipped.status, skipped.detail) == ("skipped", "not today")
    marked = run.case("test_marked")
    assert (marked.status, marked.detail) == ("skipped", "never")
    in_vain = run.case("test_set_up_in_vain")
    assert (in_vain.status, in_vain.detail) == ("error", "RuntimeError: its fixture is broken")
    known = run.case("test_known_to_fail")
    assert (known.status, known.detail) == ("skipped", "expected to fail: a known fault")


def test_a_test_that_measured_nothing_is_not_in_our_run(
    ordinary: Ordinary,
) -> None:
    names = [case.benchmark for case in ordinary[0].cases]
    assert len(names) == 11
    assert not {"test_plain", "test_expects_the_error"} & set(names)
