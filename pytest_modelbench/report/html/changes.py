"""What was held against something else: value before, value after, change, interval, verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.catalogue import Better
from pytest_modelbench.judge.wording import NOT_KNOWN, amount_text, change_text, number, spoken
from pytest_modelbench.report.html.leaderboard import direction
from pytest_modelbench.report.html.markup import Child, Markup, joined, plain, tag
from pytest_modelbench.report.html.reduce import rounded
from pytest_modelbench.report.html.table import Column, Row, table
from pytest_modelbench.report.numbers import NOTHING
from pytest_modelbench.report.verdicts import ORDER
from pytest_modelbench.results.comparison import Comparison, Verdict
from pytest_modelbench.results.run import BenchmarkRun

MOST_DRAWN = 60
"""Changes in one chart."""


@dataclass(frozen=True)
class Change:
    """A verdict and where it is from."""

    run: BenchmarkRun
    comparison: Comparison
    verdict: Verdict
    has_one_suite: bool

    @property
    def name(self) -> str:
        """The item, and the sides where they are not just the baseline and the candidate."""
        item = self.comparison.id
        if self.has_one_suite:
            item = item.partition("::")[2] or item
        baseline, candidate = self.verdict.baseline, self.verdict.candidate
        if (baseline, candidate) == ("baseline", "candidate"):
            return item
        return f"{item}: {candidate} against {baseline}"

    @property
    def better(self) -> Better | None:
        """As the criterion that asks says, else as the metric does."""
        for suite in self.run.suites:
            for one in suite.criteria:
                if suite.id == self.comparison.suite and one["id"] == self.verdict.criterion:
                    goal = one.get("goal")
                    if goal in ("min", "max"):
                        return "lower" if goal == "min" else "higher"
        results = [case for case in self.run.cases if case.suite == self.comparison.suite]
        return direction(self.verdict.metric, results)


def changes_of(run: BenchmarkRun, comparisons: Sequence[Comparison]) -> list[Change]:
    """Regressions first, then what could not be told."""
    has_one_suite = len({one.suite for one in comparisons}) == 1
    found = [Change(run, one, each, has_one_suite) for one in comparisons for each in one.verdicts]
    return sorted(found, key=lambda one: ORDER.index(one.verdict.outcome))


def change_table(caption: str, changes: Sequence[Change]) -> Markup:
    """A row for each verdict."""
    head = [
        Column("what"),
        Column("metric"),
        *(Column(one, is_number=True) for one in ("before", "after", "change", "allowed")),
        Column("verdict"),
        Column("finds changes from", is_number=True, hint="in 8 of 10 cases"),
    ]
    rows = [list(_cells(one)) for one in changes]
    if any(one.verdict.reason for one in changes):
        head.append(Column("why, or what else to know"))
        for row, one in zip(rows, changes, strict=True):
            row.append(tag("td", one.verdict.reason, class_="words why-not"))
    return table(caption, head, list(map(Row, rows)), kind="changes")


def _cells(change: Change) -> Iterator[Child]:
    verdict, relative = change.verdict, change.verdict.is_relative
    yield change.name
    yield tag("td", spoken(verdict.metric), class_="words", title=verdict.metric)
    yield _value(verdict.baseline_value, verdict.unit)
    yield _value(verdict.candidate_value, verdict.unit)
    yield _change(verdict)
    yield _amount(verdict.tolerance, is_relative=relative)
    kind = tag("span", verdict.outcome, class_=f"state {verdict.outcome}")
    yield tag("td", kind, class_="words", data_value=ORDER.index(verdict.outcome))
    yield _amount(verdict.smallest_detectable, is_relative=relative)


def _value(value: float | None, unit: str) -> Markup:
    text = NOT_KNOWN if value is None else f"{number(value)} {unit}".rstrip()
    return _number(text, value)


def _amount(value: float | None, *, is_relative: bool) -> Markup:
    text = NOTHING if value is None else amount_text(value, is_relative=is_relative)
    return _number(text, value)


def _change(verdict: Verdict) -> Markup:
    if verdict.change is None:
        return _number(NOTHING, None)
    text = change_text(verdict.change, verdict.interval, is_relative=verdict.is_relative)
    value, bracket, ends = text.partition("[")
    interval = tag("small", f"{bracket}{ends}") if bracket else None
    return _number(joined(value, interval), verdict.change)


def _number(text: Child, value: float | None) -> Markup:
    sortable = None if value is None else f"{value:.9g}"
    return tag("td", text, data_value=sortable)


def change_data(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Those that are shares, in per cent: for the chart."""
    drawn = [one for one in changes if one.verdict.is_relative and one.verdict.change is not None]
    return [
        {
            "name": plain(one.name),
            "metric": plain(spoken(one.verdict.metric)),
            "change": _percent(one.verdict.change),
            "interval": [_percent(end) for end in one.verdict.interval or (None, None)],
            "tolerance": _percent(one.verdict.tolerance),
            "better": one.better,
            "outcome": one.verdict.outcome,
        }
        for one in drawn[:MOST_DRAWN]
    ]


def _percent(share: float | None) -> float | int | None:
    return None if share is None else rounded(100 * share, 5)
