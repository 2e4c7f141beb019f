"""The verdicts of a run as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pytest_modelbench.judge.wording import NOT_KNOWN, amount_text, change_text, number, spoken
from pytest_modelbench.report.blocks import Block
from pytest_modelbench.report.markdown_text import bullet, escaped, table_head, table_row
from pytest_modelbench.report.numbers import NOTHING
from pytest_modelbench.results.comparison import Comparison, Outcome, Verdict
from pytest_modelbench.results.run import BenchmarkRun

TITLES = ("case", "metric", "baseline", "candidate", "change", "tolerance", "outcome")
WORDS = (0, 1, 6)
"""Columns that are no numbers."""
ORDER: tuple[Outcome, ...] = ("regression", "inconclusive", "pass", "noted")
MOST_NAMES = 3

Judged = tuple[Comparison, Verdict]


def verdict_table(run: BenchmarkRun) -> Block:
    """A row for each verdict, regressions first."""
    rows = [table_row(_cells(run, *one)) for one in _in_order(run)]
    return Block(rows, "verdicts", head=table_head(TITLES, WORDS))


def reasons_of_verdicts(run: BenchmarkRun) -> Block:
    """Why some could not be told, and what else there is to know; each sentence once."""
    found: dict[str, list[str]] = {}
    for comparison, verdict in _in_order(run):
        if verdict.reason:
            who = f"{_name(run, comparison)} {spoken(verdict.metric)}"
            found.setdefault(f"{verdict.outcome}: {verdict.reason}", []).append(who)
    lines = sorted(found.items(), key=lambda one: not one[0].startswith("inconclusive"))
    return Block([bullet(f"{text} ({few(names)})") for text, names in lines], "reasons")


def full_lines(run: BenchmarkRun) -> Iterator[str]:
    """Each verdict with all that it rests on."""
    for comparison, verdict in _in_order(run):
        yield bullet(f"{_name(run, comparison)}: {verdict.message}")


def side_lines(run: BenchmarkRun) -> Iterator[str]:
    """What the sides were, each once."""
    sides = ((one, side) for one in run.comparisons for side in one.sides)
    found: dict[str, list[str]] = {}
    for comparison, side in sides:
        facts = [f"{key} {_fact(value)}" for key, value in side.described.items() if value]
        facts += [f"run {side.run_id}"] if side.run_id else []
        facts += [f"Python {side.python_version}"] if side.python_version else []
        text = f"{side.name}: {', '.join(facts) or side.case_id}"
        found.setdefault(text, []).append(_name(run, comparison))
    for text, names in found.items():
        everywhere = len(names) == len(run.comparisons)
        yield bullet(text if everywhere else f"{text} ({few(names)})")


def _fact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def difference_lines(run: BenchmarkRun) -> Iterator[str]:
    """What differs between sides although nobody asked for it, each sentence once."""
    for text, where in by_difference(run.comparisons).items():
        yield bullet(f"{text} ({few(_name(run, one) for one in where)})")


def by_difference(comparisons: Iterable[Comparison]) -> dict[str, list[Comparison]]:
    """Each sentence about what differs, with the comparisons it is said of."""
    found: dict[str, list[Comparison]] = {}
    for one in comparisons:
        for text in one.differences:
            found.setdefault(text, []).append(one)
    return found


def few(names: Iterable[str]) -> str:
    """
    >>> few(["a", "b", "c", "d", "a"])
    'a, b, c and 1 more'
    """
    names = list(dict.fromkeys(names))
    rest = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + rest


def short_id(run: BenchmarkRun, item: str) -> str:
    """An item's id, without its suite's where there is but one."""
    return item if len(run.suites) > 1 else item.partition("::")[2] or item


def _name(run: BenchmarkRun, comparison: Comparison) -> str:
    return short_id(run, comparison.id)


def _in_order(run: BenchmarkRun) -> list[Judged]:
    judged = [(one, verdict) for one in run.comparisons for verdict in one.verdicts]
    return sorted(judged, key=lambda one: ORDER.index(one[1].outcome))


def _cells(run: BenchmarkRun, comparison: Comparison, verdict: Verdict) -> list[str]:
    outcome = f"**{verdict.outcome}**" if verdict.outcome == "regression" else verdict.outcome
    relative = verdict.is_relative
    change = tolerance = NOTHING
    if verdict.change is not None:
        change = change_text(verdict.change, verdict.interval, is_relative=relative)
    if verdict.tolerance is not None:
        tolerance = amount_text(verdict.tolerance, is_relative=relative)
    numbers = (
        _value(verdict.baseline_value, verdict.unit),
        _value(verdict.candidate_value, verdict.unit),
        change,
        tolerance,
    )
    who = _name(run, comparison) + _sides(verdict)
    return [*map(escaped, (who, spoken(verdict.metric), *numbers)), outcome]


def _sides(verdict: Verdict) -> str:
    """Named where they are not just the baseline and the candidate."""
    if (verdict.baseline, verdict.candidate) == ("baseline", "candidate"):
        return ""
    return f" ({verdict.candidate} against {verdict.baseline})"


def _value(value: float | None, unit: str) -> str:
    return NOT_KNOWN if value is None else f"{number(value)} {unit}".rstrip()
