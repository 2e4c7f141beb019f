"""What came of the load of a case, in the words that every case's result has."""

from __future__ import annotations

import math
import statistics
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.measure.timing import StoppedBy, TimedCalls
from pytest_modelbench.measure.warmup import WarmUp
from pytest_modelbench.redaction import masked
from pytest_modelbench.results.load_record import (
    AddressFigures,
    LoadRecord,
    LoadStage,
    StageOutcome,
)
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.packed import pack

if TYPE_CHECKING:
    from pytest_modelbench.load.sweep import Sweeping
    from pytest_modelbench.load.window import OfAddress, Window


@dataclass
class Outcome:
    """Of one load, or of all rates of a sweep."""

    spec: LoadSpec
    window: Window
    """Of a sweep that of the best rate, or of the first where none was met."""
    metrics: dict[str, Metric]
    """Of `window`."""
    windows: Sequence[Window]
    """Of all rates, in the order in which they were held."""
    audio_seconds: Sequence[float | None]
    """How long the sound of each sample is, by its place."""
    stages: list[LoadStage]
    best: int | None = None
    ended: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def sound_seconds(self) -> float:
        """In the measured requests that were answered; 0 where there is none."""
        return math.fsum(self.audio_seconds[at] or 0.0 for at in self.window.answered.place)

    @property
    def without_length(self) -> int:
        """How many of them do not say how long their sound is."""
        return sum(self.audio_seconds[at] is None for at in self.window.answered.place)

    @property
    def service_seconds(self) -> float:
        """Of these requests, one after the other."""
        return float(self.window.times.service_latency_ms.sum()) / 1e3

    @property
    def first_latency_ns(self) -> int | None:
        """Of the first request of all; None where it was not answered."""
        return self.windows[0].first_latency_ns

    @property
    def warm_up(self) -> WarmUp:
        before = array("q", chain.from_iterable(one.before_ns for one in self.windows))
        return WarmUp(
            durations_ns=before,
            first_ns=self.first_latency_ns,
            rule=f"{len(before)} requests before the measured ones, as 'load' asks",
        )

    def calls(self, samples: int) -> TimedCalls:
        """The measured requests that were answered, by their times; the dataset has `samples`."""
        answered = self.window.answered
        latencies = array("q", (answered.ended[at] - answered.intended[at] for at in self._order))
        return TimedCalls(
            durations_ns=latencies,
            first_round=min(samples, len(latencies)),
            repeated=samples if len(latencies) > samples else 0,
            busy_ns=round(self.window.seconds * 1e9),
            in_flight=max(1, round(self.metrics["peak_concurrency"].value or 1)),
            stopped_by=self._stopped_by,
        )

    def failed_requests(self, tolerated_share: float) -> str:
        """That more requests have failed than may; empty where they have not, and of a sweep, which
        goes on until they do.
        """
        failed, requests = self.window.failed, self.window.requests
        # Divided as the share was: 1 / 49 * 49 would be less than 1.
        if self.spec.sweep is not None or failed / max(1, requests) <= tolerated_share:
            return ""
        error, count = self.window.errors.most_common(1)[0]
        return f"{failed} of {requests} requests failed, {count} with: {error}"

    def record(self) -> LoadRecord:
        """As it stands in a run."""
        answered, begin_ns = self.window.answered, self.window.begin_ns
        addresses = {name: one for name, one in self.window.addresses.items() if name}
        return LoadRecord(
            mode="sweep" if self.spec.sweep else "open" if self.spec.is_open else "closed",
            spec=masked(self.spec.model_dump(mode="json")),
            workers=self.spec.workers,
            stages=self.stages,
            best=self.best,
            ended=self.ended,
            notes=self.notes,
            addresses={name: _figures(one) for name, one in addresses.items()},
            errors=dict(self.window.errors),
            sent_at=pack(answered.intended[at] - begin_ns for at in self._order),
            ttft=self._ttft(),
        )

    @cached_property
    def _order(self) -> Sequence[int]:
        """Of what was answered, by when it was to be sent."""
        intended = self.window.answered.intended
        return sorted(range(len(intended)), key=intended.__getitem__)

    def _ttft(self) -> str | None:
        """None where an answer came whole."""
        answered = self.window.answered
        if not answered.chunks or not all(answered.chunks):
            return None
        first, at = array("q"), 0
        for chunks in answered.chunks:
            first.append(answered.token_times[at])
            at += chunks
        return pack(first[at] - answered.intended[at] for at in self._order)

    @property
    def _stopped_by(self) -> StoppedBy:
        if self.spec.requests is None and self.spec.seconds is None:
            return "first round"
        return "max_seconds" if self.spec.requests is None else "enough"


def of_window(window: Window, spec: LoadSpec, audio_seconds: Sequence[float | None]) -> Outcome:
    """Of a load that was held as `spec` says."""
    from pytest_modelbench.load.figures import window_metrics
    from pytest_modelbench.load.slo import broken

    metrics = window_metrics(window, spec.slo)
    faults = [] if spec.slo is None else broken(metrics, spec.slo)
    stage = _stage(
        spec,
        window,
        metrics,
        rate=spec.rate,
        is_met=not faults,
        outcome=None,
        detail="; ".join(faults),
    )
    return Outcome(spec, window, metrics, [window], audio_seconds, [stage])


def of_sweep(swept: Sweeping, spec: LoadSpec, audio_seconds: Sequence[float | None]) -> Outcome:
    """Of several rates."""
    own = swept.stages[swept.best or 0]
    stages = [
        _stage(
            spec,
            one.window,
            one.metrics,
            rate=one.rate,
            is_met=one.is_met,
            outcome=one.outcome,
            detail=one.detail,
        )
        for one in swept.stages
    ]
    windows = [one.window for one in swept.stages]
    return Outcome(
        spec, own.window, own.metrics, windows, audio_seconds, stages, swept.best, swept.ended
    )


def _stage(
    spec: LoadSpec,
    window: Window,
    metrics: dict[str, Metric],
    *,
    rate: float | None,
    is_met: bool,
    outcome: StageOutcome | None,
    detail: str,
) -> LoadStage:
    """As it stands in a run; `is_met` counts where the suite demands something."""
    return LoadStage(
        rate=rate,
        concurrency=spec.concurrency,
        seconds=window.seconds,
        requests=window.requests,
        failed=window.failed,
        meets_slo=None if spec.slo is None else is_met,
        outcome=outcome,
        detail=detail,
        client_limits=window.client_limits or window.gap_limits,
        metrics=metrics,
    )


def _figures(one: OfAddress) -> AddressFigures:
    latencies = one.latencies_ns
    return AddressFigures(
        requests=len(latencies) + one.failed,
        failed=one.failed,
        p50_latency_ms=statistics.median(latencies) / 1e6 if latencies else None,
    )
