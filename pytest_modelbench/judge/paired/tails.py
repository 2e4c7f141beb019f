"""Percentiles far out: of all calls of a side, with a bootstrap over launches.

Calls of one launch resemble each other, so launches are what is drawn again, not calls (Davison
and Hinkley, Bootstrap Methods and their Application, section 3.8). Of few launches such a
bootstrap is too narrow. Its standard error is therefore taken times sqrt(n / (n - 1)) and with the
quantile of Student's t for n - 1: of 2 launches that proves next to nothing, of 6 it holds. The
floor of launches is below it, too.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from pytest_modelbench.judge.paired.data import PairedData, Unusable
from pytest_modelbench.judge.paired.estimate import Estimate
from pytest_modelbench.judge.paired.measure import Launches, Measure, View
from pytest_modelbench.judge.question import Question
from pytest_modelbench.results.comparison import Procedure
from pytest_modelbench.suite.compare import MOST_LAUNCHES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Calls: TypeAlias = NDArray[np.float64]

SHARES = {"p90_latency_ms": 0.90, "p95_latency_ms": 0.95, "p99_latency_ms": 0.99}
CALLS_NEEDED = {"p90_latency_ms": 250, "p95_latency_ms": 500, "p99_latency_ms": 1000}
SLOWEST = "max_latency_ms"
TAIL_METRICS = (*SHARES, SLOWEST)
RESAMPLES = 1000
_CELLS_AT_ONCE = 2_000_000
_MOST_CELLS = 200_000_000
FEWEST_RESAMPLES = 200
ENOUGH_TIME = 0.7
"""Share of the time that there is: of longer launches blocks may have been left out."""


def tail_measure(question: Question, data: PairedData) -> Measure:
    """How one of `TAIL_METRICS` is got. Raises `Unusable` where no launches would ever do."""
    metric, procedure = question.metric, data.procedure
    if metric == SLOWEST:
        raise Unusable("the slowest call of a series has no interval: use p99_latency_ms")
    if procedure.repeats > 1:
        raise Unusable(
            f"{procedure.repeats} calls were timed as one, and a percentile of such means is none "
            "of calls: use p50_latency_ms"
        )
    estimate = partial(_estimate, question=question, procedure=procedure)
    return Measure(
        "tail",
        (View("all calls", estimate),),
        partial(_values, question=question),
        calls_needed=CALLS_NEEDED[metric],
        notes={"resampled": "launches", "resamples": RESAMPLES, "bootstrap_seed": procedure.seed},
    )


def calls_per_launch(procedure: Procedure) -> int:
    """Of each side."""
    return 2 * procedure.blocks * procedure.calls


def can_suffice(metric: str, procedure: Procedure) -> bool:
    """Whether as many launches as there may be would have calls enough."""
    needed = CALLS_NEEDED.get(metric, 0)
    return procedure.most_launches * calls_per_launch(procedure) >= needed


def what_would_do(metric: str, procedure: Procedure, seconds_per_launch: float) -> str:
    """The settings with which there would be calls enough.

    Launches have fewer blocks where more of them have to share `compare.max_seconds`: so where
    time is short it has to grow with them.
    """
    needed, each = CALLS_NEEDED[metric], calls_per_launch(procedure)
    launches = math.ceil(needed / each)
    launches += launches % 2
    if launches <= procedure.most_launches:
        return f"{launches} launches would do: raise compare.max_seconds"
    others, growth = [], 1.0
    if launches > MOST_LAUNCHES:
        blocks = math.ceil(needed / (MOST_LAUNCHES * 2 * procedure.calls))
        growth = blocks / procedure.blocks
        others.append(f"compare.blocks of {blocks}")
        launches = MOST_LAUNCHES
    if seconds_per_launch * growth * launches > ENOUGH_TIME * procedure.max_seconds:
        seconds = procedure.max_seconds * growth * launches / procedure.most_launches
        others.append(f"compare.max_seconds of {math.ceil(seconds)}")
    return (
        f"compare.launches of {launches}{' with ' if others else ''}{' and '.join(others)} would do"
    )


def _estimate(launches: Launches, *, question: Question, procedure: Procedure) -> Estimate:
    import numpy as np

    share, count = SHARES[question.metric], len(launches)
    sides = [_by_launch(launches, side) for side in (question.baseline, question.candidate)]
    center = _log_ratio([np.concatenate(one) for one in sides], share)
    pairs = zip(*sides, strict=True)
    by_launch = tuple(_log_ratio(list(pair), share) for pair in pairs)
    if count == 1:
        return Estimate(center, math.inf, 1, by_launch)
    weights = _drawn(count, sum(one.size for one in sides[0]), procedure.seed)
    logs = [np.log(_resampled(one, weights, share)) for one in sides]
    spread = float(np.std(logs[1] - logs[0], ddof=1))
    se = math.hypot(spread * math.sqrt(count / (count - 1)), procedure.launch_floor / count**0.5)
    return Estimate(center, se, count - 1, by_launch)


def _by_launch(launches: Launches, side: int) -> list[Calls]:
    return [launch.calls[side].ravel() for launch in launches]


def _log_ratio(pair: list[Calls], share: float) -> float:
    import numpy as np

    baseline, candidate = (float(np.quantile(one, share)) for one in pair)
    return math.log(candidate / baseline)


def _drawn(launches: int, calls: int, seed: int) -> NDArray[np.intp]:
    """How often each launch is in each resample."""
    import numpy as np

    resamples = min(RESAMPLES, max(FEWEST_RESAMPLES, _MOST_CELLS // calls))
    generator = np.random.default_rng(abs(seed))
    shares = np.full(launches, 1 / launches)
    drawn: NDArray[np.intp] = generator.multinomial(launches, shares, size=resamples)
    return drawn


def _resampled(by_launch: list[Calls], weights: NDArray[np.intp], share: float) -> Calls:
    """The quantile of each resample, interpolated as NumPy does it.

    All calls are sorted once; what differs between resamples is how often each of them counts.
    """
    import numpy as np

    # Of a few launches there are far fewer different resamples than are drawn.
    weights, places = np.unique(weights, axis=0, return_inverse=True)
    calls = np.concatenate(by_launch)
    order = np.argsort(calls, kind="stable")
    launch_of = np.repeat(np.arange(len(by_launch)), [len(one) for one in by_launch])[order]
    ordered = calls[order]
    rows = max(1, _CELLS_AT_ONCE // len(calls))
    found = []
    for start in range(0, len(weights), rows):
        counts = weights[start : start + rows].take(launch_of, axis=1)  # row by row in memory
        upto = np.cumsum(counts, axis=1)
        rank = (upto[:, -1:] - 1) * share
        below = np.floor(rank)
        low, high = (ordered[(upto <= at).sum(axis=1)] for at in (below, np.ceil(rank)))
        found.append(low + (high - low) * (rank - below)[:, 0])
    return np.concatenate(found)[places.ravel()]


def _values(launches: Launches, *, question: Question) -> tuple[float, float]:
    import numpy as np

    share = SHARES[question.metric]
    sides = [_by_launch(launches, side) for side in (question.baseline, question.candidate)]
    baseline, candidate = (float(np.quantile(np.concatenate(one), share)) / 1e6 for one in sides)
    return baseline, candidate
