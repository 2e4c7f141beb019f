"""From a window to its metrics, each as `definitions.py` says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_modelbench.load.concurrency import concurrency
from pytest_modelbench.load.slo import meets, without
from pytest_modelbench.load.spec import Slo
from pytest_modelbench.load.window import Window
from pytest_modelbench.measure.percentiles import SAMPLES_NEEDED, percentile_metric
from pytest_modelbench.results.metric import CLIENT_LIMITED, Metric, measured, skipped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COUNTS = (
    "request_count",
    "failed_request_count",
    "error_share",
    "retry_count",
    "retry_wait_seconds",
    "sent_rate",
)
"""Metrics that hold whatever the client was."""
_NOT_STREAMED = "the answers came whole, not in chunks: nobody knows when the first token came"
_NO_ANSWER = "no request was answered"


def window_metrics(window: Window, slo: Slo | None = None) -> dict[str, Metric]:
    """All metrics of a window; those are flagged that say how fast the client was."""
    found = {**_latencies(window), **_rates(window, slo), **_counts(window), **_load(window)}
    spoilt = _spoilt(window, slo, list(found))
    return {
        name: _flagged(metric) if name in spoilt and metric.is_ok else metric
        for name, metric in found.items()
    }


def _spoilt(window: Window, slo: Slo | None, names: Sequence[str]) -> set[str]:
    """The metrics that say how fast the client was."""
    if window.client_limits:
        return set(names) - set(COUNTS)
    found = {name for name in names if name.endswith(tuple(window.gap_faults))}
    if slo is not None and slo != without(slo, found):
        found.add("goodput_requests_per_second")
    return found


def _flagged(metric: Metric) -> Metric:
    return metric.model_copy(update={"metadata": {**metric.metadata, "flag": CLIENT_LIMITED}})


def _latencies(window: Window) -> dict[str, Metric]:
    times = window.times
    none = _NO_ANSWER if not window.answers else ""
    unstreamed = none or _NOT_STREAMED
    of_few = f"no answer came in two chunks or more{'' if times.streamed else f': {unstreamed}'}"
    found = {
        **spread("latency", times.latency_ms, none),
        **spread("ttft", times.ttft_ms, unstreamed),
        **spread("tpot", times.tpot_ms, of_few),
        **spread("itl", times.itl_ms, of_few),
        **spread("service_latency", times.service_latency_ms, none),
        **spread("send_lag", times.send_lag_ms, none),
    }
    return {"latency_ms": found["p50_latency_ms"], **found}


def spread(name: str, values_ms: NDArray[np.float64], reason: str) -> dict[str, Metric]:
    """Mean, percentiles and maximum of a latency; `reason` says why there is none."""
    import numpy as np

    names = ("mean", *(f"p{percent}" for percent in SAMPLES_NEEDED), "max")
    count = len(values_ms)
    if not count:
        return {f"{one}_{name}_ms": skipped(reason, "ms") for one in names}
    ordered = np.sort(values_ms)
    deviation = float(ordered.std(ddof=1)) if count > 1 else None
    return {
        f"mean_{name}_ms": measured(
            float(ordered.mean()), "ms", samples=count, standard_deviation=deviation
        ),
        **{
            f"p{percent}_{name}_ms": percentile_metric(ordered, percent)  # type: ignore[arg-type]
            for percent in SAMPLES_NEEDED
        },
        f"max_{name}_ms": measured(float(ordered[-1]), "ms", samples=count),
    }


def _rates(window: Window, slo: Slo | None) -> dict[str, Metric]:
    output, counted_by = _output_tokens(window)
    notes: dict[str, Any] = {"counted_by": counted_by} if counted_by else {}
    given = None if window.uncounted_input else window.input_tokens
    total = None if output is None or given is None else output + given
    no_slo = "the suite has no slo to be met"
    good = None if slo is None else meets(window, slo)
    return {
        "request_throughput": _per_second(window, window.answers, "requests/s"),
        "goodput_requests_per_second": _per_second(window, good, "requests/s", no_slo),
        "input_tokens_per_second": _per_second(window, given, "tokens/s"),
        "output_tokens_per_second": _per_second(window, output, "tokens/s", **notes),
        "total_tokens_per_second": _per_second(window, total, "tokens/s", **notes),
    }


def _per_second(
    window: Window,
    amount: int | None,
    unit: str,
    unknown: str = "the server does not say how many tokens there were, nor can they be counted",
    **notes: Any,
) -> Metric:
    if amount is None:
        return skipped(unknown if window.answers else _NO_ANSWER, unit)
    if window.seconds <= 0:
        return skipped("no request was sent", unit)
    return measured(amount / window.seconds, unit, seconds=window.seconds, **notes)


def _output_tokens(window: Window) -> tuple[int | None, str]:
    """How many, and who counted them; None where nobody could."""
    if not window.answers or None in window.counted_by:
        return None, ""
    last = sum(count for count in window.answered.output_tokens if count > 0)
    return last + window.earlier_output_tokens, ", ".join(
        sorted(str(name) for name in window.counted_by)
    )


def _counts(window: Window) -> dict[str, Metric]:
    share = (
        measured(window.failed / window.requests, samples=window.requests)
        if window.requests
        else skipped("no request was sent")
    )
    return {
        "request_count": measured(window.requests),
        "failed_request_count": measured(window.failed),
        "error_share": share,
        "retry_count": measured(window.retries),
        "retry_wait_seconds": measured(window.retry_ns / 1e9, "s"),
    }


def _load(window: Window) -> dict[str, Metric]:
    rate = sent_rate(window.sent_ns)
    sent = (
        skipped("fewer than two requests were sent", "requests/s")
        if rate is None
        else measured(rate, "requests/s", samples=len(window.sent_ns))
    )
    if not window.sent_ns:
        none = skipped("no request was sent")
        return {"mean_concurrency": none, "peak_concurrency": none, "sent_rate": sent}
    mean, peak = concurrency(
        window.spans["begins"], window.spans["ends"], (window.begin_ns, window.end_ns)
    )
    return {
        "mean_concurrency": measured(mean),
        "peak_concurrency": measured(peak),
        "sent_rate": sent,
    }


def sent_rate(sent_ns: Sequence[int]) -> float | None:
    """Requests a second that were sent, in truth; None of fewer than two."""
    if len(sent_ns) < 2:
        return None
    span = max(sent_ns) - min(sent_ns)
    return (len(sent_ns) - 1) / (span / 1e9) if span else None
