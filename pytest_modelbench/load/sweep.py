"""Looks for the highest rate that an endpoint stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

from pytest_modelbench.endpoints.contract import Endpoint
from pytest_modelbench.load.driver import OnProgress, OnReply, drive
from pytest_modelbench.load.figures import window_metrics
from pytest_modelbench.load.following import answered_share
from pytest_modelbench.load.sender import ClientFactory, client_of
from pytest_modelbench.load.share import Asked
from pytest_modelbench.load.slo import broken
from pytest_modelbench.load.spec import LoadSpec, Slo, Sweep
from pytest_modelbench.load.window import Window
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

    @property
    def is_client_limited(self) -> bool:
        """Whether it says nothing about the endpoint, since the client was the bottleneck."""
        return bool(self.window.client_limits)

    @property
    def is_met(self) -> bool:
        return not self.broken and not self.is_client_limited

    @property
    def detail(self) -> str:
        """Why it was not met, in one line; empty where it was."""
        return "; ".join(self.window.client_limits or self.broken)


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
    """Try rates as `spec.sweep` says; each lasts as long as `requests` and `seconds` allow.

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

    if spec.sweep.rates is not None:
        _try_given(drive_at, spec, spec.sweep.rates, sweeping)
    else:
        _search(drive_at, spec, spec.sweep, sweeping)
    return sweeping


def _try_given(drive_at: DriveAt, spec: LoadSpec, rates: list[float], sweeping: Sweeping) -> None:
    lowest_limited = inf
    for rate in rates:
        if rate >= lowest_limited:
            continue
        stage = _stage(drive_at, spec, rate, sweeping)
        if stage.is_client_limited:
            lowest_limited = rate
            sweeping.ended = _limited(stage)


def _search(drive_at: DriveAt, spec: LoadSpec, given: Sweep, sweeping: Sweeping) -> None:
    low, rate = 0.0, min(given.start, given.max_rate)
    while (stage := _stage(drive_at, spec, rate, sweeping)).is_met:
        if rate >= given.max_rate:
            sweeping.ended = f"max_rate, {given.max_rate:g} requests/s, is met: the knee is higher"
            return
        low, rate = rate, min(2 * rate, given.max_rate)
    high = rate
    for _ in range(given.refine):
        if stage.is_client_limited:
            break
        stage = _stage(drive_at, spec, (low + high) / 2, sweeping)
        if stage.is_met:
            low = stage.rate
        else:
            high = stage.rate
    if stage.is_client_limited:
        sweeping.ended = _limited(stage)
    elif sweeping.best is None:
        sweeping.ended = f"no rate was met, not even {high:g} requests/s: {stage.detail}"


def _stage(drive_at: DriveAt, spec: LoadSpec, rate: float, sweeping: Sweeping) -> Stage:
    at_rate = spec.model_copy(update={"rate": rate, "sweep": None})
    lasts = min(spec.seconds or inf, (spec.requests or inf) / rate)
    window = drive_at(at_rate, max(_SHORTEST_DRAIN_SECONDS, _DRAIN_WINDOWS * lasts))
    metrics = window_metrics(window, spec.slo)
    stage = Stage(rate, window, metrics, _broken(window, metrics, spec.slo))
    sweeping.stages.append(stage)
    return stage


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


def _limited(stage: Stage) -> str:
    return (
        f"at {stage.rate:g} requests/s the client was the bottleneck, so from there on nothing "
        f"is known of the endpoint: {stage.detail}"
    )
