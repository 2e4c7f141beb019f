"""Launches as a machine of known noise would give them, and comparisons made of such launches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.judge.paired import (
    PairedData,
    decision,
    next_step,
    paired_verdict,
    verdict,
)
from pytest_modelbench.judge.paired.decision import Seen, see
from pytest_modelbench.judge.paired.measure import Launches, Measure
from pytest_modelbench.judge.question import Question
from pytest_modelbench.results.comparison import Launch, Procedure, SideLaunch, Verdict
from pytest_modelbench.results.packed import pack
from pytest_modelbench.suite.tolerance import parse_tolerance

USUAL_NS = 1_000_000


@dataclass(frozen=True)
class Machine:
    """What disturbs. Durations are multiplied by all of it."""

    launch_sd: float = 0.01
    """Of the difference between two processes of the same code, for as long as they live."""
    call_sd: float = 0.05
    """Of single calls, lognormal."""
    burst_share: float = 0.0
    """Of the time, in stretches of 8 turns on average, calls take `burst_factor` as long."""
    burst_factor: float = 1.6
    drift: float = 0.0
    """Over a launch, shared by the sides, as a share."""
    slow_share: float = 0.0
    """Of single calls, which take three times as long."""


@dataclass(frozen=True)
class Code:
    """A side: what is true of it."""

    slower: float = 0.0
    """As a share."""
    slow_share: float = 0.0
    """Of its calls, `slow_factor` times as long as the others."""
    slow_factor: float = 3.0
    metrics: dict[str, float] = field(default_factory=dict)
    """What each launch gives once."""
    metric_sd: float = 0.0
    """Lognormal, between launches."""


def procedure(**fields: Any) -> Procedure:
    usual: dict[str, Any] = {
        "seed": 7,
        "calls": 3,
        "repeats": 1,
        "in_flight": 1,
        "blocks": 20,
        "most_launches": 6,
        "max_seconds": 120.0,
        "launch_floor": 0.01,
        "launch_floor_from": "default",
        "verdict_count": 1,
    }
    return Procedure(**usual | fields)


def question(metric: str = "p50_latency_ms", tolerance: Any = "5%", **fields: Any) -> Question:
    read = None if tolerance is None else parse_tolerance(tolerance)
    return Question(metric, fields.pop("better", "lower"), read, **fields)


def simulated_launch(
    rng: np.random.Generator,
    how: Procedure,
    codes: Sequence[Code],
    machine: Machine,
    series: str = "decision",
) -> Launch:
    count = len(codes)
    order: list[int] = []
    for _ in range(how.blocks):
        turns = [int(one) for one in rng.permutation(count)]
        order += [*turns, *reversed(turns)]
    shape = (len(order), how.calls)
    noise = rng.lognormal(0, machine.call_sd, shape)
    noise *= np.where(rng.random(shape) < machine.slow_share, 3.0, 1.0)
    noise *= np.where(_bursts(rng, len(order), machine.burst_share), machine.burst_factor, 1)[
        :, None
    ]
    noise *= np.linspace(1, 1 + machine.drift, len(order))[:, None]
    sides = []
    for side, code in enumerate(codes):
        own = math.exp(rng.normal(0, machine.launch_sd / math.sqrt(2))) * (1 + code.slower)
        calls = noise[np.array(order) == side] * own
        calls = calls * np.where(rng.random(calls.shape) < code.slow_share, code.slow_factor, 1.0)
        given = {
            name: value * float(rng.lognormal(0, code.metric_sd))
            for name, value in code.metrics.items()
        }
        sides.append(side_launch((USUAL_NS * calls).round().astype(int).ravel().tolist(), given))
    return Launch(series=series, order=pack(order), sides=sides, disturbances=[])


def _bursts(rng: np.random.Generator, turns: int, share: float) -> Any:
    """Two states, each of which lasts: on for 8 turns on average."""
    is_on, states = rng.random() < share, []
    for _ in range(turns):
        leave = 1 / 8 if is_on else share / (1 - share) / 8
        is_on = is_on != (rng.random() < leave)
        states.append(is_on)
    return np.array(states)


def side_launch(
    durations: Sequence[int],
    metrics: dict[str, float] | None = None,
    ended_by: str = "steady",
) -> SideLaunch:
    return SideLaunch(
        warmup=pack([USUAL_NS] * 20),
        warmup_ended_by=ended_by,
        warmup_rule="two windows agree",
        durations=pack(durations),
        metrics=metrics or {},
    )


def compared(
    rng: np.random.Generator,
    codes: Sequence[Code],
    machine: Machine,
    questions: Sequence[Question],
    how: Procedure | None = None,
) -> tuple[list[Verdict], PairedData]:
    """A whole comparison, launch by launch, as `next_step` asks for them."""
    how = how or procedure()
    launches: list[Launch] = []
    names = ("baseline", "candidate", "other")[: len(codes)]
    data = PairedData(names, how, launches)
    with _seen_once():
        while (step := next_step(data, questions, seconds_left=1.0)) != "done":
            series = "decision" if step == "launch" else "confirmation"
            launches.append(simulated_launch(rng, how, codes, machine, series))
            data = PairedData(names, how, launches)
        return [paired_verdict(data, one, 0.5 * len(launches)) for one in questions], data


@contextmanager
def _seen_once() -> Iterator[None]:
    """What launches say is worked out once in a comparison, in which it cannot change."""
    known: dict[Any, Seen] = {}

    def seen(measure: Measure, asked: Question, launches: Launches) -> Seen:
        key = asked, tuple(one.number for one in launches)
        if key not in known:
            known[key] = see(measure, asked, launches)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        for module in (decision, verdict):
            patch.setattr(module, "see", seen)
        yield


def recorded(*codes_of_launches: Sequence[Code], **fields: Any) -> PairedData:
    """Launches without any noise, one for each pair of codes; `series` gives their series."""
    series = fields.pop("series", None) or ["decision"] * len(codes_of_launches)
    how = procedure(**fields)
    quiet = Machine(launch_sd=0, call_sd=0)
    rng = np.random.default_rng(1)
    launches = [
        simulated_launch(rng, how, codes, quiet, one)
        for codes, one in zip(codes_of_launches, series, strict=True)
    ]
    count = len(codes_of_launches[0]) if codes_of_launches else 2
    return PairedData(("baseline", "candidate", "other")[:count], how, launches)
