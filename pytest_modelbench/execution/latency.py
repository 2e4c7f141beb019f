"""From timed calls to how long they took and how much they did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pytest_modelbench.measure.percentiles import SAMPLES_NEEDED, percentile_metric
from pytest_modelbench.results.metric import Metric, measured


def latency_metrics(durations_ns: Sequence[float]) -> dict[str, Metric]:
    """Percentiles, mean and maximum of timed calls (ns, in any order, not empty)."""
    ordered = [duration / 1e6 for duration in sorted(durations_ns)]
    count = len(ordered)
    mean = math.fsum(ordered) / count
    squares = math.fsum((one - mean) ** 2 for one in ordered)
    spread = math.sqrt(squares / (count - 1)) if count > 1 else None
    percentiles = {
        f"p{percent}_latency_ms": percentile_metric(ordered, percent) for percent in SAMPLES_NEEDED
    }
    return {
        "latency_ms": percentiles["p50_latency_ms"],
        "mean_latency_ms": measured(mean, "ms", samples=count, standard_deviation=spread),
        **percentiles,
        "max_latency_ms": measured(ordered[-1], "ms", samples=count),
    }


def rate_metrics(items: float, seconds: float, **notes: Any) -> dict[str, Metric]:
    """The wall time of timed calls, and the items they answered in it."""
    return {
        "inference_seconds": measured(seconds, "s", **notes),
        "throughput_items_per_second": measured(items / seconds, "items/s", **notes),
    }
