"""Which metrics of a suite are worth a column."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_modelbench.catalogue import CATALOGUE
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
    """The best of at least two different values, by the catalogue's direction."""
    info = CATALOGUE.get(name)
    values = {case.metrics[name].value for case in cases if _measured(case, name)}
    known = [value for value in values if value is not None]
    if info is None or info.better == "neither" or len(known) < 2:
        return None
    return min(known) if info.better == "lower" else max(known)
