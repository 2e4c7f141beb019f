"""The gate: a criterion's `min` and `max` held against one case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pytest_modelbench.judge.values import criterion_value
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.run import BoundCheck
from pytest_modelbench.suite.document import Criterion

Outcome = Literal["passed", "failed", "inconclusive"]


def check_bounds(
    criteria: Iterable[tuple[str, Criterion]], runner: str, metrics: Mapping[str, Metric]
) -> list[BoundCheck]:
    """Every bound that applies to a case of `runner`, judged on the value."""
    return [
        _check(name, criterion, criterion_value(criterion, metrics))
        for name, criterion in criteria
        if criterion.applies_to(runner) and (criterion.min, criterion.max) != (None, None)
    ]


def _check(name: str, criterion: Criterion, metric: Metric) -> BoundCheck:
    outcome, message = _judge(criterion, metric)
    return BoundCheck(
        criterion=name,
        what=criterion.what,
        value=metric.value,
        unit=metric.unit,
        min=criterion.min,
        max=criterion.max,
        outcome=outcome,
        message=message,
    )


def _judge(criterion: Criterion, metric: Metric) -> tuple[Outcome, str]:
    what, value = criterion.what, metric.value
    if value is None:
        return "inconclusive", f"{what} has no value ({metric.error_message}): {_bounds(criterion)}"
    shown = f"{what} is {_number(value)}{_unit(metric.unit)}"
    if criterion.max is not None and value > criterion.max:
        return "failed", _broken(metric, value, "above its max", criterion.max, what)
    if criterion.min is not None and value < criterion.min:
        return "failed", _broken(metric, value, "below its min", criterion.min, what)
    if metric.metadata.get("flag") == "means_of_calls":
        return "inconclusive", f"{shown}, but that is of rounds of several calls, not of calls"
    if metric.metadata.get("flag") == "too_few_samples":
        have, need = metric.metadata["samples"], metric.metadata["samples_needed"]
        return "inconclusive", f"{shown}, but rests on {have} calls and needs {need}"
    return "passed", f"{shown}, within {_bounds(criterion)}"


def _broken(metric: Metric, value: float, words: str, bound: float, what: str) -> str:
    unit, numbers = _unit(metric.unit), (_number(value), _number(bound))
    if numbers[0] == numbers[1]:  # so near that it takes every digit to tell them apart
        numbers = (repr(value), repr(bound))
    return f"{what} is {numbers[0]}{unit}, {words} {numbers[1]}{unit}"


def _bounds(criterion: Criterion) -> str:
    ends = [("min", criterion.min), ("max", criterion.max)]
    return ", ".join(f"{name} {_number(end)}" for name, end in ends if end is not None)


def _number(value: float) -> str:
    """As many digits as a reader wants to see.

    >>> _number(250.0), _number(0.041666666), _number(12345.678)
    ('250', '0.04167', '12345.7')
    """
    return f"{value:.6g}" if abs(value) >= 1000 else f"{value:.4g}"


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""
