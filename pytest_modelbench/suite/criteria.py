"""Whether criteria speak of metrics and runners that there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_modelbench.catalogue import STANDARD_METRICS, TIMING_METRICS, metric_name
from pytest_modelbench.documents.problems import Location
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.registered import did_you_mean
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Runner
from pytest_modelbench.runners.declared import metrics_of_runner
from pytest_modelbench.runners.suited import runner_for
from pytest_modelbench.suite.document import Benchmark, Criterion
from pytest_modelbench.suite.expression import names_in, parse_expression


def criteria_faults(
    criteria: Mapping[int, Criterion], benchmarks: Iterable[Benchmark]
) -> Iterator[tuple[Location, str]]:
    """What no case of the suite could ever have, as (location, sentence)."""
    benchmarks = list(benchmarks)
    for index, criterion in criteria.items():
        at: Location = ("criteria", index)
        known_runners = RUNNERS.names()
        unknown = [name for name in criterion.scope if name not in known_runners]
        for name in unknown:
            field = "runner" if criterion.runner else "runners"
            hint = did_you_mean(name, known_runners) or f"; known: {', '.join(known_runners)}"
            yield (*at, field), f"{name!r} is not a runner{hint}"
        if unknown:
            continue
        in_scope = [one for one in benchmarks if criterion.applies_to(one.runner)]
        yield from _unknown_names(at, criterion, _metrics_of(in_scope or benchmarks))


def _unknown_names(
    at: Location, criterion: Criterion, known: set[str]
) -> Iterator[tuple[Location, str]]:
    field = "metric" if criterion.metric else "expression"
    names = {criterion.metric} if criterion.metric else _names(criterion)
    for name in sorted(filter(None, names)):
        if name not in known:
            hint = did_you_mean(name, sorted(known)) or f"; known: {', '.join(sorted(known))}"
            yield (*at, field), f"{name!r} is not a metric of the benchmarks in its scope{hint}"


def _names(criterion: Criterion) -> set[str]:
    return names_in(parse_expression(criterion.expression or "0"))


def _metrics_of(benchmarks: Iterable[Benchmark]) -> set[str]:
    """Every metric name these could yield."""
    names = {*TIMING_METRICS, *STANDARD_METRICS}
    for benchmark in benchmarks:
        runner = _runner(benchmark.runner, benchmark.params)
        # A runner that is not known, which is a fault of its own, may be any of those that are.
        for one in [runner] if runner else filter(None, map(_runner, RUNNERS.names())):
            names |= metrics_of_runner(one, quality=benchmark.quality is None)
        names |= {metric_name(name) for name in benchmark.quality or ()}
    return names


def _runner(name: str, params: Mapping[str, Any] = {}) -> Runner | None:
    try:
        return runner_for(name, params)
    except ModelbenchError:
        return None
