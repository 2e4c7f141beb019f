"""Which interval a metric or a criterion is judged on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from pytest_modelbench.catalogue import in_catalogue
from pytest_modelbench.judge.bounds.expression_interval import Interval, expression_interval
from pytest_modelbench.judge.launch_noise import widened
from pytest_modelbench.judge.student import student_quantile
from pytest_modelbench.normal import Z_95_PERCENT
from pytest_modelbench.results.metric import Metric, as_number
from pytest_modelbench.suite.document import Criterion
from pytest_modelbench.suite.expression import names_in, parse_expression

Metrics: TypeAlias = Mapping[str, Metric]

PERCENTILES = (
    "latency_ms",
    "p50_latency_ms",
    "p90_latency_ms",
    "p95_latency_ms",
    "p99_latency_ms",
)
IN_PROPORTION = ("mean_latency_ms", "inference_seconds", "real_time_factor")
IN_INVERSE = ("throughput_items_per_second", "tokens_per_sec", "x_realtime")
OF_TIMED_CALLS = (*PERCENTILES, *IN_PROPORTION, *IN_INVERSE)
"""Durations and rates of timed calls: what differs between launches of the same code. Neither the
first call nor the slowest, nor loading, is among them: one event has no interval to widen."""
MANY_CALLS = 130
"""The default of the stop rule: from here on Student's t is the normal's within 1 %."""


def sample_interval(name: str, metrics: Metrics) -> Interval | None:
    """The interval of the run's own samples; None for what is counted or has none.

    A mean of timed calls has Student's, from their standard deviation, and a rate or a sum of
    them that of the mean, in proportion. Calls in flight are no different: their mean is as far
    off as one of as many calls that came one after the other.
    """
    metric = metrics[name]
    own = _own_interval(metric)
    if own is not None or metric.value is None:
        return own
    prefix, known = in_catalogue(name)
    if known not in (*IN_PROPORTION, *IN_INVERSE) or "samples" not in metric.metadata:
        return None
    share = _half_width(metrics.get(f"{prefix}mean_latency_ms"))
    if share is None:
        return None
    less, more = 1 - share, 1 + share
    if known in IN_PROPORTION:
        return max(0.0, metric.value * less), metric.value * more if share < math.inf else None
    return metric.value / more, metric.value / less if less > 0 else None


def _own_interval(metric: Metric) -> Interval | None:
    """As its metadata has it; one of a metric of somebody's own need not be an interval."""
    ends = metric.metadata.get("interval")
    if not isinstance(ends, list) or len(ends) != 2:
        return None
    if not all(end is None or as_number(end) is not None for end in ends):
        return None
    return as_number(ends[0]), as_number(ends[1])


def number_in(metric: Metric, key: str) -> float | None:
    """A number of its metadata, which somebody's own metric may have as anything else."""
    return as_number(metric.metadata.get(key))


def judged_interval(
    name: str, metrics: Metrics, launch_floor: float | None = None
) -> Interval | None:
    """The same, made wider for timed calls by what launches of the same code differ by: on this
    machine, or by the floor of the one that they were measured on."""
    metric, interval = metrics[name], sample_interval(name, metrics)
    if metric.value is None:
        return interval
    if is_of_timed_calls(name, metric):
        return widened(metric.value, *(interval or (metric.value, metric.value)), launch_floor)
    return None if interval is None else _around(metric.value, interval)


def is_of_timed_calls(name: str, metric: Metric) -> bool:
    """Whether it is a duration or a rate that we timed, in a measurement with a name as well."""
    return in_catalogue(name)[1] in OF_TIMED_CALLS and "samples" in metric.metadata


def criterion_interval(criterion: Criterion, metrics: Metrics) -> Interval | None:
    """What the bounds and the score of a criterion that has a value are judged on."""
    if criterion.metric is not None:
        return judged_interval(criterion.metric, metrics)
    return interval_of_expression(criterion.expression or "", metrics, judged_interval)


def interval_of_expression(
    text: str, metrics: Metrics, interval_of: Callable[[str, Metrics], Interval | None]
) -> Interval | None:
    """The interval of an expression that has a value; None where no metric of it has one."""
    expression = parse_expression(text)
    operands = {}
    has_interval = False
    for name in names_in(expression):
        value, interval = metrics[name].value, interval_of(name, metrics)
        assert value is not None
        has_interval = has_interval or interval is not None
        operands[name] = _around(value, interval or (value, value))
    return expression_interval(expression, operands) if has_interval else None


def _around(value: float, interval: Interval) -> Interval:
    """Of a skewed bootstrap the value may lie outside."""
    low, high = interval
    return None if low is None else min(low, value), None if high is None else max(high, value)


def _half_width(mean: Metric | None) -> float | None:
    """Half of the 95 % interval of a mean, as a share of it; infinite for a single call."""
    if mean is None or mean.value is None or mean.value <= 0:
        return None
    spread = number_in(mean, "standard_deviation")
    count = number_in(mean, "samples")
    if count == 1:
        return math.inf
    if spread is None or count is None or count < 2:
        return None
    return _student(count) * spread / math.sqrt(count) / mean.value


def _student(count: float) -> float:
    """The quantile for the mean of `count` figures, or of somewhat fewer."""
    if count >= MANY_CALLS:
        return Z_95_PERCENT
    return student_quantile(count - 1, 0.025)
