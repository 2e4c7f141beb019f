"""From what was seen of a case to its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_modelbench.catalogue import (
    AUDIO_METRICS,
    LOAD_METRICS,
    STANDARD_METRICS,
    TIMING_METRICS,
    unit_of,
)
from pytest_modelbench.errors import one_line
from pytest_modelbench.execution.latency import latency_metrics, rate_metrics
from pytest_modelbench.results.metric import Metric, failed, measured, skipped
from pytest_modelbench.runners.contract import part_of

if TYPE_CHECKING:
    from pytest_modelbench.execution.measurement import Measurement
    from pytest_modelbench.execution.residents import Resident


SHORTEST_IN_FLIGHT_NS = 1_000_000
"""An answer more often than each millisecond is more than Python begins calls without a gap."""
OF_SUMMARIZE = "summarize"
"""The metric in error of a runner that promises none: what goes wrong is never without a word."""


def summarize(
    seen: Measurement, resident: Resident, scores: Mapping[str, Metric]
) -> dict[str, Metric]:
    """Every metric of a case at least one of whose samples was answered; `scores` say how right."""
    metrics = {
        **counts(seen),
        **_loading(seen, resident),
        **latency_metrics(seen.calls.durations_ns),
        **_rates(seen),
        **seen.memory,
        **file_size(seen),
        **_audio(seen),
        **own_metrics(seen),
        **scores,
    }
    for name in STANDARD_METRICS:
        reason = f"not measured by runner {seen.case.runner!r}"
        metrics.setdefault(name, skipped(reason, unit_of(name)))
    return metrics


def counts(seen: Measurement) -> dict[str, Metric]:
    return {
        "sample_count": measured(seen.sample_count),
        "success_count": measured(seen.answered),
        "failure_count": measured(seen.sample_count - seen.answered),
    }


def _loading(seen: Measurement, resident: Resident) -> dict[str, Metric]:
    notes = {"reused": True} if resident.cases_served > 1 else {}
    # Other workers load at the same time: what is disturbed by that says so.
    beside = {"disturbances": resident.load_disturbances} if resident.load_disturbances else {}
    if resident.first_call_ns is None:
        # An error would fail a case whose failed samples are tolerated.
        make = failed if seen.fatal_error else skipped
        first = make("the first call failed", "ms")
    else:
        first = measured(resident.first_call_ns / 1e6, "ms", **notes)
    compiling = part_of(resident.session, "compile_seconds")
    if compiling is None:
        compiled = skipped("the runner does not tell compiling from the rest of loading", "s")
    else:
        compiled = measured(compiling, "s", **notes, **beside)
    return {
        "model_load_seconds": measured(resident.load_seconds, "s", **notes, **beside),
        "compile_seconds": compiled,
        "first_latency_ms": first,
    }


def _rates(seen: Measurement) -> dict[str, Metric]:
    seconds = seen.calls.busy_ns / 1e9
    notes: dict[str, object] = {"samples": len(seen.calls.durations_ns)}
    if seen.calls.in_flight > 1:
        notes["in_flight"] = seen.calls.in_flight
        if seen.calls.busy_ns < SHORTEST_IN_FLIGHT_NS * len(seen.calls.durations_ns):
            notes["note"] = "calls end so fast that the device waits for Python in between"
    rates = rate_metrics(seen.items, seconds, **notes)
    if seen.tokens is not None:
        rates["tokens_per_sec"] = measured(
            seen.tokens / seconds, "tokens/s", tokens=seen.tokens, **notes
        )
    return rates


def file_size(seen: Measurement) -> dict[str, Metric]:
    size = seen.case.candidate.file_size_mb
    if size is None:
        return {"file_size_mb": skipped("the model's files are not in a local directory", "MB")}
    return {"file_size_mb": measured(size, "MB")}


def _audio(seen: Measurement) -> dict[str, Metric]:
    if seen.audio_seconds is None:
        return {}
    seconds, count = seen.calls.busy_ns / 1e9, len(seen.calls.durations_ns)
    return {
        "audio_seconds": measured(seen.audio_seconds, "s", samples=count),
        "real_time_factor": measured(seconds / seen.audio_seconds, samples=count),
        "x_realtime": measured(seen.audio_seconds / seconds, "x", samples=count),
    }


def own_metrics(seen: Measurement) -> dict[str, Metric]:
    """What the runner itself says, and an error for each metric it promised and did not give."""
    try:
        given = seen.session.summarize(seen.samples, seen.predictions)
        own = {str(name): _as_metric(str(name), value) for name, value in dict(given).items()}
    except Exception as error:
        names = seen.runner.metrics or (OF_SUMMARIZE,)
        return {name: failed(one_line(error), unit_of(name)) for name in names}
    taken = sorted({*TIMING_METRICS, *AUDIO_METRICS} & set(own))
    promised_names = [name for name in seen.runner.metrics if name not in taken]
    for name in taken:
        own.pop(name)
        cause = f"the runner gives {name!r}, which is measured for every case: choose another name"
        own |= {one: failed(cause, unit_of(one)) for one in promised_names or [OF_SUMMARIZE]}
    own |= {
        name: failed(cause, unit_of(name))
        for name in {*LOAD_METRICS} & set(own)
        if (cause := _why_not_catalogued(name, own[name]))
    }
    promised = f"promised by runner {seen.case.runner!r}, which did not give it"
    return {name: failed(promised, unit_of(name)) for name in promised_names} | own


def _why_not_catalogued(name: str, metric: Metric) -> str:
    """What a run would refuse about it; empty where it is as the catalogue has it."""
    if metric.unit != unit_of(name):
        return f"the runner gives {name!r} in {metric.unit!r}: it is a metric in {unit_of(name)!r}"
    is_below = metric.value is not None and metric.value < 0
    return f"the runner gives {name!r} as {metric.value:g}, below 0" if is_below else ""


def _as_metric(name: str, value: Metric | float) -> Metric:
    if isinstance(value, Metric):
        return value
    try:
        return measured(float(value), unit_of(name))
    except (TypeError, ValueError):
        kind = type(value).__name__
        cause = f"the runner's summarize gave a {kind}: it must give a Metric or a number"
        return failed(cause, unit_of(name))
