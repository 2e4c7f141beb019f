"""The cases of a suite, best first, with how sure each figure is and why any is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_modelbench.catalogue import Better, better_of
from pytest_modelbench.judge.scores.scoring import is_partial
from pytest_modelbench.report.case_table import case_name
from pytest_modelbench.report.columns import best_value, columns
from pytest_modelbench.report.html.markup import Child, Markup, joined, tag
from pytest_modelbench.report.html.table import Column, Row, folded, metric_column, table
from pytest_modelbench.report.html.view import STATES, Report, ShownCase, ShownSuite
from pytest_modelbench.report.markdown_text import counted
from pytest_modelbench.report.notes import legend, reasons, tolerated_failures, unusable_rows
from pytest_modelbench.report.numbers import NOTHING, shown, with_interval
from pytest_modelbench.results.judgement import LeaderboardRow
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.run import CaseResult

TIED = "its score differs from that of the rank above by no more than noise"
TIED_WITH_BEST = "its score differs from the best one by no more than noise"
SCORE = "(score)"
"""By this name the page's data knows scores; no metric is called so."""


class Reasons:
    """Why figures are missing, each reason once: cells have a button that shows it."""

    def __init__(self, suite: ShownSuite) -> None:
        self._prefix = f"why-{suite.number}"
        self._numbers: dict[str, int] = {}

    def button(self, metric: Metric) -> Markup:
        reason = metric.error_message or ""
        number = self._numbers.setdefault(reason, len(self._numbers))
        target = f"{self._prefix}-{number}"
        return tag("button", metric.status.value, type="button", class_="why", popovertarget=target)

    def notes(self) -> Iterator[Markup]:
        """What the buttons show; a browser keeps it out of sight until then."""
        for reason, number in self._numbers.items():
            yield tag("div", reason, id=f"{self._prefix}-{number}", popover=True, class_="reason")


def direction(name: str, cases: Sequence[CaseResult]) -> Better | None:
    """Which way is better: by the catalogue, or as a test of its own metric says."""
    for case in cases:
        said = case.metrics[name].metadata.get("better") if name in case.metrics else None
        if said in ("lower", "higher"):
            return "lower" if said == "lower" else "higher"
    return better_of(name)


def unit_in(name: str, cases: Sequence[CaseResult]) -> str:
    return next((case.metrics[name].unit for case in cases if name in case.metrics), "")


def leaderboard_section(report: Report) -> Markup:
    """Every suite's table."""
    return joined(*(_suite(report, suite) for suite in report.suites))


def _suite(report: Report, suite: ShownSuite) -> Markup:
    results, why = suite.results, Reasons(suite)
    board = _board(suite, why)
    everything = _all_metrics(suite, why)
    notes = [tag("p", line, class_="legend") for line in _legend(suite)]
    notes_on_data = (*unusable_rows(results), *tolerated_failures(results))
    missing = [tag("li", line) for line in (*reasons(results), *notes_on_data)]
    of_run = ""
    if len(report.shown_runs) > 1:
        of_run = f", of run {suite.run.metadata.run_id}"
    return tag(
        "section",
        tag("h3", f"{suite.record.id} ({counted(len(results), 'case')}{of_run})"),
        tag("p", suite.record.description) if suite.record.description else None,
        board,
        *notes,
        folded("Why figures are missing", tag("ul", missing), kind="printed") if missing else None,
        everything,
        *why.notes(),
        class_="suite",
    )


def _legend(suite: ShownSuite) -> Iterator[str]:
    floor = suite.run.system_info.launch_floor
    for line in legend(suite.record, suite.results, floor):
        yield line.replace("*: best", "\N{BLACK STAR}: shown to be the best")


