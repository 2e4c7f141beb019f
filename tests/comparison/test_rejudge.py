"""Verdicts made anew from launches that a run keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_runs import made_case, made_run, made_side

from pytest_modelbench.cli import main
from pytest_modelbench.comparison.rejudge import rejudged
from pytest_modelbench.judge.asked_later import Asked
from pytest_modelbench.judge.paired import PairedData, paired_verdict
from pytest_modelbench.judge.question import usual_question
from pytest_modelbench.results.comparison import (
    Comparison,
    Launch,
    Procedure,
    SideLaunch,
    Verdict,
)
from pytest_modelbench.results.packed import pack
from pytest_modelbench.results.run import BenchmarkRun
from pytest_modelbench.suite.tolerance import parse_tolerance

NAMES = ("baseline", "candidate")
BLOCKS, CALLS = 20, 3
PROCEDURE = Procedure(
    seed=7,
    calls=CALLS,
    repeats=1,
    in_flight=1,
    blocks=BLOCKS,
    most_launches=6,
    max_seconds=120.0,
    launch_floor=0.01,
    launch_floor_from="default",
    verdict_count=1,
)


def launch(*nanoseconds: int) -> Launch:
    sides = [
        SideLaunch(
            warmup=pack([one] * 20),
            warmup_ended_by="steady",
            warmup_rule="two windows agree",
            durations=pack([one] * BLOCKS * 2 * CALLS),
            metrics={},
        )
        for one in nanoseconds
    ]
    order = pack([0, 1, 1, 0] * BLOCKS)
    return Launch(series="decision", order=order, sides=sides, disturbances=[])


@pytest.fixture(name="run")
def a_run_whose_regression_was_not_confirmed() -> BenchmarkRun:
    """A fifth slower in both launches, asked with the usual 5 %."""
    latencies = {"p50_latency_ms": 1.0, "mean_latency_ms": 1.0, "p95_latency_ms": 1.0}
    cases = [made_case(f"b[m-CPU-vs-main]@{name}", latencies) for name in NAMES]
    launches = [launch(1_000_000, 1_200_000)] * 2
    verdict = paired_verdict(PairedData(NAMES, PROCEDURE, launches), usual_question("5%"), 1.0)
    comparison = Comparison(
        id="s::b[m-CPU-vs-main]",
        suite="s",
        benchmark="b",
        kind="paired",
        status="ok",
        detail="",
        trace=None,
        sides=[made_side(name, case.id) for name, case in zip(NAMES, cases, strict=True)],
        differences=[],
        procedure=PROCEDURE,
        launches=launches,
        verdicts=[verdict],
        duration_seconds=1.0,
    )
    return made_run(1, cases).model_copy(update={"comparisons": [comparison]})


def verdict_of(run: BenchmarkRun, *metrics: str, tolerance: Any = None) -> Verdict:
    asked = Asked(metrics, None if tolerance is None else parse_tolerance(tolerance))
    (comparison,) = rejudged(run, asked)
    (verdict,) = comparison.verdicts
    return verdict


def test_what_was_asked_then_is_said_in_the_same_words(run: BenchmarkRun) -> None:
    (was,) = run.comparisons[0].verdicts
    assert "there was no time to show it again" in (was.reason or "")
    assert verdict_of(run) == was
    assert verdict_of(run, "p50_latency_ms", tolerance="5%") == was


@pytest.mark.parametrize(("metric", "tolerance"), [("mean_latency_ms", "5%"), (None, "2%")])
def test_what_nobody_asked_then_was_not_confirmed(
    run: BenchmarkRun, metric: str | None, tolerance: str
) -> None:
    verdict = verdict_of(run, *filter(None, [metric]), tolerance=tolerance)
    assert verdict.outcome == "inconclusive"
    assert "this metric was not confirmed in that session" in (verdict.reason or "")
    assert "no time" not in verdict.message


def test_another_tolerance_is_for_all_that_was_asked_then(
    run: BenchmarkRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(run.save(tmp_path / "run.json"))
    assert main(["compare", file]) == 0
    assert "tolerance 5 %: inconclusive" in capsys.readouterr().out
    assert main(["compare", file, "--max-regression=30%"]) == 0
    assert "tolerance 30 %: pass" in capsys.readouterr().out


def test_a_tolerance_that_equal_code_would_break_is_refused(
    run: BenchmarkRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(run.save(tmp_path / "run.json"))
    assert main(["compare", file, "--metric=p95_latency_ms", "--max-regression=1%"]) == 2
    assert "of p95_latency_ms should be 15% or more, not 1 %" in capsys.readouterr().err


@pytest.fixture(name="broken")
def a_run_whose_comparison_broke(run: BenchmarkRun) -> BenchmarkRun:
    (comparison,) = run.comparisons
    detail = "side 'candidate': broken in launch 3: boom"
    data = PairedData(NAMES, PROCEDURE, comparison.launches, 0, detail)
    changed = {
        "status": "error",
        "detail": detail,
        "verdicts": [paired_verdict(data, usual_question("5%"), 1.0)],
    }
    return run.model_copy(update={"comparisons": [comparison.model_copy(update=changed)]})


def test_what_broke_is_judged_as_far_as_it_came_by_what_is_asked_now(
    broken: BenchmarkRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict_of(broken) == broken.comparisons[0].verdicts[0]
    file = str(broken.save(tmp_path / "run.json"))
    assert main(["compare", file]) == 1
    assert "tolerance 5 %: inconclusive" in capsys.readouterr().out
    assert main(["compare", file, "--max-regression=50%"]) == 1
    said = capsys.readouterr().out
    assert "tolerance 50 %: inconclusive" in said
    assert "compared only so far: side 'candidate': broken in launch 3: boom" in said
    assert main(["compare", file, "--metric=mean_latency_ms"]) == 1
    assert "mean latency" in capsys.readouterr().out


def test_what_was_broken_off_is_judged_by_what_is_asked_now(
    run: BenchmarkRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (comparison,) = run.comparisons
    data = PairedData(NAMES, PROCEDURE, comparison.launches, 0, "broken off after launch 2")
    then = paired_verdict(data, usual_question("5%"), 1.0)
    changed = {"status": "skipped", "detail": "unfinished", "verdicts": [then]}
    cut = run.model_copy(update={"comparisons": [comparison.model_copy(update=changed)]})
    assert verdict_of(cut) == then
    assert verdict_of(cut, "mean_latency_ms", tolerance="5%").metric == "mean_latency_ms"
    assert verdict_of(cut, tolerance="30%").tolerance == pytest.approx(0.3)
    file = str(cut.save(tmp_path / "run.json"))
    assert main(["compare", file, "--metric=mean_latency_ms"]) == 0
    assert "mean latency" in capsys.readouterr().out


def test_a_metric_that_is_named_is_not_exchanged_for_another_where_calls_are_in_flight(
    run: BenchmarkRun,
) -> None:
    (comparison,) = run.comparisons
    procedure = PROCEDURE.model_copy(update={"in_flight": 4})
    changed = comparison.model_copy(update={"procedure": procedure})
    busy = run.model_copy(update={"comparisons": [changed]})
    verdict = verdict_of(busy, "p50_latency_ms", tolerance="5%")
    assert verdict.metric == "p50_latency_ms"
    assert "calls are in flight together" in (verdict.reason or "")


def test_a_side_that_could_not_be_measured_is_no_success(run: BenchmarkRun, tmp_path: Path) -> None:
    """Of three sides: the other two are compared."""
    gone = made_case("b[m-CPU-vs-main]@third", status="error", detail="no such model", metrics={})
    more = run.model_copy(update={"cases": [*run.cases, gone]})
    assert main(["compare", str(run.save(tmp_path / "two.json"))]) == 0
    assert main(["compare", str(more.save(tmp_path / "three.json"))]) == 1
