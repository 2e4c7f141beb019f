"""From the requests of a case to its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from pytest_modelbench.catalogue import (
    AUDIO_METRICS,
    STANDARD_METRICS,
    STREAM_METRICS,
    TIMING_METRICS,
    unit_of,
)
from pytest_modelbench.endpoints.contract import EndpointSession
from pytest_modelbench.execution.endpoint_outcome import Outcome
from pytest_modelbench.execution.measurement import Measurement
from pytest_modelbench.execution.residents import Resident
from pytest_modelbench.execution.summary import counts, file_size, own_metrics
from pytest_modelbench.results.metric import CLIENT_LIMITED, Metric, measured, skipped

if TYPE_CHECKING:
    from pytest_modelbench.load.window import Window
    from pytest_modelbench.serving.server import Server

NOT_HERE = "the endpoint is not a process of this session: what it uses is not known"
NOTHING_ASKED = "every sample was answered in an earlier session, and none was asked again"


def endpoint_metrics(
    seen: Measurement,
    resident: Resident,
    outcome: Outcome | None,
    scores: Mapping[str, Metric],
) -> dict[str, Metric]:
    """Every metric of a case whose model answers over HTTP."""
    metrics = {
        **counts(seen),
        **_loading(resident, outcome),
        **({} if outcome is None else {**_requests(outcome), **_audio(outcome)}),
        **_memory(resident),
        **file_size(seen),
        **own_metrics(seen),
        **scores,
    }
    reason = NOTHING_ASKED if outcome is None else NOT_HERE
    for name in (*TIMING_METRICS, *STANDARD_METRICS):
        metrics.setdefault(name, skipped(reason, unit_of(name)))
    return metrics


def _requests(outcome: Outcome) -> dict[str, Metric]:
    """What the load gives, and under the names that every case has."""
    found, window = outcome.metrics, outcome.window
    notes = _flag(window)
    return {
        **found,
        "inference_seconds": measured(window.seconds, "s", samples=window.requests, **notes),
        "throughput_items_per_second": renamed(found["request_throughput"], "items/s"),
        "tokens_per_sec": renamed(found["output_tokens_per_second"], "tokens/s"),
    }


def _flag(window: Window) -> dict[str, str]:
    """The flag of figures that say how fast the client was; empty where none does."""
    return {"flag": CLIENT_LIMITED} if window.client_limits else {}


def renamed(metric: Metric, unit: str) -> Metric:
    """The same figure where another name has another unit."""
    return metric.model_copy(update={"unit": unit})


def _loading(resident: Resident, outcome: Outcome | None) -> dict[str, Metric]:
    if _server(resident) is None:
        load = skipped("the endpoint was up already", "s")
    else:
        notes = {"reused": True} if resident.cases_served > 1 else {}
        load = measured(resident.load_seconds, "s", **notes)
    first_ns = outcome.first_latency_ns if outcome else None
    if first_ns is None:
        first = skipped("the first request was not answered", "ms")
    else:
        first = measured(first_ns / 1e6, "ms")
    return {
        "model_load_seconds": load,
        "compile_seconds": skipped("an endpoint does not tell", "s"),
        "first_latency_ms": first,
    }


def _audio(outcome: Outcome) -> dict[str, Metric]:
    """Of all streams together, and of one: what is asked at once makes the first one faster."""
    window, sound = outcome.window, outcome.sound_seconds
    if not sound:
        return {}
    if unknown := outcome.without_length:  # their time is in all the rest
        why = (
            f"{unknown} of {window.answers} answered samples do not say how long their sound is "
            "(column 'duration')"
        )
        return {name: skipped(why, unit_of(name)) for name in (*AUDIO_METRICS, *STREAM_METRICS)}
    wall, service = window.seconds, outcome.service_seconds
    notes: dict[str, Any] = {"samples": window.answers, **_flag(window)}
    return {
        "audio_seconds": measured(sound, "s", samples=window.answers),
        "real_time_factor": measured(wall / sound, **notes),
        "x_realtime": measured(sound / wall, "x", **notes),
        "stream_x_realtime": measured(sound / service, "x", **notes),
    }


def _memory(resident: Resident) -> dict[str, Metric]:
    server = _server(resident)
    if server is None:
        return {}
    return dict(server.memory.metrics(is_reused=resident.cases_served > 1))


def _server(resident: Resident) -> Server | None:
    return cast(EndpointSession, resident.session).server
