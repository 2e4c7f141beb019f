"""The gate: a criterion's `min` and `max` held against one case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Literal, TypeAlias

from pytest_modelbench.judge.beyond import is_beyond
from pytest_modelbench.judge.bounds.expression_interval import Interval
from pytest_modelbench.judge.bounds.intervals import (
    criterion_interval,
    is_of_timed_calls,
    number_in,
)
from pytest_modelbench.judge.bounds.settling import what_would_settle
from pytest_modelbench.judge.values import criterion_value
from pytest_modelbench.judge.wording import NOT_KNOWN, number
from pytest_modelbench.results.judgement import BoundCheck
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.suite.document import Criterion

Outcome = Literal["passed", "failed", "inconclusive"]
Bound: TypeAlias = tuple[str, float]
"""`min` or `max`, and the figure."""
Show: TypeAlias = Callable[[float], str]
LEAST_DIGITS, MOST_DIGITS = 7, 17


def check_bounds(
    criteria: Iterable[tuple[str, Criterion]], runner: str, metrics: Mapping[str, Metric]
) -> list[BoundCheck]:
    """Every bound that applies to a case of `runner`, judged on the interval of the value.

    It is passed when all of the interval is within, failed when all of it is outside, and
    otherwise inconclusive. What has no interval is judged on the value.
    """
    return [
        _check(name, criterion, metrics)
        for name, criterion in criteria
        if criterion.applies_to(runner) and (criterion.min, criterion.max) != (None, None)
    ]


def _check(name: str, criterion: Criterion, metrics: Mapping[str, Metric]) -> BoundCheck:
    metric = criterion_value(criterion, metrics)
    interval = None if metric.value is None else criterion_interval(criterion, metrics)
    outcome, message = _judge(criterion, metric, interval)
    return BoundCheck(
        criterion=name,
        what=criterion.what,
        value=metric.value,
        interval=None if interval is None else list(interval),
        unit=metric.unit,
        min=criterion.min,
        max=criterion.max,
        outcome=outcome,
        message=message,
    )


def _judge(criterion: Criterion, metric: Metric, interval: Interval | None) -> tuple[Outcome, str]:
    what, value = criterion.what, metric.value
    if value is None:
        bounds = _listed(_bounds(criterion), _with_unit(number, metric))
        return "inconclusive", f"{what} has no value ({metric.error_message}): {bounds}"
    low, high = interval or (value, value)
    show = _format(_bounds(criterion), (value, low, high))
    show_bound = _with_unit(show, metric)
    shown = f"{what} is {_shown(metric, interval, show)}"
    if metric.is_client_limited:
        return "inconclusive", f"{shown}, but the client was the bottleneck, not the endpoint"
    flag = metric.metadata.get("flag")
    if (broken := _broken(criterion, (low, high))) is not None:
        rounds = ", of rounds of several calls" if flag == "means_of_calls" else ""
        words = f"{broken[0]} {show_bound(broken[1])}"
        return "failed", f"broken: {shown}{rounds}, {words}"
    if flag == "means_of_calls":
        return "inconclusive", f"{shown}, but that is of rounds of several calls, not of calls"
    if flag == "too_few_samples":
        have, need = metric.metadata["samples"], metric.metadata["samples_needed"]
        bounds = _listed(_bounds(criterion), show_bound)
        return "inconclusive", f"{shown}, but rests on {have} calls and needs {need}: {bounds}"
    straddled = list(_straddled(criterion, value, (low, high)))
    if straddled:
        where = _where(straddled, value, (low, high), show_bound)
        return "inconclusive", f"{shown}: {where}{_remedy(criterion, metric, interval, straddled)}"
    return "passed", f"{shown}, within {_listed(_bounds(criterion), show_bound)}"


def _bounds(criterion: Criterion) -> list[Bound]:
    both: list[tuple[str, float | None]] = [("min", criterion.min), ("max", criterion.max)]
    return [(name, bound) for name, bound in both if bound is not None]


def _broken(criterion: Criterion, interval: Interval) -> Bound | None:
    """The bound that all of the interval is beyond, with the words for it."""
    low, high = interval
    if criterion.max is not None and low is not None and _is_past("max", low, criterion.max):
        return "above its max", criterion.max
    if criterion.min is not None and high is not None and _is_past("min", high, criterion.min):
        return "below its min", criterion.min
    return None


def _is_past(name: str, figure: float, bound: float) -> bool:
    return is_beyond(figure, bound) if name == "max" else is_beyond(bound, figure)


def _straddled(criterion: Criterion, value: float, interval: Interval) -> Iterator[Bound]:
    """The bounds that a part of the interval is beyond.

    A value that is all a metric can be, such as 1 of `exact_match`, is the end of its interval as
    well. A bound there can be met by nothing else, so it asks about these samples: it is met.
    """
    low, high = interval
    for name, bound in _bounds(criterion):
        far, near = (high, low) if name == "max" else (low, high)
        is_within = far is not None and not _is_past(name, far, bound)
        if not is_within and not value == bound == near:
            yield name, bound


def _where(straddled: Sequence[Bound], value: float, interval: Interval, show: Show) -> str:
    listed = _listed(straddled, show, " and ")
    upwards = [bound > value or (bound == value and name == "max") for name, bound in straddled]
    if any(interval[int(up)] is None for up in upwards):
        return f"its interval has no known end short of {listed}"
    return f"its interval straddles {listed}"


def _remedy(
    criterion: Criterion, metric: Metric, interval: Interval | None, straddled: Sequence[Bound]
) -> str:
    """For a metric; an expression's interval does not shrink with one number of samples."""
    if criterion.metric is None or metric.value is None or interval is None:
        return ""
    clause = what_would_settle(
        metric.value,
        interval,
        [bound for _, bound in straddled],
        number_in(metric, "samples"),
        is_timed=is_of_timed_calls(criterion.metric, metric),
    )
    return f"; {clause}" if clause else ""


def _shown(metric: Metric, interval: Interval | None, show: Show) -> str:
    text = show(metric.value or 0.0)
    if interval is not None:
        low, high = (NOT_KNOWN if end is None else show(end) for end in interval)
        text += f" [{low}, {high}]"
    return text + _unit(metric.unit)


def _listed(bounds: Iterable[Bound], show: Show, joint: str = ", ") -> str:
    return joint.join(f"{name} {show(bound)}" for name, bound in bounds)


def _format(bounds: Iterable[Bound], numbers: Iterable[float | None]) -> Show:
    """As few digits as tell each number from each bound that it differs from."""
    known = [one for one in numbers if one is not None]
    all_pairs = product(known, [bound for _, bound in bounds])
    pairs = [(a, b) for a, b in all_pairs if is_beyond(a, b) or is_beyond(b, a)]
    for digits in (None, *range(LEAST_DIGITS, MOST_DIGITS)):
        show = number if digits is None else partial(_with_digits, digits)
        if all(show(one) != show(bound) for one, bound in pairs):
            return show
    return repr


def _with_unit(show: Show, metric: Metric) -> Show:
    return lambda value: f"{show(value)}{_unit(metric.unit)}"


def _with_digits(digits: int, value: float) -> str:
    return f"{value:.{digits}g}"


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""
