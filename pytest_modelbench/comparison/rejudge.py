"""Verdicts made anew from the raw figures that a run keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.judge.paired.data import PairedData
from pytest_modelbench.judge.question import Question, better_of
from pytest_modelbench.judge.side_by_side import Sides, verdicts_of
from pytest_modelbench.results.comparison import Comparison, Verdict
from pytest_modelbench.results.run import BenchmarkRun, CaseResult
from pytest_modelbench.suite.document import Criterion
from pytest_modelbench.suite.tolerance import Tolerance


def rejudged(
    run: BenchmarkRun, metrics: Sequence[str] = (), tolerance: Tolerance | None = None
) -> list[Comparison]:
    """The comparisons of `run` with verdicts made anew; those with an earlier run as they are.

    By default what was asked then is asked again, and the words are the same. With `metrics`
    those are asked about, and judged where there is a `tolerance`. Answers that had to be equal
    are not kept in full: that verdict stays.
    """
    return [
        _rejudged(run, one, metrics, tolerance) if one.kind == "paired" else one
        for one in run.comparisons
    ]


def _rejudged(
    run: BenchmarkRun,
    comparison: Comparison,
    metrics: Sequence[str],
    tolerance: Tolerance | None,
) -> Comparison:
    if comparison.status != "ok":
        return comparison
    names = tuple(side.name for side in comparison.sides)
    procedure = comparison.procedure
    data = PairedData(names, procedure, comparison.launches) if procedure else None
    results = [_case(run, side.case_id) for side in comparison.sides]
    if metrics:
        questions = [Question(name, better_of(name), tolerance) for name in metrics]
    else:
        questions = _asked_then(run, comparison, names)
    made = verdicts_of(Sides(results, questions), data, comparison.duration_seconds)
    kept = [] if metrics else [one for one in comparison.verdicts if one.method == "outputs"]
    return comparison.model_copy(update={"verdicts": [*made, *kept]})


def _case(run: BenchmarkRun, case_id: str) -> CaseResult:
    for case in run.cases:
        if case.id == case_id:
            return case
    raise ModelbenchError(f"run {run.metadata.run_id} has no case {case_id!r}, which it compares")


def _asked_then(run: BenchmarkRun, comparison: Comparison, names: Sequence[str]) -> list[Question]:
    """What was asked of the first candidate, and with that of all."""
    criteria = _criteria(run, comparison.suite)
    return [
        _question(verdict, criteria)
        for verdict in comparison.verdicts
        if verdict.method != "outputs" and (verdict.baseline, verdict.candidate) == names[:2]
    ]


def _criteria(run: BenchmarkRun, suite: str) -> Mapping[str, Criterion]:
    return {
        record["id"]: Criterion.model_validate(record)
        for one in run.suites
        if one.id == suite
        for record in one.criteria
    }


def _question(verdict: Verdict, criteria: Mapping[str, Criterion]) -> Question:
    criterion = criteria.get(verdict.criterion or "")
    if criterion is None:
        tolerance = verdict.tolerance
        allowed = None if tolerance is None else Tolerance(tolerance, verdict.is_relative)
        return Question(verdict.metric, better_of(verdict.metric), allowed)
    return Question(
        metric=verdict.metric,
        better="higher" if criterion.goal == "max" else "lower",
        tolerance=criterion.tolerance,
        criterion=verdict.criterion,
    )
