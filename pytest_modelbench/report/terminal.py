"""The tables at the end of a session."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from pytest_modelbench.judge.scoring import is_partial
from pytest_modelbench.redaction import printable
from pytest_modelbench.report.columns import best_value, columns, heading
from pytest_modelbench.report.numbers import NOTHING, shown, with_interval, without_interval
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.run import BenchmarkRun, CaseResult, SuiteRecord

MOST_ROWS = 50
MOST_REASONS = 12
GAP = "  "
Show = Callable[[Metric], str]


class Reporter(Protocol):
    """What is needed of pytest's terminal reporter."""

    @property
    def _tw(self) -> object: ...

    def write_sep(self, sep: str, title: str | None = None, **markup: bool) -> None: ...

    def write_line(self, line: str, **markup: bool) -> None: ...


def show_run(reporter: Reporter, run: BenchmarkRun) -> None:
    """One table a suite, best case first, and below it the reason for every missing number."""
    width = int(getattr(reporter._tw, "fullwidth", 80))
    for suite in run.suites:
        cases = _in_order(run, suite)
        plural = "" if len(cases) == 1 else "s"
        dry = ", dry run" if run.metadata.dry_run else ""
        title = f"modelbench: {suite.id} ({len(cases)} case{plural}{dry})"
        reporter.write_sep("=", printable(title))
        for line in suite_lines(suite, cases, width):
            reporter.write_line(printable(line))


def _in_order(run: BenchmarkRun, suite: SuiteRecord) -> list[CaseResult]:
    mine = [case for case in run.cases if case.suite == suite.id]
    return sorted(mine, key=lambda case: case.rank or len(mine) + 1)


def suite_lines(suite: SuiteRecord, cases: Sequence[CaseResult], width: int) -> Iterator[str]:
    """The lines of one suite, none wider than `width` where that is possible."""
    rows = cases[:MOST_ROWS]
    yield from _table(suite, rows, width)
    if len(cases) > len(rows):
        yield f"... and {len(cases) - len(rows)} more cases in the run file"
    yield from _legend(suite, rows)
    yield from _reasons(cases)
    yield from _unusable_rows(cases)
    yield from _disturbances(cases)
    if cases and all(case.status == "skipped" for case in cases):
        yield "nothing was measured: every case was skipped"


def _table(suite: SuiteRecord, cases: Sequence[CaseResult], width: int) -> list[str]:
    """The first of these that fits: a row a case, a column a case, no intervals, a block a case."""
    names = columns(suite, cases)
    full = _grid(suite, cases, names, with_interval)
    turned = [list(row) for row in zip(*full, strict=True)]
    short = _grid(suite, cases, names, without_interval)
    for lines in (_aligned(full, 1), _aligned(turned, 0), _aligned(short, 1)):
        if max(map(len, lines)) <= width:
            return lines
    return list(_blocks(turned))


def _grid(
    suite: SuiteRecord, cases: Sequence[CaseResult], names: Sequence[str], show: Show
) -> list[list[str]]:
    best = {name: best_value(name, cases) for name in names}
    scored = bool(suite.criteria)
    grid = [["rank", "case", *(["score"] if scored else []), *map(heading, names)]]
    for case in cases:
        row = [str(case.rank or NOTHING), _name(case)]
        if scored:
            row.append(_score(case))
        row += [_cell(case, name, show, best[name]) for name in names]
        grid.append(row)
    return grid


def _name(case: CaseResult) -> str:
    return case.id.partition("::")[2]


def _score(case: CaseResult) -> str:
    if case.score is None or case.score.total is None or case.rank is None:
        return NOTHING
    return f"{case.score.total:.3f}" + ("~" if is_partial(case.score) else "")


def _cell(case: CaseResult, name: str, show: Show, best: float | None) -> str:
    metric = case.metrics.get(name)
    if metric is None:
        return NOTHING
    mark = "*" if best is not None and metric.value == best else ""
    return mark + show(metric)


