"""What the metrics of a load mean: name, unit, which way is better, definition."""

from __future__ import annotations

from typing import Literal

PERCENTS = (50, 90, 95, 99)
"""Those of `measure.percentiles`, which takes long to import: catalogues are read quickly."""
Definition = tuple[str, str, Literal["lower", "higher", "neither"], str]

_LATENCIES = {
    "latency": "from its intended send time to the end of its answer",
    "ttft": "from its intended send time to its first chunk that bears tokens",
    "service_latency": "from when it was truly sent to the end of its answer, without attempts "
    "that were not answered and the waits between attempts",
    "send_lag": "from its intended send time to when it was truly sent, for the first time",
}
_OF_REQUESTS = "over the measured requests that were answered"
_TPOT = (
    "of (last - first chunk that bears tokens) / (output tokens - 1) of each measured request that "
    "was answered, in two chunks or more"
)
_ITL = (
    "of the times between a chunk that bears tokens and the next one, of all measured requests "
    "that were answered together"
)
_STATISTICS = {
    "mean": "Arithmetic mean",
    **{
        f"p{percent}": "Median" if percent == 50 else f"{percent}th percentile"
        for percent in PERCENTS
    },
    "max": "Largest",
}
_WINDOW = "the window, from the first measured request's intended time to the last one's end"


def _latency_definitions() -> list[Definition]:
    found: list[Definition] = []
    for statistic, word in _STATISTICS.items():
        for name, meaning in _LATENCIES.items():
            text = f"{word}, {_OF_REQUESTS}, of the time {meaning}."
            found.append((f"{statistic}_{name}_ms", "ms", "lower", text))
        for name, meaning in (("tpot", _TPOT), ("itl", _ITL)):
            found.append((f"{statistic}_{name}_ms", "ms", "lower", f"{word} {meaning}."))
    return found


DEFINITIONS: tuple[Definition, ...] = (
    *_latency_definitions(),
    (
        "request_throughput",
        "requests/s",
        "higher",
        f"Measured requests that were answered, divided by {_WINDOW}.",
    ),
    (
        "goodput_requests_per_second",
        "requests/s",
        "higher",
        "Measured requests that were answered within the latencies of the slo, each for itself, "
        f"divided by {_WINDOW}.",
    ),
    (
        "input_tokens_per_second",
        "tokens/s",
        "higher",
        f"Tokens of the prompts of answered requests, divided by {_WINDOW}.",
    ),
    (
        "output_tokens_per_second",
        "tokens/s",
        "higher",
        f"Tokens of the answers, divided by {_WINDOW}; the metric says who counted them.",
    ),
    (
        "total_tokens_per_second",
        "tokens/s",
        "higher",
        "input_tokens_per_second and output_tokens_per_second together.",
    ),
    ("request_count", "", "neither", "Measured requests, failed ones included."),
    ("failed_request_count", "", "lower", "Measured requests that were never answered."),
    ("error_share", "", "lower", "failed_request_count divided by request_count."),
    ("retry_count", "", "lower", "Attempts beyond the first, of all measured requests."),
    (
        "retry_wait_seconds",
        "s",
        "lower",
        "Time that measured requests spent in attempts that were not answered and in waits before "
        "the next attempt, of all together.",
    ),
    (
        "mean_concurrency",
        "",
        "neither",
        f"Requests under way at once, from first sent to ended, averaged over {_WINDOW}.",
    ),
    ("peak_concurrency", "", "neither", "The most requests under way at once in the window."),
    (
        "sent_rate",
        "requests/s",
        "neither",
        "Measured requests sent per second, from the first one sent to the last.",
    ),
)
"""In the order in which they are shown. `latency_ms` is `p50_latency_ms`, as in any case."""
