"""The scales on which changes are judged, and what is said of them."""

from __future__ import annotations

import math
from typing import Literal

from pytest_modelbench.judge.paired.data import Unusable
from pytest_modelbench.judge.question import Question, log_distance
from pytest_modelbench.suite.tolerance import Tolerance

Scale = Literal["log", "plain"]
"""Logarithms of the ratio of candidate to baseline, or differences in the metric's unit."""
LARGEST_SHARE = 100.0
"""A hundredfold more: an end of an interval beyond it is as good as unknown."""


def as_change(value: float, scale: Scale) -> float | None:
    """A value of the scale as the verdict says it; None where it is beyond what has a meaning.

    >>> as_change(0.0, "log"), as_change(2.5, "plain"), as_change(40.0, "log")
    (0.0, 2.5, None)
    """
    if scale == "plain":
        return value if math.isfinite(value) else None
    return math.expm1(value) if value <= math.log1p(LARGEST_SHARE) else None


def on_scale(values: tuple[float, float], scale: Scale) -> float:
    """How the second value differs from the first; of what has no ratio, not at all."""
    baseline, candidate = values
    if scale == "plain":
        return candidate - baseline
    return math.log(candidate / baseline) if min(values) > 0 else 0.0


def tolerated(question: Question, baseline_value: float, scale: Scale) -> float | None:
    """The tolerance as the verdict says it: a share, or on the plain scale an amount."""
    tolerance = question.tolerance
    if tolerance is None:
        return None
    if scale == "plain":
        return tolerance.amount
    return _share(tolerance, question.metric, baseline_value)


def as_worse(tolerance: float, question: Question, scale: Scale) -> float:
    """A tolerance on the scale, where more is worse."""
    return tolerance if scale == "plain" else log_distance(tolerance, question.worse_sign)


def _share(tolerance: Tolerance, metric: str, baseline_value: float) -> float:
    if tolerance.is_relative:
        return tolerance.amount
    if baseline_value <= 0:
        raise Unusable(
            f"{metric} of the baseline is {baseline_value:g}: a tolerance of {tolerance} is no "
            "share of that"
        )
    return tolerance.amount / baseline_value
