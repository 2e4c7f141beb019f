"""How endpoints were loaded: what their figures are worth nothing without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_modelbench.report.load_words import held, is_the_clients, one_load
from pytest_modelbench.report.numbers import shown
from pytest_modelbench.report.sweep_lines import sweep_lines
from pytest_modelbench.results.load_record import LoadRecord
from pytest_modelbench.results.run import CaseResult

MOST_ERRORS = 3


def loads(cases: Sequence[CaseResult]) -> Iterator[str]:
    """The load of each case, what each address did, what requests failed with, and whether a client
    was the bottleneck.
    """
    for case in cases:
        if case.load is not None:
            name = case.id.partition("::")[2]
            for line in load_lines(case.load):
                yield f"{name}: {line}"


def load_lines(load: LoadRecord) -> Iterator[str]:
    """Of one load: first what it was."""
    if load.mode == "sweep":
        yield from sweep_lines(load)
    elif load.stages:
        yield one_load(load, load.stages[0])
        yield from _slo(load)
    yield from load.notes
    yield from _client(load)
    if len(load.addresses) > 1:
        for address, one in load.addresses.items():
            median = "" if one.p50_latency_ms is None else f", p50 {shown(one.p50_latency_ms)} ms"
            yield f"{address}: {one.requests} requests, {one.failed} failed{median}"
    for error, count in sorted(load.errors.items(), key=lambda one: -one[1])[:MOST_ERRORS]:
        yield f"{count} request{'s' if count != 1 else ''} failed with: {error}"


def _slo(load: LoadRecord) -> Iterator[str]:
    """Whether it is met, by its own figures."""
    stage = load.stages[0]
    if stage.meets_slo is None:
        return
    figures = ", ".join(held(load, stage)) or stage.detail
    if not is_the_clients(stage):
        yield f"the slo is {'met' if stage.meets_slo else 'not met'}: {figures}"
    elif stage.meets_slo:
        yield f"the slo is met, even with what the client added: {figures}"
    else:
        yield f"whether the slo is met is not known, since the client was the bottleneck: {figures}"


def _client(load: LoadRecord) -> Iterator[str]:
    """Which figures are the client's; said once where a sweep ended by it."""
    limits = load.client_limits
    if not limits:
        return
    if is_the_clients(load.stages[load.best or 0]):
        if not load.ended:
            yield f"its figures say how fast the client was: {limits[0]}"
    else:
        yield from (f"not the endpoint's but the client's: {limit}" for limit in limits)
