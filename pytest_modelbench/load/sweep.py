"""Looks for the highest rate that an endpoint stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil, inf

from pytest_modelbench.endpoints.contract import Endpoint
from pytest_modelbench.load.driver import OnProgress, OnReply, drive
from pytest_modelbench.load.figures import window_metrics
from pytest_modelbench.load.following import FEWEST, answered_share
from pytest_modelbench.load.sender import ClientFactory, client_of
from pytest_modelbench.load.share import Asked
from pytest_modelbench.load.slo import bounds, broken, without
from pytest_modelbench.load.spec import LoadSpec, Slo, Sweep
from pytest_modelbench.load.stage_length import (
    held_at,
    lasts_seconds,
    median_latency_seconds,
    too_short,
)
from pytest_modelbench.load.window import Window
from pytest_modelbench.results.load_record import StageOutcome
from pytest_modelbench.results.metric import Metric

KEEPS_PACE = 0.95
"""Answers at less than this share of the rate: the knee is passed."""
_SHORTEST_DRAIN_SECONDS, _DRAIN_WINDOWS = 10.0, 3.0

DriveAt = Callable[[LoadSpec, float], Window]
"""Puts the load of a spec on the endpoint; the number is how many seconds answers are waited for
after the last request was sent."""


@dataclass(slots=True)
class Stage:
    """A rate that was tried."""

    rate: float
    window: Window
    metrics: dict[str, Metric]
    broken: list[str]
    """What did not hold; empty where all did."""
    client_limits: list[str]
    """What shows that the client was the bottleneck of what must hold: then nothing is said about
    the endpoint."""
    too_short: str
    """Why it cannot be told whether the endpoint keeps up; empty where it can."""
    is_held_again: bool = False
    """Whether the next one is of the same rate, as this one says nothing."""

    @property
    def is_client_limited(self) -> bool:
        return bool(self.client_limits)

    @property
    def says_nothing(self) -> bool:
        """About whether the endpoint stands the rate."""
        return self.is_client_limited or bool(self.too_short)

    @property
    def is_met(self) -> bool:
        return not self.broken and not self.says_nothing

    @property
    def outcome(self) -> StageOutcome:
        if self.is_held_again:
            return "held again"
        if self.is_client_limited:
            return "client"
        if self.broken:
            return "not met"
        return "too short" if self.too_short else "met"

    @property
    def detail(self) -> str:
        """Why it was not met, in one line; empty where it was."""
        short = [self.too_short] if self.too_short else []
        found = "; ".join(self.client_limits or self.broken or short)
        return f"held again, since this says nothing: {found}" if self.is_held_again else found


@dataclass(slots=True)
class Sweeping:
    """What a sweep found."""

    stages: list[Stage] = field(default_factory=list)
    """In the order in which they were tried."""
    ended: str = ""
    """What is to be known about where it ended; empty where it found the knee."""

    @property
    def best(self) -> int | None:
        """The stage with the highest rate that was met; None where there is none."""
        met = [at for at, stage in enumerate(self.stages) if stage.is_met]
        return max(met, key=lambda at: self.stages[at].rate, default=None)


def sweep(
    endpoint: Endpoint,
    samples: Sequence[Asked],
    spec: LoadSpec,
    *,
    order: Sequence[int] | None = None,
    on_reply: OnReply | None = None,
    on_progress: OnProgress | None = None,
    client_factory: ClientFactory = client_of,
) -> Sweeping:
    """Try rates as `spec.sweep` says; each lasts as long as `requests` and `seconds` allow,
    or longer where nothing could be told of it (`stage_length.py`).

    The rest is as in `drive`; `order` is that of the first rate, and `on_progress` tells of each
    rate by itself.
    """
    assert spec.sweep is not None
    sweeping = Sweeping()

    def drive_at(at_rate: LoadSpec, drain_seconds: float) -> Window:
        return drive(
            endpoint,
            samples,
            at_rate,
            order=None if sweeping.stages else order or None,
            on_reply=on_reply,
            on_progress=on_progress,
            client_factory=client_factory,
            drain_seconds=drain_seconds,
        )

    holding = _Holding(drive_at, spec, sweeping)
    if spec.sweep.rates is not None:
        _try_given(holding, spec.sweep.rates, sweeping)
    else:
        _search(holding, spec.sweep, sweeping)
    return sweeping


def _try_given(holding: _Holding, rates: list[float], sweeping: Sweeping) -> None:
    lowest_limited = inf
    for rate in rates:
        if rate >= lowest_limited:
            continue
        stage = holding.stage(rate)
        if stage.says_nothing:
            lowest_limited = rate
            sweeping.ended = _ended(stage)


def _search(holding: _Holding, given: Sweep, sweeping: Sweeping) -> None:
    low, rate = 0.0, min(given.start, given.max_rate)
    while (stage := holding.stage(rate)).is_met:
        if rate >= given.max_rate:
            sweeping.ended = f"max_rate, {given.max_rate:g} requests/s, is met: the knee is higher"
            return
        low, rate = rate, min(2 * rate, given.max_rate)
    high = rate
    for _ in range(given.refine):
        if stage.says_nothing:
            break
        stage = holding.stage((low + high) / 2)
        if stage.is_met:
            low = stage.rate
        else:
            high = stage.rate
    if stage.says_nothing:
        sweeping.ended = _ended(stage)
    elif sweeping.best is None:
        sweeping.ended = f"no rate was met, not even {high:g} requests/s: {stage.detail}"


class _Holding:
    """Holds rates, each again where the first time says nothing."""

    def __init__(self, drive_at: DriveAt, spec: LoadSpec, sweeping: Sweeping) -> None:
        self._drive_at, self._spec, self._sweeping = drive_at, spec, sweeping
        self._latency_seconds = 0.0
        """Median of the last rate that was met."""

    def stage(self, rate: float) -> Stage:
        """One pause of the machine is no reason to give up, nor is one stage that is too short."""
        at_rate = held_at(self._spec, rate, self._latency_seconds)
        stage, pauses, lengthenings = self._held(at_rate), 1, 2
        while stage.says_nothing:
            longer = self._longer(stage)
            if stage.is_client_limited and pauses:
                pauses -= 1
            elif (
                stage.too_short and lengthenings and lasts_seconds(longer) > lasts_seconds(at_rate)
            ):
                lengthenings -= 1
                at_rate = longer
            else:
                break
            stage.is_held_again = True
            stage = self._held(at_rate)
        if stage.is_met:
            self._latency_seconds = median_latency_seconds(stage.window)
        return stage

    def _longer(self, stage: Stage) -> LoadSpec:
        """As long as this stage has shown that it has to be."""
        window = stage.window
        answers = ceil(1.5 * FEWEST * window.requests / max(1, window.answers))
        return held_at(self._spec, stage.rate, median_latency_seconds(window), answers)

    def _held(self, at_rate: LoadSpec) -> Stage:
        assert at_rate.rate is not None
        drain_seconds = max(_SHORTEST_DRAIN_SECONDS, _DRAIN_WINDOWS * lasts_seconds(at_rate))
        window = self._drive_at(at_rate, drain_seconds)
        metrics = window_metrics(window, at_rate.slo)
        limits, broken = _judged(window, metrics, at_rate.slo)
        short = "" if limits or broken else too_short(window)
        stage = Stage(at_rate.rate, window, metrics, broken, limits, short)
        self._sweeping.stages.append(stage)
        return stage


def _judged(
    window: Window, metrics: dict[str, Metric], slo: Slo | None
) -> tuple[list[str], list[str]]:
    """What shows that the client was the bottleneck, and what did not hold.

    A client that spoils gaps between tokens leaves open only whether bounds of these hold, and one
    that is late nothing where all bounds hold in spite of it.
    """
    others, spoilt = slo, list[str]()
    if slo is not None:
        spoilt = [end for end in window.gap_faults if any(one.endswith(end) for one in bounds(slo))]
        others = without(slo, [one for one in bounds(slo) if one.endswith(tuple(spoilt))])
    found = _broken(window, metrics, others)
    if spoilt and not window.client_limits and not found:
        return [window.gap_faults[end] for end in spoilt], found
    holds = slo is not None and bool(bounds(slo)) and not spoilt and not found
    return [] if holds else window.client_limits, found


def _broken(window: Window, metrics: dict[str, Metric], slo: Slo | None) -> list[str]:
    found = []
    share = answered_share(window.answered.intended, window.answered.latencies)
    if share < KEEPS_PACE:
        found.append(
            f"requests were answered at {share:.0%} of the rate at which they came: each waited "
            "longer than the one before"
        )
    if slo is not None:
        return found + broken(metrics, slo)
    if window.failed:
        what, count = window.errors.most_common(1)[0]
        found.append(f"{window.failed} of {window.requests} requests failed, {count} with: {what}")
    elif not window.requests:
        found.append("no request was sent")
    return found


def _ended(stage: Stage) -> str:
    at = f"at {stage.rate:g} requests/s"
    if not stage.is_client_limited:
        return f"{at} it is {stage.detail}"
    return (
        f"{at} the client was the bottleneck, so from there on nothing is known of the endpoint: "
        f"{stage.detail}"
    )
