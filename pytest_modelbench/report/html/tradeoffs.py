"""Accuracy against latency against memory: which cases no other one beats in all of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pytest_modelbench.catalogue import COUNTED_METRICS, Better
from pytest_modelbench.report.columns import heading
from pytest_modelbench.report.html.leaderboard import case_link, direction
from pytest_modelbench.report.html.markup import Markup, joined, tag
from pytest_modelbench.report.html.table import Column, Row, metric_column, table
from pytest_modelbench.report.html.view import Report, ShownCase, ShownSuite
from pytest_modelbench.report.numbers import NOTHING, shown
from pytest_modelbench.results.run import OWN_METRICS, CaseResult

LATENCIES = ("p50_latency_ms", "mean_latency_ms", "latency_ms", "model_load_seconds")
QUALITIES = ("wer", "cer", "spearman", "pearson", "exact_match", "accuracy")
MEMORIES = ("peak_vram_mb", "device_peak_vram_mb", "peak_ram_mb", "file_size_mb")
RATES = ("tokens_per_sec", "x_realtime", "throughput_items_per_second")


@dataclass(frozen=True)
class Axes:
    """Names of metrics; None for no third one."""

    x: str
    y: str
    size: str | None


def measured_names(cases: Sequence[CaseResult]) -> list[str]:
    """Metrics that a case has measured, in the order in which they come."""
    found: dict[str, None] = {}
    for case in cases:
        found |= {name: None for name, metric in case.metrics.items() if metric.is_ok}
    return list(found)


def usual_axes(suite: ShownSuite) -> Axes | None:
    """Latency, the quality that the suite asks for, and memory, as far as they were measured."""
    there = measured_names(suite.results)
    asked = [one["metric"] for one in suite.record.criteria if "metric" in one]
    own = [name for name in there if name not in OWN_METRICS and name not in COUNTED_METRICS]
    directed = [name for name in own if direction(name, suite.results)]
    x = _first(LATENCIES, there)
    qualities = [name for name in asked if name in directed]
    y = _first([*qualities, *QUALITIES, *directed, *RATES], there)
    size = _first(MEMORIES, there)
    if x is None or (y or size) is None:
        return None
    return Axes(x, y, size) if y else Axes(x, size or "", None)


def _first(names: Sequence[str], there: Sequence[str]) -> str | None:
    return next((name for name in names if name in there), None)


def front(points: Sequence[tuple[float, float]], better: Sequence[Better]) -> list[bool]:
    """Of each point, whether no other is as good in both and better in one of them.

    >>> front([(1, 5), (2, 3), (2, 4)], ["lower", "lower"])
    [True, True, False]
    """
    signs = [1.0 if one == "lower" else -1.0 for one in better]
    costs = [(signs[0] * x, signs[1] * y) for x, y in points]
    best, found = math.inf, set()
    for x, group in groupby(sorted(set(costs)), key=lambda cost: cost[0]):
        lowest = next(group)[1]
        if lowest < best:
            found.add((x, lowest))
            best = lowest
    return [cost in found for cost in costs]


def tradeoff_tables(report: Report) -> Markup:
    """For each suite, by its usual axes: what the chart shows at first."""
    return joined(*(_table(suite) for suite in report.suites))


def _table(suite: ShownSuite) -> Markup | None:
    axes = usual_axes(suite)
    if axes is None:
        return None
    names = [name for name in (axes.x, axes.y, axes.size) if name]
    better = [direction(name, suite.results) for name in names]
    having = [case for case in suite.cases if _values(case, names[:2])]
    on_front = _front(having, names, better)
    head = [
        Column("case"),
        *(metric_column(name, way) for name, way in zip(names, better, strict=True)),
        Column("on the front"),
    ]
    rows = [
        Row([case_link(case), *_cells(case, names), said], case.number)
        for case, said in zip(having, on_front, strict=True)
    ]
    caption = f"{suite.record.id}: {' against '.join(map(heading, names[:2]))}"
    return table(caption, head, rows)


def _front(
    cases: Sequence[ShownCase], names: Sequence[str], better: Sequence[Better | None]
) -> list[str]:
    """By the two axes; of a metric of which no way is better, nothing can be said."""
    ways = [one for one in better[:2] if one]
    if len(ways) < 2:
        return [NOTHING] * len(cases)
    points = [(x, y) for x, y in (_values(case, names[:2]) for case in cases)]
    return ["yes" if one else "no" for one in front(points, ways)]


def _values(case: ShownCase, names: Sequence[str]) -> list[float]:
    """Its figures; none if one is missing."""
    found = [case.result.metrics[name].value for name in names if name in case.result.metrics]
    values = [one for one in found if one is not None]
    return values if len(values) == len(names) else []


def _cells(case: ShownCase, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        values = _values(case, [name])
        yield shown(values[0]) if values else NOTHING


def tradeoff_hint(report: Report) -> Markup:
    """How to read the chart."""
    return tag(
        "p",
        "Each point is a case. No other case is better than those on the front in one of the two "
        "without being worse in the other. Lines through a point are the 95 % intervals of its "
        "run's own samples: where they reach the front, the order may be noise.",
        class_="hint",
    )
