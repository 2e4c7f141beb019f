"""The cases of a suite as a grid of texts: what the terminal and Markdown both show."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from pytest_modelbench.judge.scores.scoring import is_partial
from pytest_modelbench.report.columns import best_value, heading
from pytest_modelbench.report.numbers import NOTHING
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.run import BenchmarkRun, CaseResult, SuiteRecord

Show = Callable[[Metric], str]
SuitesWithCases = list[tuple[SuiteRecord, list[CaseResult]]]
TIED = "="


def suites_with_cases(run: BenchmarkRun) -> SuitesWithCases:
    """Each suite with its cases, best first; what has no rank comes last."""
    found: dict[str, list[CaseResult]] = {suite.id: [] for suite in run.suites}
    for case in sorted(run.cases, key=lambda case: case.rank or len(run.cases) + 1):
        found.setdefault(case.suite, []).append(case)
    return [(suite, found[suite.id]) for suite in run.suites]


def case_grid(
    suite: SuiteRecord,
    cases: Sequence[CaseResult],
    names: Sequence[str],
    show: Show,
    launch_floor: float,
) -> list[list[str]]:
    """A row of titles, then one for each case: rank, name, score where there is one, metrics."""
    best = {name: best_value(name, cases, launch_floor) for name in names}
    scored = bool(suite.criteria)
    tied = {row.case_id for row in suite.leaderboard if row.tied_with_above}
    grid = [["rank", "case", *(["score"] if scored else []), *map(heading, names)]]
    for case in cases:
        row = [_rank(case, tied), case_name(case)]
        if scored:
            row.append(score_text(case))
        row += [_cell(case, name, show, best[name]) for name in names]
        grid.append(row)
    return grid


def _rank(case: CaseResult, tied: Container[str]) -> str:
    """Its rank; `=` marks one whose difference to the rank above is within noise."""
    if case.rank is None:
        return NOTHING
    return f"{case.rank}{TIED}" if case.id in tied else str(case.rank)


def case_name(case: CaseResult) -> str:
    """Its id without its suite's."""
    return case.id.partition("::")[2]


def score_text(case: CaseResult) -> str:
    """Its score; `~` marks one that rests on a part of the criteria."""
    if case.score is None or case.score.total is None or case.rank is None:
        return NOTHING
    return f"{case.score.total:.3f}" + ("~" if is_partial(case.score) else "")


def _cell(case: CaseResult, name: str, show: Show, best: float | None) -> str:
    metric = case.metrics.get(name)
    if metric is None:
        return NOTHING
    mark = "*" if best is not None and metric.value == best else ""
    return mark + show(metric)
