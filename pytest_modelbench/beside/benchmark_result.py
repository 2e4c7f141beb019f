"""The result of an ordinary test that measured with pytest-benchmark's fixture."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from numbers import Real
from typing import Any

import pytest
from pytest_benchmark import __version__

from pytest_modelbench.bench.outcome_of_test import outcome_of_test, trace_of_test
from pytest_modelbench.bench.record import identity_of_test
from pytest_modelbench.catalogue import STANDARD_METRICS, unit_of
from pytest_modelbench.errors import encodable
from pytest_modelbench.execution.latency import latency_metrics
from pytest_modelbench.measure.percentiles import SAMPLES_NEEDED
from pytest_modelbench.redaction import masked
from pytest_modelbench.results.fields import jsonable
from pytest_modelbench.results.metric import Metric, failed, measured, skipped
from pytest_modelbench.results.packed import pack
from pytest_modelbench.results.run import OWN_METRICS, CaseResult
from pytest_modelbench.results.timing_record import TimingRecord

RUNNER = "pytest-benchmark"
NO_TIMES = "the timer of pytest-benchmark gave what is no time: a negative or infinite number"


def case_result(item: pytest.Function, report: pytest.TestReport, fixture: Any) -> CaseResult:
    """What `fixture` measured, with the outcome of the test; it is None if it was not set up."""
    stats = getattr(fixture, "stats", None)
    extra_info = getattr(fixture, "extra_info", {})
    iterations = int(stats.iterations) if stats else 1
    durations_ns = [one * 1e9 for one in stats.stats.data] if stats else []
    _, detail = outcome_of_test(report)
    if not all(math.isfinite(one) and one >= 0 for one in durations_ns):
        durations_ns, detail = [], detail or NO_TIMES
    options = {name: _plain(one) for name, one in (stats.options if stats else {}).items()}
    return CaseResult(
        **_identity(item),
        dataset={},
        status="skipped" if report.skipped else "error" if detail else "ok",
        detail=detail,
        trace=trace_of_test(report),
        started_at=datetime.fromtimestamp(report.start, UTC).isoformat(timespec="milliseconds"),
        duration_seconds=max(0.0, report.duration),
        worker="main",  # under xdist it measures nothing
        engine="inline",
        fingerprint=None,
        timed=_what_is_timed(options, iterations),
        properties={
            "pytest_benchmark": {
                "group": _plain(getattr(fixture, "group", None)),
                "iterations": iterations,
                **options,
            },
            "extra_info": masked(jsonable(extra_info)),
        },
        limits=None,
        conditions=None,
        timing=_timing(durations_ns, options, raised=getattr(fixture, "has_error", False)),
        samples=None,
        failed_samples=None,
        digests=None,
        taken_over=[],
        load=None,
        metrics=_metrics(durations_ns, iterations, detail, extra_info, report),
        bounds=[],
        score=None,
        rank=None,
    )


def _identity(item: pytest.Function) -> dict[str, Any]:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    plain = {str(name): _plain(value) for name, value in params.items()}
    return {**identity_of_test(item, "CPU", RUNNER), "params": masked(plain)}


def _plain(value: Any) -> Any:
    """A plain value as it is; a function's name; a short description of anything else."""
    if value is None or isinstance(value, bool | int | float | str):
        return jsonable(value)
    name = getattr(value, "__name__", None)
    return name if isinstance(name, str) else encodable(reprlib.repr(value))


def _what_is_timed(options: Mapping[str, Any], iterations: int) -> str:
    by = f"by {options['timer']}" if "timer" in options else "by its timer"
    if iterations == 1:
        return f"pytest-benchmark {__version__}: a call of the function, {by}"
    return (
        f"pytest-benchmark {__version__}: a round of {iterations} calls of the function, {by}, "
        f"divided by {iterations}; every duration is such a mean, single calls were not timed"
    )


def _timing(
    durations_ns: Sequence[float], options: Mapping[str, Any], *, raised: bool
) -> TimingRecord | None:
    if not durations_ns:
        return None
    warmup = options.get("warmup") or "off"
    return TimingRecord(
        warmup=pack(()),
        warmup_ended_by="count",
        warmup_rule=f"pytest-benchmark's own (warmup {warmup}); it keeps no such calls",
        durations=pack(map(round, durations_ns)),
        first_round=1,
        repeated=1 if len(durations_ns) > 1 else 0,
        stopped_by="error" if raised else "enough",
        in_flight=1,
    )


def _metrics(
    durations_ns: Sequence[Any],
    iterations: int,
    detail: str,
    extra_info: Mapping[Any, Any],
    report: pytest.TestReport,
) -> dict[str, Metric]:
    metrics = {
        name: skipped(f"not measured by {RUNNER}", unit_of(name)) for name in STANDARD_METRICS
    }
    if durations_ns:
        seconds = sum(durations_ns) * iterations / 1e9
        metrics |= latency_metrics(durations_ns)
        metrics["inference_seconds"] = measured(seconds, "s", samples=len(durations_ns))
    else:
        make = skipped if report.skipped else failed
        names = ("inference_seconds", *latency_metrics([0]))
        metrics |= {name: make(detail, unit_of(name)) for name in names}
    if iterations > 1:
        metrics |= _of_means(metrics, iterations)
    return metrics | _numbers(extra_info)


def _of_means(metrics: Mapping[str, Metric], iterations: int) -> dict[str, Metric]:
    """What says less of rounds of several calls than of calls: all but the mean and the sum."""
    needed = {f"p{percent}_latency_ms": count for percent, count in SAMPLES_NEEDED.items()}
    needed |= {"latency_ms": SAMPLES_NEEDED[50], "max_latency_ms": 1}
    definition = f"of rounds, each the mean of {iterations} calls; not of single calls"
    changed = {}
    for name, count in needed.items():
        # Too few rounds is the graver of two flags: where it stands already, it stays.
        before = {"flag": "means_of_calls", "samples_needed": count} | metrics[name].metadata
        if metrics[name].is_ok:
            after = before | {"iterations": iterations, "definition": definition}
            changed[name] = metrics[name].model_copy(update={"metadata": after})
    mean = metrics["mean_latency_ms"]
    notes = {"iterations": iterations, "standard_deviation_of": f"rounds of {iterations} calls"}
    changed["mean_latency_ms"] = mean.model_copy(update={"metadata": mean.metadata | notes})
    return changed


def _numbers(extra_info: Mapping[Any, Any]) -> dict[str, Metric]:
    """The numbers of `extra_info` as metrics; a name that is measured stands for that alone."""
    found: dict[str, Metric] = {}
    for name, value in extra_info.items():
        if not isinstance(name, str) or not name or name in OWN_METRICS:
            continue
        if isinstance(value, Real) and not isinstance(value, bool):
            with suppress(OverflowError):  # an integer beyond all floats remains in `extra_info`
                found[name] = measured(float(value), unit_of(name))
    return found
