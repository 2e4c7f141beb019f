"""pytest-benchmark in the same session: our cases in its table, its benchmarks in our run.

Whatever is asked of pytest-benchmark here is the same in its versions 4 and 5.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modelbench.errors import one_line

if TYPE_CHECKING:
    from pytest_modelbench.collection import CaseItem
    from pytest_modelbench.results.run import CaseResult
    from pytest_modelbench.results.timing_record import TimingRecord

_ENTRY = pytest.StashKey[Any]()


def counts_cases(config: pytest.Config) -> bool:
    """Whether it is to see our cases as benchmarks: it measures, or it skips benchmarks."""
    session = getattr(config, "_benchmarksession", None)
    return session is not None and bool(session.skip or measures(config))


def measures(config: pytest.Config) -> bool:
    """Whether it is there, and neither its options nor xdist have switched it off."""
    session = getattr(config, "_benchmarksession", None)
    # Before 5.1 xdist switches it off in the controller alone: workers go on, for nobody to see.
    return session is not None and not session.disabled and not hasattr(config, "workerinput")


def claim(benchmark: Any) -> None:
    """Take its fixture for a case, so that it does not warn of one that ends without timings."""
    benchmark._mode = "modelbench"


def show_in_benchmark(item: CaseItem, result: CaseResult) -> None:
    """Make the timed calls of a case the rounds of its item's `benchmark` fixture.

    Nothing is shown where the item has no such fixture, or the result no timings of calls one
    after the other. Called before the fixture is torn down; of several results of one item, as
    with reruns, the last is shown.
    """
    fixture = item.funcargs.get("benchmark")
    if fixture is None or not measures(item.config):
        return
    try:
        if before := item.stash.get(_ENTRY, None):
            vars(item.config)["_benchmarksession"].benchmarks.remove(before)
        item.stash[_ENTRY] = None
        timing = result.timing
        if result.status == "ok" and timing is not None and _are_rounds(timing):
            item.stash[_ENTRY] = _entry(fixture, item, result, timing)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # It offers no way to give it samples, so this rests on its insides, which may change.
        from pytest_benchmark import __version__

        from pytest_modelbench.outcome import ModelbenchWarning

        cause = f"pytest-benchmark {__version__} cannot show {result.id}: {one_line(error)}"
        item.warn(ModelbenchWarning(cause))


def _are_rounds(timing: TimingRecord) -> bool:
    """Whether it is calls one after the other: else 1 / mean, which it shows as OPS, is no rate."""
    return timing.in_flight == 1 and bool(timing.durations_ns())


def _entry(fixture: Any, item: CaseItem, result: CaseResult, timing: TimingRecord) -> Any:
    """Its record of a benchmark, added to its session: our samples in seconds, one call a round."""
    case = item.case
    fixture.params = {
        **{name: result.params[name] for name in case.varied},
        "model": result.model,
        "device": result.device,
    }
    values = {name: one.value for name, one in result.metrics.items() if one.is_ok}
    fixture.extra_info.update(values, case=result.id)
    entry = fixture._make_stats(iterations=1)
    entry.options = {
        "disable_gc": True,
        "timer": time.perf_counter_ns,
        "min_rounds": case.measure.min_samples,
        "max_time": case.measure.max_seconds,
        "min_time": 0.0,
        "warmup": len(timing.warmup_ns()),
    }
    for duration in timing.durations_ns():
        entry.update(duration / 1e9)
    return entry


def result_of_benchmark(item: pytest.Item, report: pytest.TestReport) -> CaseResult | None:
    """What the `benchmark` fixture of an ordinary test measured, as its call report is made.

    Of a test that was skipped or failed in its setup, called with that report, it says so. None
    for a test without the fixture, one that passed and did not use it or caught what the
    benchmarked function raised, and wherever pytest-benchmark is switched off.
    """
    if not isinstance(item, pytest.Function) or "benchmark" not in item.fixturenames:
        return None
    if not measures(item.config):
        return None
    fixture: Any = item.funcargs.get("benchmark")
    if report.passed and (fixture is None or not fixture.stats or fixture.has_error):
        return None
    from pytest_modelbench.beside.benchmark_result import case_result

    return case_result(item, report, fixture)
