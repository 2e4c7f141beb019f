"""Verdicts made anew from the raw figures that a run keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.judge.asked_later import (
    Asked,
    known_better,
    named_questions,
    recorded_criteria,
    with_tolerance,
)
from pytest_modelbench.judge.by_sample.unanswered import unanswered
from pytest_modelbench.judge.paired.data import PairedData
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.side_by_side import Sides, verdicts_of
from pytest_modelbench.judge.wording import broken_off
from pytest_modelbench.results.comparison import Comparison, Verdict
from pytest_modelbench.results.run import BenchmarkRun, CaseResult
from pytest_modelbench.suite.document import Criterion
from pytest_modelbench.suite.tolerance import Tolerance

_NOTHING_ELSE = Asked()


def rejudged(run: BenchmarkRun, asked: Asked = _NOTHING_ELSE) -> list[Comparison]:
    """The comparisons of `run` with verdicts made anew; those with an earlier run as they are.

    By default what was asked then is asked again, and the words are the same; a tolerance takes
    the place of all those of then. Metrics that are named are asked about instead, and judged
    where there is a tolerance. Answers that had to be equal are not kept in full: that verdict
    stays. Where a side broke in a later launch, or the session ended, what the launches before say
    is judged, as then.
    """
    return [_rejudged(run, one, asked) if one.kind == "paired" else one for one in run.comparisons]


def _rejudged(run: BenchmarkRun, comparison: Comparison, asked: Asked) -> Comparison:
    procedure = comparison.procedure
    if comparison.status != "ok" and not comparison.launches:
        return comparison
    names = tuple(side.name for side in comparison.sides)
    results = [_case(run, side.case_id) for side in comparison.sides]
    failed = len(unanswered(results))
    broken = _how_it_ended(comparison)
    data = PairedData(names, procedure, comparison.launches, failed, broken) if procedure else None
    then = _asked_then(run, comparison, results[0], names)
    if asked.metrics:
        questions = named_questions(asked, results[0], [run], is_judged=False)
    else:
        questions = with_tolerance(then, asked.tolerance)
    confirmed = {_key(one) for one in then}
    questions = [replace(one, asked_then=_key(one) in confirmed) for one in questions]
    sides = Sides(results, questions, verdict_count=_verdict_count(run))
    made = verdicts_of(sides, data, comparison.duration_seconds)
    kept = [] if asked.metrics else [one for one in comparison.verdicts if one.method == "outputs"]
    return comparison.model_copy(update={"verdicts": [*made, *kept]})


def _how_it_ended(comparison: Comparison) -> str | None:
    """Before its launches were enough; None where they were."""
    if comparison.status == "error":
        return comparison.detail
    return broken_off(comparison.launches) if comparison.status == "skipped" else None


def _verdict_count(run: BenchmarkRun) -> int:
    """Of the session; without a procedure that says so, by the verdicts that it gave."""
    said = [one.procedure.verdict_count for one in run.comparisons if one.procedure]
    verdicts = [one for comparison in run.comparisons for one in comparison.verdicts]
    asked = sum(one.tolerance is not None and one.method != "outputs" for one in verdicts)
    return max(said, default=max(1, asked))


def _key(question: Question) -> object:
    """What was measured again then if it was a regression, and only that."""
    return question.metric, question.better, question.tolerance


def _case(run: BenchmarkRun, case_id: str) -> CaseResult:
    for case in run.cases:
        if case.id == case_id:
            return case
    raise ModelbenchError(f"run {run.metadata.run_id} has no case {case_id!r}, which it compares")


def _asked_then(
    run: BenchmarkRun, comparison: Comparison, case: CaseResult, names: Sequence[str]
) -> list[Question]:
    """What was asked of the first candidate, and with that of all."""
    criteria = dict(recorded_criteria(run, comparison.suite))
    return [
        _question(verdict, criteria, case, run)
        for verdict in comparison.verdicts
        if verdict.method != "outputs" and (verdict.baseline, verdict.candidate) == names[:2]
    ]


def _question(
    verdict: Verdict, criteria: Mapping[str, Criterion], case: CaseResult, run: BenchmarkRun
) -> Question:
    criterion = criteria.get(verdict.criterion or "")
    if criterion is None:
        tolerance = verdict.tolerance
        allowed = None if tolerance is None else Tolerance(tolerance, verdict.is_relative)
        return Question(verdict.metric, known_better(verdict.metric, case, [run]), allowed)
    return Question(
        metric=verdict.metric,
        better=criterion.better,
        tolerance=criterion.tolerance,
        criterion=verdict.criterion,
    )
