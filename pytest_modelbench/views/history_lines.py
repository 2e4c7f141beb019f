"""The history of a metric for people, and for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from pytest_modelbench.catalogue import CATALOGUE
from pytest_modelbench.export.cells import safe_cell
from pytest_modelbench.judge.stored.series import Change
from pytest_modelbench.redaction import printable
from pytest_modelbench.report.numbers import shown
from pytest_modelbench.views.metric_history import MetricHistory, Value
from pytest_modelbench.views.moments import local_minute
from pytest_modelbench.views.run_table import code_of
from pytest_modelbench.views.sparkline import sparkline

COLUMNS = (
    "case", "run_id", "timestamp", "git_sha", "git_branch", "git_dirty", "hostname", "machine",
    "metric", "value", "unit", "low", "high", "change", "change_is_relative", "change_is_proven",
    "judgement", "other", "client_limited",
)  # fmt: skip
CLIENT_AT_FAULT = "the client was the bottleneck"


def history_lines(found: MetricHistory) -> Iterator[str]:
    """A block a case: its sparkline, then a line a run, oldest first."""
    better = _better(found.metric)
    yield f"{printable(found.metric)}{f' ({better} is better)' if better else ''}"
    for name, values in found.cases.items():
        runs = "1 run" if len(values) == 1 else f"{len(values)} runs"
        yield ""
        yield f"{printable(name)}  {sparkline([one.point.value for one in values])}  {runs}"
        if earlier := found.earlier.get(name):
            yield f"  ... and {earlier} before: --limit 0 shows all"
        yield from _aligned([_cells(found.metric, one) for one in values])


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def _cells(metric: str, value: Value) -> tuple[str, ...]:
    about, point = value.metadata, value.point
    code = code_of(
        about.get("git_branch"), about.get("git_sha"), is_dirty=bool(about.get("git_dirty"))
    )
    ends = ""
    if point.low is not None or point.high is not None:
        low, high = ("?" if end is None else shown(end) for end in (point.low, point.high))
        ends = f"[{low}, {high}]"
    return (
        local_minute(value.stored.began),
        printable(code),
        printable(f"{shown(point.value)} {value.unit}".rstrip()),
        ends,
        CLIENT_AT_FAULT if value.is_client_limited else _change_text(metric, value.change),
    )


def _change_text(metric: str, change: Change | None) -> str:
    """What is no more than noise is not shown as a change."""
    if change is None:
        return ""
    if change.other:
        return f"other {change.other}"
    if not change.is_proven:
        return ""
    amount = f"{100 * change.amount:+.1f} %" if change.is_relative else f"{change.amount:+.3g}"
    return f"{amount} {_judgement(metric, change)}".rstrip()


def _judgement(metric: str, change: Change) -> str:
    better = _better(metric)
    if not better or not change.is_proven:
        return ""
    return "better" if (change.amount > 0) == (better == "higher") else "worse"


def _better(metric: str) -> str:
    """Which way is better, where the catalogue says it."""
    info = CATALOGUE.get(metric)
    return info.better if info is not None and info.better != "neither" else ""


def json_lines(found: MetricHistory) -> Iterator[str]:
    """A JSON object a value."""
    for fields in _records(found):
        yield json.dumps(fields, ensure_ascii=False)


def csv_lines(found: MetricHistory) -> Iterator[str]:
    """A row a value, below a row of titles."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for fields in _records(found):
        writer.writerow([safe_cell(fields[name]) for name in COLUMNS])
    yield text.getvalue().removesuffix("\n")


def _records(found: MetricHistory) -> Iterator[dict[str, Any]]:
    for name, values in found.cases.items():
        for value in values:
            yield _record(found.metric, name, value)


def _record(metric: str, name: str, value: Value) -> dict[str, Any]:
    about, point, change = value.metadata, value.point, value.change
    known = ("timestamp", "git_sha", "git_branch", "git_dirty")
    return {
        "case": name,
        "run_id": value.stored.run_id,
        **{key: about.get(key) for key in known},
        "hostname": value.hostname,
        "machine": point.machine,
        "metric": metric,
        "value": point.value,
        "unit": value.unit,
        "low": point.low,
        "high": point.high,
        "change": change.amount if change else None,
        "change_is_relative": change.is_relative if change else None,
        "change_is_proven": change.is_proven if change else None,
        "judgement": (_judgement(metric, change) or None) if change else None,
        "other": (change.other or None) if change else None,
        "client_limited": value.is_client_limited,
    }
