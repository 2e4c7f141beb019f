"""The figures that the page's scripts draw, as JSON that no browser takes for anything else."""

from __future__ import annotations

import json
from typing import Any

from pytest_modelbench.report.html.changes import Change, change_data
from pytest_modelbench.report.html.latency import latency_data, phase_data
from pytest_modelbench.report.html.leaderboard import SCORE, direction, unit_in
from pytest_modelbench.report.html.markup import plain
from pytest_modelbench.report.html.over_runs import figures, history_data
from pytest_modelbench.report.html.reduce import rounded
from pytest_modelbench.report.html.side_by_side import block_data
from pytest_modelbench.report.html.table import metric_title
from pytest_modelbench.report.html.tradeoffs import measured_names, usual_axes
from pytest_modelbench.report.html.view import Report, ShownCase, ShownSuite
from pytest_modelbench.results.metric import Metric

_ESCAPED = {sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def page_data(report: Report, changes: list[Change]) -> dict[str, Any]:
    """All of it; texts are as the page shows them."""
    names = measured_names([case.result for case in report.cases])
    return {
        "suites": [plain(suite.record.id) for suite in report.suites],
        "axes": [_axes(suite) for suite in report.suites],
        "metrics": {
            SCORE: _scores(report),
            **{plain(name): _metric(report, name) for name in names},
        },
        "cases": [_case(case, suite.number) for suite in report.suites for case in suite.cases],
        "latency": latency_data(report),
        "phases": phase_data(report),
        "history": history_data(report),
        "changes": change_data(changes),
        "blocks": block_data(changes),
    }


def _axes(suite: ShownSuite) -> dict[str, str | None] | None:
    axes = usual_axes(suite)
    if axes is None:
        return None
    return {"x": plain(axes.x), "y": plain(axes.y), "size": axes.size and plain(axes.size)}


def _metric(report: Report, name: str) -> dict[str, Any]:
    """What it is, and each case's value, with its interval where there is one."""
    results = [case.result for case in report.cases]
    metrics = [case.metrics.get(name) for case in results]
    return {
        "title": plain(metric_title(name, unit_in(name, results))),
        "better": direction(name, results),
        "values": [_short(one) for one in metrics],
    }


def _short(metric: Metric | None) -> Any:
    if metric is None or metric.value is None:
        return None
    found = figures(metric)
    return found if len(found) > 1 else found[0]


def _scores(report: Report) -> dict[str, Any]:
    """Scores as if they were a metric, of the cases that have a rank."""
    values: list[list[Any] | None] = []
    for case in report.cases:
        score = case.result.score if case.result.rank is not None else None
        if score is None or score.total is None:
            values.append(None)
        else:
            values.append([rounded(one) for one in (score.total, *(score.interval or ()))])
    return {"title": "score", "better": "higher", "values": values}


def _case(case: ShownCase, suite: int) -> dict[str, Any]:
    result = case.result
    return {
        "name": plain(case.name),
        "suite": suite,
        "model": plain(result.model),
        "device": plain(result.device),
        "state": case.state,
    }


def json_for_script(value: Any) -> str:
    """JSON to stand within a script element: no sign in it begins a tag or ends a line of one.

    >>> json_for_script({"a": "</script>"})
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign, escaped in _ESCAPED.items():
        text = text.replace(sign, escaped)
    return text
