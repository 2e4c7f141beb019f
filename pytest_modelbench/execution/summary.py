"""From what was seen of a case to its metrics."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_modelbench.catalogue import (
    AUDIO_METRICS,
    STANDARD_METRICS,
    TIMING_METRICS,
    metric_name,
    unit_of,
)
from pytest_modelbench.datasets.samples import Audio
from pytest_modelbench.errors import ModelbenchError, Unavailable, one_line
from pytest_modelbench.measure.percentiles import SAMPLES_NEEDED, percentile_metric
from pytest_modelbench.quality.find import find_quality_metric, score
from pytest_modelbench.results.metric import Metric, failed, measured, skipped

if TYPE_CHECKING:
    from pytest_modelbench.execution.measurement import Measurement
    from pytest_modelbench.execution.residents import Resident


def summarize(seen: Measurement, resident: Resident) -> dict[str, Metric]:
    """Every metric of a case at least one of whose samples was answered."""
    metrics = {
        **_counts(seen),
        **_loading(resident),
        **_latency(seen.calls.durations_ns),
        **_rates(seen),
        **seen.memory,
        **_file_size(seen),
        **_audio(seen),
        **_own(seen, resident),
        **_quality(seen),
    }
    for name in STANDARD_METRICS:
        reason = f"not measured by runner {seen.case.runner!r}"
        metrics.setdefault(name, skipped(reason, unit_of(name)))
    return metrics


def _counts(seen: Measurement) -> dict[str, Metric]:
    answered = sum(prediction is not None for prediction in seen.predictions)
    return {
        "sample_count": measured(len(seen.predictions)),
        "success_count": measured(answered),
        "failure_count": measured(len(seen.predictions) - answered),
    }


def _loading(resident: Resident) -> dict[str, Metric]:
    notes = {"reused": True} if resident.cases_served > 1 else {}
    if resident.first_call_ns is None:
        first = failed("the first call failed", "ms")
    else:
        first = measured(resident.first_call_ns / 1e6, "ms", **notes)
    return {
        "model_load_seconds": measured(resident.load_seconds, "s", **notes),
        "first_latency_ms": first,
    }


def _latency(durations_ns: Sequence[int]) -> dict[str, Metric]:
    ordered = sorted(duration / 1e6 for duration in durations_ns)
    count = len(ordered)
    spread = statistics.stdev(ordered) if count > 1 else None
    percentiles = {
        f"p{percent}_latency_ms": percentile_metric(ordered, percent) for percent in SAMPLES_NEEDED
    }
    return {
        "latency_ms": percentiles["p50_latency_ms"],
        "mean_latency_ms": measured(
            statistics.fmean(ordered), "ms", samples=count, standard_deviation=spread
        ),
        **percentiles,
        "max_latency_ms": measured(ordered[-1], "ms", samples=count),
        "inference_seconds": measured(sum(durations_ns) / 1e9, "s", samples=count),
    }


def _rates(seen: Measurement) -> dict[str, Metric]:
    calls = seen.calls
    seconds = sum(calls.durations_ns) / 1e9
    items = sum(len(seen.batches[index]) for index in calls.called)
    rates = {
        "throughput_items_per_second": measured(
            items / seconds, "items/s", samples=len(calls.called)
        )
    }
    # Answers are kept of the first round only, so tokens are counted over that round alone.
    tokens = [one.tokens for one in seen.predictions if one is not None and one.tokens is not None]
    if tokens:
        seconds_of_round = sum(calls.durations_ns[: calls.first_round]) / 1e9
        rates["tokens_per_sec"] = measured(
            sum(tokens) / seconds_of_round, "tokens/s", samples=len(tokens), tokens=sum(tokens)
        )
    return rates


def _file_size(seen: Measurement) -> dict[str, Metric]:
    size = seen.case.candidate.file_size_mb
    if size is None:
        return {"file_size_mb": skipped("the model's files are not in a local directory", "MB")}
    return {"file_size_mb": measured(size, "MB")}


def _audio(seen: Measurement) -> dict[str, Metric]:
    if not any(isinstance(sample.input, Audio) for sample in seen.sample_set.samples):
        return {}
    lengths = [
        sum(sample.input.duration_seconds for sample in batch if isinstance(sample.input, Audio))
        for batch in seen.batches
    ]
    audio_seconds = sum(lengths[index] for index in seen.calls.called)
    seconds = sum(seen.calls.durations_ns) / 1e9
    count = len(seen.calls.called)
    return {
        "audio_seconds": measured(audio_seconds, "s", samples=count),
        "real_time_factor": measured(seconds / audio_seconds, samples=count),
        "x_realtime": measured(audio_seconds / seconds, "x", samples=count),
    }


def _own(seen: Measurement, resident: Resident) -> dict[str, Metric]:
    """What the runner itself says, and an error for each metric it promised and did not give."""
    try:
        given = resident.session.summarize(seen.sample_set.samples, seen.predictions)
        own = {str(name): _as_metric(str(name), value) for name, value in dict(given).items()}
    except Exception as error:
        return {name: failed(one_line(error), unit_of(name)) for name in seen.runner.metrics}
    for name in {*TIMING_METRICS, *AUDIO_METRICS} & set(own):
        own.pop(name)
        cause = f"the runner gives {name!r}, which is measured for every case: choose another name"
        own |= {one: failed(cause, unit_of(one)) for one in seen.runner.metrics if one != name}
    promised = f"promised by runner {seen.case.runner!r}, which did not give it"
    return {name: failed(promised, unit_of(name)) for name in seen.runner.metrics} | own


def _as_metric(name: str, value: Metric | float) -> Metric:
    if isinstance(value, Metric):
        return value
    try:
        return measured(float(value), unit_of(name))
    except (TypeError, ValueError):
        kind = type(value).__name__
        cause = f"the runner's summarize gave a {kind}: it must give a Metric or a number"
        return failed(cause, unit_of(name))


def _quality(seen: Measurement) -> dict[str, Metric]:
    names = seen.case.quality if seen.case.quality is not None else seen.runner.quality
    if not seen.sample_set.has_references:
        reason = "the dataset has no references to score against (reference_column)"
        return {metric_name(name): skipped(reason) for name in names}
    values = [None if one is None else one.value for one in seen.predictions]
    references = [sample.reference for sample in seen.sample_set.samples]
    options = seen.runner.quality_options(seen.case.params)
    scores: dict[str, Metric] = {}
    for name in names:
        try:
            _, metric = find_quality_metric(name, seen.case.base_dir)
            scores[metric_name(name)] = score(metric, values, references, options)
        except Unavailable as reason_to_skip:
            scores[metric_name(name)] = skipped(str(reason_to_skip))
        except ModelbenchError as error:
            scores[metric_name(name)] = failed(str(error))
    return scores