def _board(suite: ShownSuite, why: Reasons) -> Markup:
    results = suite.results
    names = columns(suite.record, results)
    floor = suite.run.system_info.launch_floor
    best = {name: best_value(name, results, floor) for name in names}
    rows = {row.case_id: row for row in suite.record.leaderboard}
    has_score = bool(rows)
    head = [
        *([Column("rank", is_number=True)] if has_score else []),
        Column("case"),
        Column("state"),
        *([Column("score", is_number=True, metric=SCORE, better="higher")] if has_score else []),
        *(metric_column(name, direction(name, results), unit_in(name, results)) for name in names),
        Column("model"),
        Column("device"),
    ]
    body = []
    for case in suite.cases:
        ranked = rows.get(case.result.id)
        cells: list[Child] = [_rank(ranked)] if has_score else []
        cells += [_name(case, suite), state_badge(case)]
        cells += [_score(case.result)] if has_score else []
        cells += [_cell(case.result, name, why, best[name]) for name in names]
        body.append(Row([*cells, case.result.model, case.result.device], case.number))
    caption = f"Leaderboard of {suite.record.id}"
    return table(caption, head, body, names=int(has_score), kind="board")


def _rank(row: LeaderboardRow | None) -> Markup:
    if row is None:
        return joined(NOTHING)
    marks: list[Child] = [str(row.rank)]
    if row.tied_with_above:
        marks.append(tag("span", "=", title=TIED, class_="tie"))
    if row.tied_with_best:
        marks.append(tag("span", " ties with best", title=TIED_WITH_BEST, class_="tie"))
    return joined(*marks)


def case_link(case: ShownCase, suite: ShownSuite | None = None) -> Markup:
    """The case's name, which leads to all that is known of it."""
    name = case.name if suite is None else case_name(case.result)
    return tag("a", name, href=f"#case-{case.number}")


def _name(case: ShownCase, suite: ShownSuite) -> Markup:
    """With a mark where not all of it was measured in this run."""
    marks = [
        tag("span", f"{one.what} taken over", title=f"from run {one.run_id}", class_="tie")
        for one in case.result.taken_over
    ]
    return joined(case_link(case, suite), *((" ", mark) for mark in marks))


def state_badge(case: ShownCase) -> Markup:
    """Its state, in a colour; the number is for sorting, the worst first."""
    kind = case.state.replace(" ", "-")
    badge = tag("span", case.state, class_=f"state {kind}")
    return tag("td", badge, class_="words", data_value=STATES.index(case.state))


def _score(case: CaseResult) -> Markup:
    score = case.score
    if score is None or score.total is None or case.rank is None:
        return joined(NOTHING)
    text = f"{score.total:.3f}{'~' if is_partial(score) else ''}"
    if score.interval is None:
        return joined(text)
    low, high = score.interval
    return joined(text, " ", tag("small", f"[{low:.2f}, {high:.2f}]"))


def _cell(case: CaseResult, name: str, why: Reasons, best: float | None) -> Markup:
    metric = case.metrics.get(name)
    if metric is None:
        return tag("span", NOTHING, title="this case has no such metric")
    if metric.value is None:
        return why.button(metric)
    value, _, interval = with_interval(metric).partition(" ")
    parts: list[Child] = [value]
    if interval:
        parts += [" ", tag("small", interval)]
    if best is None or metric.value != best:
        return joined(*parts)
    star = tag("span", "\N{BLACK STAR}", role="img", aria_label="best", class_="star")
    return tag("td", star, *parts, class_="best")


def _all_metrics(suite: ShownSuite, why: Reasons) -> Markup:
    """Every metric that a case of the suite has measured."""
    results = suite.results
    names = {
        name: None for case in results for name, metric in case.metrics.items() if metric.is_ok
    }
    if not names:
        return joined()
    head = [
        Column("case"),
        *(metric_column(name, direction(name, results), unit_in(name, results)) for name in names),
    ]
    rows = [
        Row(
            [case_link(case, suite), *(_cell(case.result, name, why, None) for name in names)],
            case.number,
        )
        for case in suite.cases
    ]
    caption = f"All metrics of {suite.record.id}"
    return folded(f"All {shown(len(names))} metrics", table(caption, head, rows))
