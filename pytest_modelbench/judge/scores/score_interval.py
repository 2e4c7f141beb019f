"""How sure a score is, and which differences between scores are within noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from pytest_modelbench.judge.bounds.expression_interval import Interval
from pytest_modelbench.results.judgement import CriterionScore, Score
from pytest_modelbench.suite.document import Criterion

NARROWEST_SPAN = 1e-12
"""Of a criterion's values: nearer ones count as equal."""
Errors: TypeAlias = tuple[float, float]
"""How far below and above a figure its 95 % interval reaches; infinite for an unknown end."""
NONE: Errors = (0.0, 0.0)


def normalized_errors(
    criterion: Criterion, value: float, interval: Interval | None, values: Sequence[float]
) -> Errors:
    """The errors of a value that was normalised to the scale of `values`, which is held fixed."""
    if interval is None:
        return NONE
    down, up = _distances(value, interval)
    if criterion.goal == "target":
        target = criterion.target or 0.0
        length = max(abs(one - target) for one in values)
        worse, better = _towards(target, value, (value - down, value + up))
    else:
        length = max(values) - min(values)
        worse, better = (down, up) if criterion.aim == "max" else (up, down)
    if length <= NARROWEST_SPAN:
        return NONE
    return worse / length, better / length


def _distances(value: float, interval: Interval) -> Errors:
    low, high = interval
    down = math.inf if low is None else max(0.0, value - low)
    up = math.inf if high is None else max(0.0, high - value)
    return down, up


def _towards(target: float, value: float, ends: tuple[float, float]) -> Errors:
    """How much farther from the target the value may be, and how much nearer."""
    low, high = ends
    now, far = abs(value - target), (abs(low - target), abs(high - target))
    nearest = 0.0 if low <= target <= high else min(far)
    return max(far) - now, now - nearest


def score_interval(total: float, parts: Iterable[CriterionScore]) -> list[float] | None:
    """The 95 % interval of a weighted mean; None where no part of it has one.

    Errors are added as if they were independent, those below and those above for themselves
    (Zou and Donner, 2008). None is more than what is left to the end of the scale.
    """
    having = [part for part in parts if part.normalized is not None]
    if all(part.interval is None for part in having):
        return None
    weight = math.fsum(part.weight for part in having)
    downs, ups = [], []
    for part in having:
        (down, up), (below, above) = _errors(part), _rooms(part)
        downs.append(part.weight / weight * min(down, below))
        ups.append(part.weight / weight * min(up, above))
    return [max(0.0, total - math.hypot(*downs)), min(1.0, total + math.hypot(*ups))]


def is_tied(better: Score, other: Score) -> bool:
    """Whether the difference of two scores is within noise.

    The errors of both are added as if they were independent, criterion by criterion; no criterion
    turns the difference by more than its weight in both scores. Two cases that were scored on the
    same samples share much of their errors, so a tie is found too often rather than too seldom.
    """
    assert better.total is not None
    assert other.total is not None
    mine, theirs = _parts(better), _parts(other)
    errors = []
    for name in mine.keys() | theirs.keys():
        (down, below), (up, above) = (0.0, 0.0), (0.0, 0.0)
        if name in mine:
            share = mine[name].weight / better.weight_total
            down, below = share * _errors(mine[name])[0], share * _rooms(mine[name])[0]
        if name in theirs:
            share = theirs[name].weight / other.weight_total
            up, above = share * _errors(theirs[name])[1], share * _rooms(theirs[name])[1]
        errors.append(min(math.hypot(down, up), below + above))
    return better.total - other.total <= math.hypot(*errors) + NARROWEST_SPAN


def _parts(score: Score) -> dict[str, CriterionScore]:
    return {part.id: part for part in score.criteria if part.normalized is not None}


def _errors(part: CriterionScore) -> Errors:
    if part.interval is None or part.normalized is None:
        return NONE
    return _distances(part.normalized, (part.interval[0], part.interval[1]))


def _rooms(part: CriterionScore) -> Errors:
    """What is left to both ends of the scale."""
    normalized = part.normalized or 0.0
    return normalized, 1.0 - normalized
