"""The tables at the end of a session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from pytest_modelbench.quick import QUICK_RUN
from pytest_modelbench.redaction import printable
from pytest_modelbench.report.case_table import TIED, case_grid, suites_with_cases
from pytest_modelbench.report.columns import columns
from pytest_modelbench.report.loads import loads
from pytest_modelbench.report.notes import (
    disturbances,
    legend,
    reasons,
    tolerated_failures,
    unusable_rows,
)
from pytest_modelbench.report.numbers import NOTHING, with_interval, without_interval
from pytest_modelbench.report.taken_over import taken_over
from pytest_modelbench.report.verdict_lines import verdict_lines
from pytest_modelbench.results.run import BenchmarkRun, CaseResult, SuiteRecord

MOST_ROWS = 50
MOST_REASONS = 12
GAP = "  "


class Reporter(Protocol):
    """What is needed of pytest's terminal reporter."""

    @property
    def _tw(self) -> object: ...

    def write_sep(self, sep: str, title: str | None = None, **markup: bool) -> None: ...

    def write_line(self, line: str, **markup: bool) -> None: ...


def show_run(reporter: Reporter, run: BenchmarkRun) -> None:
    """One table a suite, best case first, and below it the reason for every missing number."""
    width = int(getattr(reporter._tw, "fullwidth", 80))
    for suite, cases in suites_with_cases(run):
        plural = "" if len(cases) == 1 else "s"
        dry = ", dry run" if run.metadata.dry_run else ""
        quick = f", {QUICK_RUN}" if run.metadata.quick else ""
        title = f"modelbench: {suite.id} ({len(cases)} case{plural}{dry}{quick})"
        reporter.write_sep("=", printable(title))
        for line in suite_lines(suite, cases, width, run.system_info.launch_floor):
            reporter.write_line(printable(line))
        for line, colour in verdict_lines(run, suite.id):
            reporter.write_line(printable(line), **({colour: True} if colour else {}))


def suite_lines(
    suite: SuiteRecord, cases: Sequence[CaseResult], width: int, launch_floor: float
) -> Iterator[str]:
    """The lines of one suite, none wider than `width` where that is possible."""
    rows = cases[:MOST_ROWS]
    yield from _table(suite, rows, width, launch_floor)
    if len(cases) > len(rows):
        yield f"... and {len(cases) - len(rows)} more cases in the run file"
    yield from legend(suite, rows, launch_floor)
    yield from _few(reasons(cases))
    yield from unusable_rows(cases)
    yield from tolerated_failures(cases)
    yield from loads(rows)
    yield from disturbances(cases)
    yield from taken_over(cases)
    yield from _nothing_measured(cases)


def _nothing_measured(cases: Sequence[CaseResult]) -> Iterator[str]:
    """Said where no case has a result: who interrupts a session may go on with it."""
    if not cases or any(case.status != "skipped" for case in cases):
        return
    unfinished = [case for case in cases if case.detail.startswith("unfinished: ")]
    if any(case.side == case.id for case in unfinished):
        yield (
            "the session ended before any case was measured to its end; the answers that had come "
            "are kept: go on with --suite-resume=last"
        )
    elif unfinished:  # sides of comparisons, which are kept whole or not at all
        yield (
            "the session ended before any side was measured to its end: --suite-resume=last "
            "begins with it anew"
        )
    else:
        yield "nothing was measured: every case was skipped"


def _few(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:MOST_REASONS]
    if len(lines) > MOST_REASONS:
        yield f"... and {len(lines) - MOST_REASONS} more reasons in the run file"


def _table(
    suite: SuiteRecord, cases: Sequence[CaseResult], width: int, launch_floor: float
) -> list[str]:
    """The first of these that fits: a row a case, a column a case, no intervals, a block a case."""
    names = columns(suite, cases)
    full = case_grid(suite, cases, names, with_interval, launch_floor)
    turned = [list(row) for row in zip(*full, strict=True)]
    short = case_grid(suite, cases, names, without_interval, launch_floor)
    for lines in (_aligned(full, 1), _aligned(turned, 0), _aligned(short, 1)):
        if max(map(len, lines)) <= width:
            return lines
    return list(_blocks(turned))


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
        dot = "" if rank.endswith(TIED) else "."
        yield f"{rank}{dot} {name}" if rank != NOTHING else name
        for title, cell in zip(titles[2:], cells, strict=True):
            yield f"   {title} {cell}"
