"""What is asked of runs afterwards: what their criteria ask, or metrics that a person names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from pytest_modelbench.catalogue import Better, better_of
from pytest_modelbench.documents.validate import explain
from pytest_modelbench.errors import ModelbenchError, WrongUsage
from pytest_modelbench.judge.question import Question, questions_of, usual_question
from pytest_modelbench.results.run import BenchmarkRun, CaseResult
from pytest_modelbench.suite.document import Criterion
from pytest_modelbench.suite.tolerance import (
    USUAL_TOLERANCE,
    Tolerance,
    usual_tolerance,
    why_too_strict,
)


@dataclass(frozen=True)
class Asked:
    """What a person gives; without any of it a run's own criteria are asked."""

    metrics: Sequence[str] = ()
    tolerance: Tolerance | None = None
    better: Better | None = None
    """Of the metrics; None for what the runs say of each."""


def recorded_criteria(run: BenchmarkRun, suite: str) -> list[tuple[str, Criterion]]:
    """A suite's criteria with their ids, as `run` has them.

    Raises `ModelbenchError` for one that an earlier version accepted and this one does not.
    """
    records = [record for one in run.suites if one.id == suite for record in one.criteria]
    return [(record["id"], _criterion(run, record["id"], record)) for record in records]


def _criterion(run: BenchmarkRun, name: str, record: Mapping[str, Any]) -> Criterion:
    try:
        return Criterion.model_validate(record)
    except ValidationError as error:
        why = next(message for _, message in explain(error, Criterion, dict(record)))
        raise ModelbenchError(
            f"run {run.metadata.run_id}: its criterion {name!r} cannot be used: {why}"
        ) from None


def questions_later(asked: Asked, case: CaseResult, runs: Sequence[BenchmarkRun]) -> list[Question]:
    """By name, else by the criteria of the run that is judged, else whether it is slower.

    `case` is of the first of `runs`. Raises `ModelbenchError` for a metric of which nothing says
    which way is better, and for a tolerance that makes no sense.
    """
    if asked.metrics:
        return named_questions(asked, case, runs, is_judged=True)
    usual = [usual_question(USUAL_TOLERANCE)]
    found = questions_of(recorded_criteria(runs[0], case.suite), case.runner, usual)
    fitting = [one.for_result(case) for one in found]
    # A test in Python may measure no time.
    asked_of = [one for one in fitting if not one.is_usual or one.metric in case.metrics]
    return with_tolerance(asked_of, asked.tolerance)


def named_questions(
    asked: Asked, case: CaseResult, runs: Sequence[BenchmarkRun], *, is_judged: bool
) -> list[Question]:
    """Those about metrics by name; where they are not `is_judged` without a tolerance, noted."""
    found = [
        Question(
            name,
            asked.better or known_better(name, case, runs),
            usual_tolerance(name) if is_judged else None,
        )
        for name in asked.metrics
    ]
    return with_tolerance(found, asked.tolerance)


def with_tolerance(questions: Sequence[Question], tolerance: Tolerance | None) -> list[Question]:
    """The same with `--max-regression`. Raises `ModelbenchError` where equal code would break."""
    if tolerance is None:
        return list(questions)
    for one in questions:
        if why := why_too_strict(one.metric, tolerance):
            raise WrongUsage(f"--max-regression {why}")
    return [replace(one, tolerance=tolerance) for one in questions]


def known_better(metric: str, case: CaseResult, runs: Sequence[BenchmarkRun]) -> Better:
    """Which way of a metric is better, by the first that says.

    The goal of a criterion of the case's suite, the metric itself, in the case or in any other
    one, and the catalogue. Raises `ModelbenchError` where none of them says.
    """
    for said in (*_goals(metric, case, runs), *_said(metric, case, runs), better_of(metric)):
        if said is not None:
            return said
    raise WrongUsage(
        f"--metric {metric!r}: nothing says which way is better: neither a criterion of its suite, "
        "nor the metric itself, nor the catalogue: give --better lower or --better higher"
    )


def _goals(metric: str, case: CaseResult, runs: Iterable[BenchmarkRun]) -> Iterator[Better]:
    for run in runs:
        for _, one in recorded_criteria(run, case.suite):
            is_said = "goal" in one.model_fields_set and one.goal != "target"
            if is_said and one.metric == metric and one.applies_to(case.runner):
                yield one.better


def _said(metric: str, case: CaseResult, runs: Iterable[BenchmarkRun]) -> Iterator[Better]:
    """By the metric's own metadata, where a test gave it."""
    for one in (case, *(other for run in runs for other in run.cases)):
        found = one.metrics.get(metric)
        better = found.metadata.get("better") if found is not None else None
        if better in ("lower", "higher"):
            yield "lower" if better == "lower" else "higher"
