"""What a reader must know of loads on endpoints, which stands in no column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_modelbench.report.numbers import shown
from pytest_modelbench.results.load_record import LoadRecord, LoadStage
from pytest_modelbench.results.run import CaseResult

MOST_ERRORS = 3


def loads(cases: Sequence[CaseResult]) -> Iterator[str]:
    """The rates of sweeps, what each address did, what requests failed with, and whether a client
    was the bottleneck.
    """
    for case in cases:
        if case.load is not None:
            name = case.id.partition("::")[2]
            for line in load_lines(case.load):
                yield f"{name}: {line}"


def load_lines(load: LoadRecord) -> Iterator[str]:
    """Of one load."""
    if load.mode == "sweep":
        yield from _sweep(load)
    elif load.stages and load.stages[0].meets_slo is False:
        yield f"the slo is not met: {load.stages[0].detail}"
    yield from load.notes
    if load.client_limits:
        yield f"its figures say how fast the client was: {load.client_limits[0]}"
    if len(load.addresses) > 1:
        for address, one in load.addresses.items():
            median = "" if one.p50_latency_ms is None else f", p50 {shown(one.p50_latency_ms)} ms"
            yield f"{address}: {one.requests} requests, {one.failed} failed{median}"
    for error, count in sorted(load.errors.items(), key=lambda one: -one[1])[:MOST_ERRORS]:
        yield f"{count} request{'s' if count != 1 else ''} failed with: {error}"


def _sweep(load: LoadRecord) -> Iterator[str]:
    for at, stage in enumerate(load.stages):
        mark = ", the best" if at == load.best else ""
        yield f"{shown(stage.rate or 0)} requests/s{mark}: {_stage(stage)}"
    if load.ended:
        yield load.ended


def _stage(stage: LoadStage) -> str:
    parts = []
    for name, words in (
        ("request_throughput", "requests/s answered"),
        ("p50_ttft_ms", "ms p50 TTFT"),
        ("p99_ttft_ms", "ms p99 TTFT"),
        ("p50_latency_ms", "ms p50 latency"),
        ("p99_latency_ms", "ms p99 latency"),
    ):
        metric = stage.metrics.get(name)
        if metric is not None and metric.value is not None:
            parts.append(f"{shown(metric.value)} {words}")
    return ", ".join([*parts, *([stage.detail] if stage.detail else [])])
