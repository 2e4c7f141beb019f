"""Scores and ranks of the cases of one suite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pytest_modelbench.judge.bounds.expression_interval import Interval
from pytest_modelbench.judge.bounds.intervals import criterion_interval
from pytest_modelbench.judge.scores.score_interval import (
    NARROWEST_SPAN,
    is_tied,
    normalized_errors,
    score_interval,
)
from pytest_modelbench.judge.values import criterion_value
from pytest_modelbench.results.judgement import CriterionScore, LeaderboardRow, Score
from pytest_modelbench.results.metric import Metric, skipped
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.suite.document import Criterion

CLIENT_AT_FAULT = "the client was the bottleneck, not the endpoint"


class Valued(NamedTuple):
    """What a criterion has for a case, and the interval that it is judged on."""

    metric: Metric
    interval: Interval | None


def score_cases(
    criteria: Sequence[tuple[str, Criterion]], cases: Sequence[CaseResult]
) -> list[CaseResult]:
    """The same cases, in the same order, with their scores and ranks.

    A criterion has a value for a case that succeeded, whose runner is in scope and whose metric was
    measured, and is not the client's. Over the cases that have it, with the lowest `l` and the
    highest `h`, a value `v` is normalised to `(v-l)/(h-l)` for goal max, `(h-v)/(h-l)` for min, and
    `1 - |v-t| / max|v-t|` for target `t`. The total is the weighted mean over the criteria that
    have a value. Cases rank by total, then mean latency; one that lacks a criterion in its scope
    ranks below all that lack none, because a missing value must not help.
    """
    values = [[_value(criterion, case) for _, criterion in criteria] for case in cases]
    spans = [_known(row[index] for row in values) for index in range(len(criteria))]
    scored = [
        case.model_copy(update={"score": _score(criteria, row, spans), "rank": None})
        for case, row in zip(cases, values, strict=True)
    ]
    ranks = {id(case): rank for rank, case in enumerate(_ranked(scored), start=1)}
    return [case.model_copy(update={"rank": ranks.get(id(case))}) for case in scored]


def leaderboard(cases: Sequence[CaseResult]) -> list[LeaderboardRow]:
    """The ranked cases, best first, with ties: differences that are within noise."""
    ranked = [case for case in cases if case.rank is not None]
    ranked.sort(key=lambda case: case.rank or 0)
    return [
        _row(case, _is_tied(ranked[index - 1], case), _is_tied(ranked[0], case))
        if index
        else _row(case, False, False)
        for index, case in enumerate(ranked)
    ]


def _is_tied(above: CaseResult, below: CaseResult) -> bool:
    """A partial score is never tied with a full one: it ranks below it whatever it is."""
    assert above.score is not None
    assert below.score is not None
    if is_partial(above.score) != is_partial(below.score):
        return False
    return is_tied(above.score, below.score)


def is_partial(score: Score) -> bool:
    """Whether a criterion in its scope had no value."""
    return any(part.normalized is None for part in score.criteria)


def _value(criterion: Criterion, case: CaseResult) -> Valued | None:
    """None when the criterion is not about this case at all."""
    if not criterion.applies_to(case.runner):
        return None
    if case.status != "ok":
        return Valued(skipped(f"the case is {case.status}"), None)
    metric = criterion_value(criterion, case.metrics)
    if metric.value is None:
        return Valued(metric, None)
    if metric.is_client_limited:
        return Valued(skipped(CLIENT_AT_FAULT, metric.unit), None)
    return Valued(metric, criterion_interval(criterion, case.metrics))


def _known(values: Iterable[Valued | None]) -> list[float]:
    return [one.metric.value for one in values if one is not None and one.metric.value is not None]


def _score(
    criteria: Sequence[tuple[str, Criterion]],
    values: Sequence[Valued | None],
    spans: Sequence[Sequence[float]],
) -> Score:
    parts = [
        _part(name, criterion, valued, span)
        for (name, criterion), valued, span in zip(criteria, values, spans, strict=True)
        if valued is not None
    ]
    weight_total = sum(part.weight for part in parts if part.normalized is not None)
    weighted = sum(part.weight * part.normalized for part in parts if part.normalized is not None)
    total = min(1.0, weighted / weight_total) if weight_total > 0 else None
    return Score(
        total=total,
        interval=None if total is None else score_interval(total, parts),
        weight_total=weight_total,
        weight_possible=sum(part.weight for part in parts),
        criteria=parts,
    )


def _part(name: str, criterion: Criterion, valued: Valued, span: Sequence[float]) -> CriterionScore:
    value, share, interval = valued.metric.value, None, None
    if value is not None:
        share = normalized(criterion, value, span)
        if valued.interval is not None:
            down, up = normalized_errors(criterion, value, valued.interval, span)
            interval = [_known_end(share - down), _known_end(share + up)]
    return CriterionScore(
        id=name,
        goal=criterion.aim,
        weight=criterion.weight,
        value=value,
        normalized=share,
        interval=interval,
        reason=valued.metric.error_message,
    )


def _known_end(end: float) -> float | None:
    return end if math.isfinite(end) else None


def normalized(criterion: Criterion, value: float, values: Sequence[float]) -> float:
    """`value` on a scale from 0 (worst of `values`) to 1 (best), by the criterion's goal."""
    if criterion.goal == "target":
        target = criterion.target or 0.0
        farthest = max(abs(one - target) for one in values)
        if farthest <= NARROWEST_SPAN:
            return 1.0
        return min(1.0, max(0.0, 1.0 - abs(value - target) / farthest))
    low, high = min(values), max(values)
    if high - low < NARROWEST_SPAN:
        return 1.0
    share = (value - low) / (high - low)
    return min(1.0, max(0.0, share if criterion.aim == "max" else 1.0 - share))


def _ranked(cases: Sequence[CaseResult]) -> list[CaseResult]:
    def order(case: CaseResult) -> tuple[bool, float, float]:
        score = case.score
        assert score is not None
        assert score.total is not None
        latency = _metric(case, "mean_latency_ms")
        return is_partial(score), -score.total, float("inf") if latency is None else latency

    able = [
        case
        for case in cases
        if case.status == "ok" and case.score and case.score.total is not None
    ]
    return sorted(able, key=order)


def _row(case: CaseResult, tied_with_above: bool, tied_with_best: bool) -> LeaderboardRow:
    assert case.score is not None
    assert case.score.total is not None
    assert case.rank is not None
    return LeaderboardRow(
        rank=case.rank,
        case_id=case.id,
        runner=case.runner,
        model=case.model,
        device=case.device,
        score=case.score.total,
        partial=is_partial(case.score),
        tied_with_above=tied_with_above,
        tied_with_best=tied_with_best,
        mean_latency_ms=_metric(case, "mean_latency_ms"),
        p95_latency_ms=_metric(case, "p95_latency_ms"),
        throughput_items_per_second=_metric(case, "throughput_items_per_second"),
    )


def _metric(case: CaseResult, name: str) -> float | None:
    """None also for what the client was to blame for: no rank may come of it."""
    metric = case.metrics.get(name)
    return None if metric is None or metric.is_client_limited else metric.value
