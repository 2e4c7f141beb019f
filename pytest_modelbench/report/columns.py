"""Which metrics of a suite are worth a column."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_modelbench.catalogue import CATALOGUE
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.run import CaseResult, SuiteRecord

USUAL = (
    "wer",
    "spearman",
    "exact_match",
    "p50_latency_ms",
    "x_realtime",
    "throughput_items_per_second",
    "peak_ram_mb",
    "file_size_mb",
)
HEADINGS = {
    "throughput_items_per_second": "items/s",
    "tokens_per_sec": "tokens/s",
    "x_realtime": "x realtime",
    "real_time_factor": "RTF",
    "peak_ram_mb": "peak RAM MB",
    "peak_vram_mb": "peak VRAM MB",
    "file_size_mb": "files MB",
    "wer": "WER",
    "cer": "CER",
}


EXACT = ("file_size_mb", "sample_count", "success_count", "failure_count")
"""What is counted, not measured: it needs no interval to be told apart."""


def columns(suite: SuiteRecord, cases: Sequence[CaseResult]) -> list[str]:
    """What the suite's criteria speak of, then the usual metrics, where a case measured them."""
    wanted = [one["metric"] if "metric" in one else one["id"] for one in suite.criteria]
    has_audio = any("x_realtime" in case.metrics for case in cases)
    usual = [name for name in USUAL if not (has_audio and name == "throughput_items_per_second")]
    names = dict.fromkeys([*wanted, *usual])
    return [name for name in names if any(_measured(case, name) for case in cases)]


def _measured(case: CaseResult, name: str) -> bool:
    return name in case.metrics and case.metrics[name].is_ok


def heading(name: str) -> str:
    """A column's title, with its unit.

    >>> heading("p95_latency_ms"), heading("peak_ram_mb")
    ('p95 ms', 'peak RAM MB')
    """
    if name in HEADINGS:
        return HEADINGS[name]
    if name.endswith("_latency_ms"):
        return name.removesuffix("_latency_ms") + " ms"
    return name


def best_value(name: str, cases: Sequence[CaseResult]) -> float | None:
    """The best value by the catalogue's direction, where it is shown to be better than all others.

    None when another case has the same value, or an interval that overlaps with the best one's.
    """
    info = CATALOGUE.get(name)
    metrics = [case.metrics[name] for case in cases if _measured(case, name)]
    if info is None or info.better == "neither" or len(metrics) < 2:
        return None
    if name not in EXACT and any(metric.interval is None for metric in metrics):
        return None  # nothing says how far it would differ in another run
    sign = 1.0 if info.better == "lower" else -1.0
    best, *others = sorted(metrics, key=lambda metric: sign * (metric.value or 0.0))
    if any(one.value == best.value or _overlap(one, best) for one in others):
        return None
    return best.value


def _overlap(one: Metric, other: Metric) -> bool:
    if one.interval is None or other.interval is None:
        return False
    (low, high), (other_low, other_high) = one.interval, other.interval
    above = low is not None and other_high is not None and low > other_high
    below = high is not None and other_low is not None and high < other_low
    return not (above or below)
