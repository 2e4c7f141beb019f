"""Every call of each case: how long they took, in order of size and in the order made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_modelbench.measure.percentiles import interpolated
from pytest_modelbench.report.html.leaderboard import case_link
from pytest_modelbench.report.html.markup import Child, Markup
from pytest_modelbench.report.html.reduce import (
    distribution,
    envelope,
    exponent_of,
    in_units,
    rounded,
    shares,
)
from pytest_modelbench.report.html.table import Column, Row, table
from pytest_modelbench.report.html.view import Report, ShownCase
from pytest_modelbench.report.numbers import NOTHING, shown

MOST_PIECES, FEWEST_PIECES, ALL_PIECES = 300, 30, 4_000
"""Of a series, and of all series of a report together."""
FINE_STEP, COARSE_STEP, MOST_FINE = 1, 2, 40
"""Per cent between the points of a distribution, and of how many cases they are fine."""
TOLD = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
PHASES = ("load", "compile", "first call", "warm-up", "timed calls")
NS_PER_MS, NS_PER_S = 1e6, 1e9
MS_EXPONENT = 6
"""A millisecond is so many powers of ten nanoseconds."""


def timed_cases(report: Report) -> list[ShownCase]:
    return [case for case in report.cases if case.result.timing is not None]


def pieces(report: Report) -> int:
    """How many pieces a series is told in: the fewer, the more cases there are."""
    number = max(1, len(timed_cases(report)))
    return min(MOST_PIECES, max(FEWEST_PIECES, ALL_PIECES // number))


def shares_told(report: Report) -> list[float]:
    """The shares of calls at which distributions are told."""
    return shares(FINE_STEP if len(timed_cases(report)) <= MOST_FINE else COARSE_STEP)


def latency_data(report: Report) -> dict[str, Any]:
    """By number of the case: its calls in order of size and in the order made."""
    most, told = pieces(report), shares_told(report)
    return {
        "shares": told,
        "cases": {str(case.number): _calls(case, most, told) for case in timed_cases(report)},
    }


def _calls(case: ShownCase, most: int, told: Sequence[float]) -> dict[str, Any]:
    """All in units of ten to the `exponent` ms. The first call is told by itself."""
    timing = case.result.timing
    assert timing is not None
    durations, (first, warmup) = timing.durations_ns(), _before(case)
    exponent = exponent_of(durations or warmup or first)

    def series(calls: Sequence[int], most: int) -> dict[str, Any]:
        step, parts = envelope(calls, most)
        told = [in_units(part, exponent) for part in parts]
        return {"step": step, "count": len(calls), "parts": told}

    return {
        "exponent": exponent - MS_EXPONENT,
        "sorted": in_units(distribution(durations, told), exponent),
        "timed": series(durations, most),
        "first": series(first, 1),
        "warmup": series(warmup, most // 2),
        "ended": timing.warmup_ended_by,
    }


def _before(case: ShownCase) -> tuple[Sequence[int], Sequence[int]]:
    """The first call, and those that warmed up.

    Where the first one failed, was that of an earlier case, or is an endpoint's, whose answers come
    in any order, it is not the first of those that are kept.
    """
    timing, first = case.result.timing, case.result.metrics.get("first_latency_ms")
    kept = timing.warmup_ns() if timing is not None else ()
    is_there = first is not None and first.is_ok and not first.metadata.get("reused")
    return (kept[:1], kept[1:]) if is_there and case.result.load is None else ((), kept)


def latency_table(report: Report) -> Markup:
    """The distributions in figures."""
    percentiles = [f"{100 * share:.0f} %" for share in TOLD]
    head = [
        Column("case"),
        *(Column(one, is_number=True) for one in ("calls", "fastest", *percentiles, "slowest")),
        *(Column(one, is_number=True) for one in ("first call", "warm-up calls")),
        Column("warm-up ended by"),
    ]
    rows = [Row(_figures(case), case.number) for case in timed_cases(report)]
    return table("Latencies of every case in ms, within which so many of its calls lie", head, rows)


def _figures(case: ShownCase) -> list[Child]:
    timing = case.result.timing
    assert timing is not None
    calls, first = sorted(timing.durations_ns()), _value(case, "first_latency_ms")
    told = [interpolated(calls, share) for share in TOLD if calls]
    times = [calls[0], *told, calls[-1]] if calls else []
    shown_times = [shown(one / NS_PER_MS) for one in times] or [NOTHING] * (len(TOLD) + 2)
    return [
        case_link(case),
        str(len(calls)),
        *shown_times,
        NOTHING if first is None else shown(first),
        str(len(_before(case)[1])),
        timing.warmup_ended_by,
    ]


def phases_of(case: ShownCase) -> list[float | None]:
    """Seconds of each of `PHASES`; None for what was not measured by itself."""
    timing = case.result.timing
    load, compiling = _value(case, "model_load_seconds"), _value(case, "compile_seconds")
    if load is not None and compiling is not None:
        load = max(0.0, load - compiling)
    first = _value(case, "first_latency_ms")
    # Of calls that were under way together the times do not add up to how long it took.
    is_together = case.result.load is not None or (timing is not None and timing.in_flight > 1)
    warmup = () if is_together else _before(case)[1]
    return [
        load,
        compiling,
        None if first is None else first / 1e3,
        sum(warmup) / NS_PER_S if warmup else None,
        _value(case, "inference_seconds"),
    ]


def _value(case: ShownCase, name: str) -> float | None:
    metric = case.result.metrics.get(name)
    return metric.value if metric else None


def phase_cases(report: Report) -> list[ShownCase]:
    """Those of which a phase is known."""
    return [case for case in report.cases if any(phases_of(case))]


def phase_data(report: Report) -> dict[str, Any]:
    return {
        "names": list(PHASES),
        "cases": {
            str(case.number): [rounded(one, 4) for one in phases_of(case)]
            for case in phase_cases(report)
        },
    }


def phase_table(report: Report) -> Markup:
    """The phases in seconds, and how often the first call takes as long as a usual one."""
    head = [
        Column("case"),
        *(Column(f"{one} s", is_number=True) for one in PHASES),
        Column("first call / median", is_number=True),
    ]
    rows = [Row(_phases(case), case.number) for case in phase_cases(report)]
    return table("Phases of every case in seconds", head, rows)


def _phases(case: ShownCase) -> Sequence[Child]:
    times = [NOTHING if one is None else shown(one) for one in phases_of(case)]
    first, usual = _value(case, "first_latency_ms"), _value(case, "p50_latency_ms")
    return [case_link(case), *times, shown(first / usual) if first and usual else NOTHING]
