"""Which metrics of a suite are worth a column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_modelbench.catalogue import CATALOGUE, COUNTED_METRICS
from pytest_modelbench.judge.bounds.expression_interval import Interval
from pytest_modelbench.judge.bounds.intervals import is_of_timed_calls, judged_interval
from pytest_modelbench.report.load_words import demanded
from pytest_modelbench.results.run import CaseResult, SuiteRecord

USUAL = (
    "wer",
    "spearman",
    "exact_match",
    "p50_ttft_ms",
    "p99_ttft_ms",
    "p50_tpot_ms",
    "p50_latency_ms",
    "x_realtime",
    "stream_x_realtime",
    "request_throughput",
    "output_tokens_per_second",
    "goodput_requests_per_second",
    "throughput_items_per_second",
    "peak_ram_mb",
    "file_size_mb",
)
HEADINGS = {
    "throughput_items_per_second": "items/s",
    "tokens_per_sec": "tokens/s",
    "x_realtime": "x realtime",
    "stream_x_realtime": "x realtime/stream",
    "request_throughput": "requests/s",
    "output_tokens_per_second": "tokens/s",
    "goodput_requests_per_second": "goodput/s",
    "real_time_factor": "RTF",
    "peak_ram_mb": "peak RAM MB",
    "peak_vram_mb": "peak VRAM MB",
    "file_size_mb": "files MB",
    "wer": "WER",
    "cer": "CER",
}


def columns(suite: SuiteRecord, cases: Sequence[CaseResult]) -> list[str]:
    """What criteria speak of, what a slo does, then the usual ones, where a case measured them."""
    wanted = [one["metric"] if "metric" in one else one["id"] for one in suite.criteria]
    has_better = any({"x_realtime", "request_throughput"} & set(case.metrics) for case in cases)
    usual = [name for name in USUAL if not (has_better and name == "throughput_items_per_second")]
    names = dict.fromkeys([*wanted, *_bounded_by_slo(cases), *usual])
    return [name for name in names if any(_measured(case, name) for case in cases)]


def _bounded_by_slo(cases: Sequence[CaseResult]) -> Iterator[str]:
    """What loads are held against."""
    for case in cases:
        if case.load is not None:
            yield from demanded(case.load)


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
    for short in ("ttft", "tpot", "itl"):
        if name.endswith(f"_{short}_ms"):
            return f"{name.partition('_')[0]} {short.upper()} ms"
    return name


def best_value(name: str, cases: Sequence[CaseResult], launch_floor: float) -> float | None:
    """The best value by the catalogue's direction, where it is shown to be better than all others.

    None when another case has the same value, or an interval that overlaps with the best one's,
    where a value is the client's and not the endpoint's, and for timed calls that were disturbed or
    are of another session.
    Those of timed calls are as wide as for bounds: with what launches of the same code differ by
    on the machine that the run was made on.
    """
    info = CATALOGUE.get(name)
    having = [case.metrics for case in cases if _measured(case, name)]
    if info is None or info.better == "neither" or len(having) < 2:
        return None
    if any(metrics[name].is_client_limited for metrics in having):
        return None
    compared = [case for case in cases if _measured(case, name)]
    if is_of_timed_calls(name, having[0][name]) and any(map(_is_of_another_moment, compared)):
        return None
    found = [
        (metrics[name].value or 0.0, judged_interval(name, metrics, launch_floor))
        for metrics in having
    ]
    if name not in COUNTED_METRICS and any(interval is None for _, interval in found):
        return None  # nothing says how far it would differ in another run
    sign = 1.0 if info.better == "lower" else -1.0
    (best, interval), *others = sorted(found, key=lambda one: sign * one[0])
    if any(value == best or _overlap(other, interval) for value, other in others):
        return None
    return best


def _is_of_another_moment(case: CaseResult) -> bool:
    """Whether its calls were timed under circumstances that the other cases did not have."""
    return bool(case.disturbances) or case.is_taken_over


def _overlap(one: Interval | None, other: Interval | None) -> bool:
    if one is None or other is None:
        return False
    (low, high), (other_low, other_high) = one, other
    above = low is not None and other_high is not None and low > other_high
    below = high is not None and other_low is not None and high < other_low
    return not (above or below)
