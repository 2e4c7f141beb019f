"""Metrics of all timed calls: differences between the sides, block by block.

A block has two turns of each side, on the same inputs, one a call. Of latencies, the fastest call
of a turn, by what its input usually takes, is what noise disturbs least. As it can hide what makes
only some calls slower, the median over the inputs of both turns' mean is looked at as well. Of
means and rates a turn is summarised by its mean. The estimate over
blocks is not moved by a few blocks far out, be they noise or rare slow calls of one side: so the
plain mean of all calls is looked at beside it, and has to be surely within the tolerance as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_modelbench.judge.paired.data import UnpackedLaunch, Unusable
from pytest_modelbench.judge.paired.estimate import Estimate, over_blocks, over_means
from pytest_modelbench.judge.paired.measure import Launches, Measure, View
from pytest_modelbench.judge.question import Question

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Calls: TypeAlias = NDArray[np.float64]

MEDIANS = ("p50_latency_ms", "latency_ms")
COUNTED_BY = {
    "throughput_items_per_second": "items_per_call",
    "tokens_per_sec": "tokens_per_call",
    "x_realtime": "audio_seconds_per_call",
    "real_time_factor": "audio_seconds_per_call",
}
"""What a launch says is done by a call, on average: rates are of that."""
MEANS = ("mean_latency_ms", *COUNTED_BY)
BLOCK_METRICS = (*MEDIANS, *MEANS)
TIME_PER_WORK = ("mean_latency_ms", "real_time_factor", *MEDIANS)
"""These grow with the time of a call, where the others shrink."""

FASTEST = "the fastest call of each turn"
MEDIAN = "the median of each block"
MEAN = "the mean of each turn"
PLAIN_MEAN = "the plain mean of all calls"


def block_measure(question: Question, floor: float) -> Measure:
    """How one of `BLOCK_METRICS` is got."""
    over = partial(_over_blocks, question=question, floor=floor)
    if question.metric in MEDIANS:
        summaries = {FASTEST: "fastest", MEDIAN: "median"}
        views = [View(words, partial(over, summary=name)) for words, name in summaries.items()]
    else:
        views = [
            View(MEAN, partial(over, summary="mean")),
            View(PLAIN_MEAN, partial(_plain_means, question=question, floor=floor), is_guard=True),
        ]
    return Measure("blocks", tuple(views), partial(_values, question=question))


def block_differences(launch: UnpackedLaunch, question: Question, summary: str) -> Calls:
    """The logarithm of candidate over baseline, of each block of a launch.

    `summary`: `fastest` call of a turn; `median`, over inputs; `mean` of a turn.
    """
    import numpy as np

    # (blocks, 2 turns, calls): the calls of both turns, and of both sides, are on the same inputs.
    one, other = (launch.calls[side] for side in (question.baseline, question.candidate))
    if summary == "mean":
        differences = np.log(other.mean(axis=2) / one.mean(axis=2)).mean(axis=1)
    elif summary == "fastest":
        logs = np.log(np.stack([one, other]))
        # What an input takes anyway: inputs differ, and the fastest call is not to be the shortest.
        usual = logs.min(axis=2).mean(axis=0)
        fastest = (logs - usual[None, :, None, :]).min(axis=3).mean(axis=2)
        differences = fastest[1] - fastest[0]
    else:
        differences = np.median(np.log(other / one).mean(axis=1), axis=1)
    of_metric: Calls = _of_metric(differences, launch, question)
    return of_metric


def _over_blocks(launches: Launches, *, question: Question, floor: float, summary: str) -> Estimate:
    differences = [block_differences(launch, question, summary) for launch in launches]
    return over_blocks(differences, floor)


def _plain_means(launches: Launches, *, question: Question, floor: float) -> Estimate:
    """Of the mean over all calls, which rare slow calls move as well."""
    name = COUNTED_BY.get(question.metric)

    def means(launch: UnpackedLaunch, side: int) -> Calls:
        done = _done(launch, side, name) if name else 1.0
        of_blocks: Calls = launch.calls[side].mean(axis=(1, 2)) / done
        return of_blocks

    sides = question.baseline, question.candidate
    of_time = over_means([tuple(means(one, side) for side in sides) for one in launches], floor)
    return of_time if question.metric in TIME_PER_WORK else of_time.turned(-1)


def _of_metric(difference: Any, launch: UnpackedLaunch, question: Question) -> Any:
    """From the difference of logarithms of times to that of the metric's."""
    if name := COUNTED_BY.get(question.metric):
        done = [_done(launch, side, name) for side in (question.baseline, question.candidate)]
        difference = difference - math.log(done[1] / done[0])
    return difference if question.metric in TIME_PER_WORK else -difference


def _done(launch: UnpackedLaunch, side: int, name: str) -> float:
    count = launch.metric(side, name)
    if not count > 0:
        raise Unusable(
            f"{name} of side {launch.sides[side]} is {count:g} in launch {launch.number}: it "
            "should be above 0"
        )
    return count


def _values(launches: Launches, *, question: Question) -> tuple[float, float]:
    one: Callable[[int], float] = partial(_value, launches, question)
    return one(question.baseline), one(question.candidate)


def _value(launches: Launches, question: Question, side: int) -> float:
    """The metric over all timed calls of a side."""
    import numpy as np

    calls = [launch.calls[side].ravel() for launch in launches]
    if question.metric in MEDIANS:
        return float(np.median(np.concatenate(calls))) / 1e6
    seconds = float(sum(one.sum() for one in calls)) / 1e9
    if question.metric not in COUNTED_BY:
        return 1e3 * seconds / sum(one.size for one in calls)
    name = COUNTED_BY[question.metric]
    pairs = zip(launches, calls, strict=True)
    done = sum(_done(launch, side, name) * one.size for launch, one in pairs)
    return seconds / done if question.metric in TIME_PER_WORK else done / seconds
