"""Metrics that a launch gives once: loading, the first call, memory.

Each launch gives one figure a side, so the change of each launch is one logarithm of a ratio, and
their mean has Student's interval. There is no floor of launches in it: what launches differ by is
in every figure, and seen, whereas blocks would average it away. Memory that is the same in every
launch has an interval of no width.

A tolerance in the metric's unit is held against differences in that unit: of a metric that may be
0, such as memory that calls need beyond the model, there is no ratio.
"""

from __future__ import annotations

import math
from functools import partial
from statistics import fmean

from pytest_modelbench.catalogue import PROCESS_MEMORY_METRICS, unit_of
from pytest_modelbench.judge.paired.data import UnpackedLaunch, Unusable
from pytest_modelbench.judge.paired.estimate import Estimate, over_launches
from pytest_modelbench.judge.paired.measure import Launches, Measure, View
from pytest_modelbench.judge.question import Question

LAUNCH_METRICS = (
    "model_load_seconds",
    "compile_seconds",
    "first_latency_ms",
    *PROCESS_MEMORY_METRICS,
)


def launch_measure(question: Question) -> Measure:
    """How one of `LAUNCH_METRICS` is got."""
    is_plain = question.is_in_unit
    change, mean = (_difference, fmean) if is_plain else (_log_ratio, _geometric_mean)

    def estimate(launches: Launches) -> Estimate:
        return over_launches([change(launch, question) for launch in launches])

    def values(launches: Launches) -> tuple[float, float]:
        pairs = [_pair(launch, question) for launch in launches]
        baseline, candidate = (mean(side) for side in zip(*pairs, strict=True))
        return baseline, candidate

    views = (View("each launch", estimate),)
    return Measure("launches", views, values, scale="plain" if is_plain else "log")


def _pair(launch: UnpackedLaunch, question: Question) -> tuple[float, float]:
    get = partial(launch.metric, name=question.metric)
    return get(question.baseline), get(question.candidate)


def _difference(launch: UnpackedLaunch, question: Question) -> float:
    baseline, candidate = _pair(launch, question)
    return candidate - baseline


def _log_ratio(launch: UnpackedLaunch, question: Question) -> float:
    baseline, candidate = _pair(launch, question)
    if baseline == candidate:
        return 0.0
    if min(baseline, candidate) <= 0:
        unit = f" in {unit_of(question.metric)}" if unit_of(question.metric) else " as a number"
        raise Unusable(
            f"{question.metric} is {min(baseline, candidate):g} in launch {launch.number}, of "
            f"which nothing is a share: give 'max_regression'{unit}, such as 5"
        )
    return math.log(candidate / baseline)


def _geometric_mean(values: tuple[float, ...]) -> float:
    """What the mean of logarithms belongs to; where there are none, the ordinary mean."""
    if min(values) <= 0:
        return fmean(values)
    return math.exp(fmean(map(math.log, values)))
