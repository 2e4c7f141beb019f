"""What came of the load of a case, in the words that every case's result has."""

from __future__ import annotations

import statistics
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_modelbench.execution.endpoint_heard import Figures, Heard, OfAddress
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.measure.timing import StoppedBy, TimedCalls
from pytest_modelbench.measure.warmup import WarmUp
from pytest_modelbench.redaction import masked
from pytest_modelbench.results.load_record import AddressFigures, LoadRecord, LoadStage
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.packed import pack

if TYPE_CHECKING:
    from pytest_modelbench.load.sweep import Stage, Sweeping
    from pytest_modelbench.load.window import Window


@dataclass
class Outcome:
    """Of one load, or of all rates of a sweep."""

    spec: LoadSpec
    window: Window
    """Of a sweep that of the best rate, or of the first where none was met."""
    metrics: dict[str, Metric]
    """Of `window`."""
    heard: Heard
    stages: list[LoadStage]
    best: int | None = None
    ended: str = ""
    notes: list[str] = field(default_factory=list)

    @cached_property
    def figures(self) -> Figures:
        return self.heard.of(self.window)

    @property
    def warm_up(self) -> WarmUp:
        count = len(self.heard.warm_up_ns)
        return WarmUp(
            durations_ns=self.heard.warm_up_ns,
            first_ns=self.heard.first_latency_ns,
            rule=f"{count} requests before the measured ones, as 'load' asks",
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
        if self.spec.sweep is not None or failed <= tolerated_share * requests:
            return ""
        error, count = self.window.errors.most_common(1)[0]
        return f"{failed} of {requests} requests failed, {count} with: {error}"

    def record(self) -> LoadRecord:
        """As it stands in a run."""
        answered, begin_ns = self.window.answered, self.window.begin_ns
        addresses = {name: one for name, one in self.figures.addresses.items() if name}
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

    @property
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


def of_window(window: Window, spec: LoadSpec, heard: Heard) -> Outcome:
    """Of a load that was held as `spec` says."""
    from pytest_modelbench.load.figures import window_metrics
    from pytest_modelbench.load.slo import broken

    metrics = window_metrics(window, spec.slo)
    faults = [] if spec.slo is None else broken(metrics, spec.slo)
    stage = LoadStage(
        rate=spec.rate,
        concurrency=spec.concurrency,
        seconds=window.seconds,
        requests=window.requests,
        failed=window.failed,
        meets_slo=None if spec.slo is None else not faults,
        outcome=None,
        detail="; ".join(faults),
        client_limits=window.client_limits or window.gap_limits,
        metrics=metrics,
    )
    return Outcome(spec, window, metrics, heard, [stage])


def of_sweep(swept: Sweeping, spec: LoadSpec, heard: Heard) -> Outcome:
    """Of several rates; `heard` is of all of them."""
    at = swept.best or 0
    stage = swept.stages[at]
    stages = [_stage(one, spec) for one in swept.stages]
    return Outcome(spec, stage.window, stage.metrics, heard, stages, swept.best, swept.ended)


def _stage(stage: Stage, spec: LoadSpec) -> LoadStage:
    window = stage.window
    return LoadStage(
        rate=stage.rate,
        concurrency=spec.concurrency,
        seconds=window.seconds,
        requests=window.requests,
        failed=window.failed,
        meets_slo=None if spec.slo is None else stage.is_met,
        outcome=stage.outcome,
        detail=stage.detail,
        client_limits=window.client_limits or window.gap_limits,
        metrics=stage.metrics,
    )


def _figures(one: OfAddress) -> AddressFigures:
    latencies = one.latencies_ns
    return AddressFigures(
        requests=len(latencies) + one.failed,
        failed=one.failed,
        p50_latency_ms=statistics.median(latencies) / 1e6 if latencies else None,
    )