def _aligned(grid: Sequence[Sequence[str]], left: int) -> list[str]:
    """Columns to the right, but for the one of names."""
    widths = [max(len(row[column]) for row in grid) for column in range(len(grid[0]))]
    return [
        GAP.join(
            cell.ljust(size) if column == left else cell.rjust(size)
            for column, (cell, size) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in grid
    ]


def _blocks(turned: Sequence[Sequence[str]]) -> Iterator[str]:
    """Each case by itself, a line a metric: for what is too narrow for any table."""
    titles, *cases = (list(column) for column in zip(*turned, strict=True))
    for rank, name, *cells in cases:
        yield f"{rank}. {name}" if rank != NOTHING else name
        for title, cell in zip(titles[2:], cells, strict=True):
            yield f"   {title} {cell}"


def _legend(suite: SuiteRecord, cases: Sequence[CaseResult]) -> Iterator[str]:
    """What the marks in the table mean, those that are there."""
    names = columns(suite, cases)
    metrics = [case.metrics[name] for case in cases for name in names if name in case.metrics]
    notes = []
    if any(metric.interval for metric in metrics if metric.is_ok):
        notes.append("[low, high]: 95 % interval of this run's samples")
    if any(best_value(name, cases) is not None for name in names):
        notes.append("*: best")
    flags = {metric.metadata.get("flag") for metric in metrics}
    if "too_few_samples" in flags:
        notes.append("!: too few calls for this percentile")
    if "means_of_calls" in flags:
        notes.append("!: of rounds of several calls each, not of single calls")
    if any("~" in _score(case) for case in cases):
        notes.append("~: partial score, a criterion has no value")
    if notes:
        yield "; ".join(notes)


def _disturbances(cases: Sequence[CaseResult]) -> Iterator[str]:
    """What else went on beside the timed calls, and series that never settled."""
    disturbed = [case for case in cases if case.conditions and case.conditions.disturbances]
    if disturbed:
        said = [
            one for case in disturbed if case.conditions for one in case.conditions.disturbances
        ]
        count = "" if len(disturbed) == len(cases) else f" ({len(disturbed)} of {len(cases)} cases)"
        yield f"note: latencies are disturbed: {_worst(said)}{count}"
    unsteady = [one for one in cases if one.timing and one.timing.is_unsteady]
    if unsteady and unsteady[0].timing:
        rule = unsteady[0].timing.warmup_rule
        count = "" if len(unsteady) == len(cases) else f" ({len(unsteady)} of {len(cases)} cases)"
        yield f"note: no steady state was reached while warming up: {rule}{count}"


def _worst(said: Sequence[str]) -> str:
    """One sentence of each kind; those of one kind differ in their figures alone."""
    kinds: dict[str, list[str]] = {}
    for one in said:
        kinds.setdefault(re.sub(r"[\d.]+", "#", one), []).append(one)
    return "; ".join(max(group, key=_figure) for group in kinds.values())


def _figure(sentence: str) -> float:
    numbers = re.findall(r"\d+(?:\.\d+)?", sentence)
    return float(numbers[0]) if numbers else 0.0


def _unusable_rows(cases: Sequence[CaseResult]) -> Iterator[str]:
    """What was passed over in the data, once for all cases of which it is true."""
    found: dict[str, int] = {}
    for case in cases:
        if count := case.dataset.get("unusable_rows"):
            first = case.dataset["unusable"][0]
            used = case.dataset["used_rows"]
            example = f"row {first['row']}: {first['reason']}"
            line = f"{count} rows of the dataset could not be used, {used} were ({example})"
            found[line] = found.get(line, 0) + 1
    for line, number in found.items():
        yield f"note: {line}" + (
            "" if number == len(cases) else f" ({number} of {len(cases)} cases)"
        )


def _reasons(cases: Sequence[CaseResult]) -> Iterator[str]:
    """Each reason once: what it befell, and in how many cases."""
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for case in cases:
        for name, metric in case.metrics.items():
            if not metric.is_ok:
                key = (metric.status.value, metric.error_message or "")
                found.setdefault(key, {}).setdefault(name, set()).add(case.id)
    lines = [_reason(*key, where, len(cases)) for key, where in found.items()]
    lines.sort(key=lambda line: not line.startswith("error"))
    yield from lines[:MOST_REASONS]
    if len(lines) > MOST_REASONS:
        yield f"... and {len(lines) - MOST_REASONS} more reasons in the run file"


def _reason(status: str, reason: str, where: dict[str, set[str]], total: int) -> str:
    cases = set().union(*where.values())
    names = ", ".join(where) if len(where) <= 3 else f"{len(where)} metrics"
    count = "" if len(cases) == total else f" ({shown(len(cases))} of {total} cases)"
    return f"{status}: {names}: {' '.join(reason.split())}{count}"
