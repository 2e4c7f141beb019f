"""Metrics from run to run: what became of them over commits and days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_modelbench.judge.stored.comparable import differences
from pytest_modelbench.judge.stored.measured_case import MeasuredCase, cases_of
from pytest_modelbench.report.columns import columns, heading
from pytest_modelbench.report.html.leaderboard import direction, unit_in
from pytest_modelbench.report.html.markup import Markup, plain, tag
from pytest_modelbench.report.html.reduce import rounded
from pytest_modelbench.report.html.table import Column, Row, folded, metric_title, table
from pytest_modelbench.report.html.tradeoffs import measured_names
from pytest_modelbench.report.html.view import Report, ShownSuite, commit_text, when_text
from pytest_modelbench.report.numbers import NOTHING, with_interval
from pytest_modelbench.report.verdicts import few
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.run import BenchmarkRun, CaseResult

FURTHER = ("p95_latency_ms", "first_latency_ms", "model_load_seconds", "peak_ram_mb")
"""What is followed beside what stands in the leaderboard."""

CasesOfRuns = Mapping[str, Sequence[CaseResult | None]]
"""By id, the case in each of the runs."""


def suites_over_runs(report: Report) -> list[ShownSuite]:
    """Those that two runs have at least."""
    return [suite for suite in report.suites if len(_runs_of(report, suite)) > 1]


def _runs_of(report: Report, suite: ShownSuite) -> list[BenchmarkRun]:
    return [run for run in report.runs if any(one.id == suite.record.id for one in run.suites)]


def _cases(runs: Sequence[BenchmarkRun], suite: ShownSuite) -> CasesOfRuns:
    """In the order of the newest run's leaderboard, then what it no longer has."""
    found: dict[str, list[CaseResult | None]] = {
        case.result.id: [None] * len(runs) for case in suite.cases
    }
    ids = {run.metadata.run_id for run in runs}
    for number, run in enumerate(runs):
        for case in run.cases:
            measured_in = case.measured_in(run.metadata.run_id)
            is_copy = measured_in != run.metadata.run_id and measured_in in ids
            if case.suite == suite.record.id and not is_copy:
                found.setdefault(case.id, [None] * len(runs))[number] = case
    return found


def _names(suite: ShownSuite, cases: CasesOfRuns) -> list[str]:
    everything = [case for row in cases.values() for case in row if case]
    there = measured_names(everything)
    wanted = dict.fromkeys([*columns(suite.record, everything), *FURTHER])
    return [name for name in wanted if name in there]


def history_data(report: Report) -> list[dict[str, Any]]:
    """For each suite: its runs, its metrics, and each case's figures with their intervals."""
    return [_suite_data(report, suite) for suite in suites_over_runs(report)]


def _suite_data(report: Report, suite: ShownSuite) -> dict[str, Any]:
    runs = _runs_of(report, suite)
    cases = _cases(runs, suite)
    machines = list(dict.fromkeys(map(_machine, runs)))
    return {
        "suite": plain(suite.record.id),
        "runs": [
            {
                "when": when_text(run),
                "commit": commit_text(run),
                "branch": plain(run.metadata.git_branch or ""),
                "machine": machines.index(_machine(run)),
            }
            for run in runs
        ],
        "metrics": [_metric_data(name, cases) for name in _names(suite, cases)],
        "cases": [plain(name.partition("::")[2] or name) for name in cases],
    }


def _machine(run: BenchmarkRun) -> tuple[object, ...]:
    machine = run.system_info
    return machine.hostname, machine.cpu_info, machine.cpu_count, machine.gpu_info


def _metric_data(name: str, cases: CasesOfRuns) -> dict[str, Any]:
    everything = [case for row in cases.values() for case in row if case]
    unit = unit_in(name, everything)
    return {
        "name": plain(name),
        "title": plain(metric_title(name, unit)),
        "unit": plain(unit),
        "better": direction(name, everything),
        "values": [[_figures(case, name) for case in row] for row in cases.values()],
    }


def _figures(case: CaseResult | None, name: str) -> list[float | int | None] | None:
    metric = case.metrics.get(name) if case else None
    return None if metric is None or metric.value is None else figures(metric)


def figures(metric: Metric) -> list[float | int | None]:
    """A value and, where there is one, its interval, as the page's scripts have them."""
    value = [rounded(metric.value)]
    return value if metric.interval is None else [*value, *map(rounded, metric.interval)]


def history_tables(report: Report) -> Iterator[Markup]:
    """For each suite and metric a table: a row a case, a column a run."""
    for suite in suites_over_runs(report):
        runs = _runs_of(report, suite)
        cases = _cases(runs, suite)
        head = [Column("case"), *(Column(_run_title(run), is_number=True) for run in runs)]
        for name in _names(suite, cases):
            rows = [
                Row([one.partition("::")[2] or one, *(_text(case, name) for case in row)])
                for one, row in cases.items()
            ]
            yield table(f"{suite.record.id}: {heading(name)} from run to run", head, rows)


def _run_title(run: BenchmarkRun) -> str:
    return " ".join(filter(None, (when_text(run), commit_text(run))))


def _text(case: CaseResult | None, name: str) -> str:
    if case is None:
        return "not in this run"
    metric = case.metrics.get(name)
    return NOTHING if metric is None else with_interval(metric)


def changed_besides(report: Report) -> Markup | None:
    """What else was another thing from one run to the next: machine, packages, data, ..."""
    lines = []
    for before, after in zip(report.runs, report.runs[1:], strict=False):
        ids = (before.metadata.run_id, after.metadata.run_id)
        for text, names in _differences(before, after).items():
            lines.append(tag("li", f"{ids[0]} to {ids[1]}: {text} ({few(names)})"))
    if not lines:
        return None
    return folded("What else changed from run to run", tag("ul", lines), kind="printed")


def _differences(before: BenchmarkRun, after: BenchmarkRun) -> dict[str, list[str]]:
    stored: dict[str, MeasuredCase] = {one.case.id: one for one in cases_of(before)}
    found: dict[str, list[str]] = {}
    for one in cases_of(after):
        if one.case.id in stored and one.case.status == stored[one.case.id].case.status == "ok":
            for each in differences(stored[one.case.id], one):
                found.setdefault(each.text, []).append(one.case.id.partition("::")[2])
    return found
