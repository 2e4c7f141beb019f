"""What was measured side by side: the sides, the launches, and each block's difference."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_modelbench.judge.paired.blocks import BLOCK_METRICS, MEDIANS, block_differences
from pytest_modelbench.judge.paired.data import PairedData, UnpackedLaunch, Unusable
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.wording import change_text
from pytest_modelbench.report.html.case_details import in_words
from pytest_modelbench.report.html.changes import Change, change_data
from pytest_modelbench.report.html.markup import Markup, joined, plain, tag
from pytest_modelbench.report.html.reduce import rounded, thinned
from pytest_modelbench.report.html.table import Column, Row, folded, table
from pytest_modelbench.report.markdown_text import counted
from pytest_modelbench.report.numbers import NOTHING
from pytest_modelbench.results.comparison import Comparison, Launch, SideRecord

MOST_BLOCKS = 8_000
"""Of all comparisons of a report."""


def block_changes(changes: Sequence[Change]) -> list[Change]:
    """Those that rest on blocks which the run has."""
    return [
        one
        for one in changes
        if one.verdict.method == "blocks"
        and one.verdict.metric in BLOCK_METRICS
        and one.comparison.launches
    ]


def block_data(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """For each verdict that rests on blocks, every block's change in per cent, by launch."""
    having = block_changes(changes)
    most = max(10, MOST_BLOCKS // max(1, sum(len(one.comparison.launches) for one in having)))
    found = []
    for one in having:
        launches = [
            {"series": series, "number": number, "changes": thinned(values, most)}
            for series, number, values in _blocks(one)
        ]
        verdicts = change_data([one])
        if launches and verdicts:
            found.append({**verdicts[0], "launches": launches})
    return found


def _blocks(change: Change) -> Iterator[tuple[str, int, list[float]]]:
    """Of each launch that can be used: its series, its number, its blocks' changes in per cent."""
    comparison, verdict = change.comparison, change.verdict
    names = [side.name for side in comparison.sides]
    if comparison.procedure is None or not {verdict.baseline, verdict.candidate} <= set(names):
        return
    question = Question(
        verdict.metric,
        change.better or "lower",
        None,
        baseline=names.index(verdict.baseline),
        candidate=names.index(verdict.candidate),
    )
    data = PairedData(tuple(names), comparison.procedure, comparison.launches)
    for launch in (*data.decision, *data.confirmation):
        try:
            yield launch.launch.series, launch.number, _of_launch(launch, question)
        except Unusable:
            continue  # the verdict says so itself


def _of_launch(launch: UnpackedLaunch, question: Question) -> list[float]:
    summary = "fastest" if question.metric in MEDIANS else "mean"
    differences = block_differences(launch, question, summary)
    return [float(rounded(100 * math.expm1(one), 4) or 0) for one in differences]


def launch_table(changes: Sequence[Change]) -> Markup | None:
    """The launches in figures: what the chart of blocks shows."""
    rows = []
    for change in block_changes(changes):
        for series, number, values in _blocks(change):
            low, middle, high = _quartiles(values)
            cells = [f"{change.name}: {change.verdict.metric}", f"{number} ({series})"]
            rows.append(Row([*cells, str(len(values)), low, middle, high]))
    if not rows:
        return None
    titles = ("blocks", "lower quartile", "median", "upper quartile")
    head = [Column("what"), Column("launch"), *(Column(one, is_number=True) for one in titles)]
    return table("Change in each launch, over its blocks", head, rows)


def _quartiles(values: Sequence[float]) -> list[str]:
    found = statistics.quantiles(values, n=4) if len(values) > 1 else [*values] * 3
    return [change_text(one / 100, None, is_relative=True) for one in found] or [NOTHING] * 3


def comparison_details(comparison: Comparison) -> Markup:
    """Sides, procedure, launches and the lines of the verdicts, folded."""
    made = comparison.launches
    launches = [tag("li", *_launch(one, number)) for number, one in enumerate(made, 1)]
    return folded(
        f"{comparison.id} ({comparison.kind}, {counted(len(comparison.verdicts), 'verdict')})",
        tag("p", comparison.detail, class_="detail") if comparison.detail else None,
        tag("ul", (tag("li", verdict.message) for verdict in comparison.verdicts)),
        tag("h4", "Sides"),
        tag("ul", (tag("li", _side(side)) for side in comparison.sides)),
        tag("p", f"Differs besides: {'; '.join(comparison.differences)}")
        if comparison.differences
        else None,
        tag("p", f"How: {in_words(comparison.procedure.model_dump())}")
        if comparison.procedure
        else None,
        folded("The launches", tag("ul", launches)) if launches else None,
        kind="case",
    )


def _side(side: SideRecord) -> Markup:
    facts = [in_words({key: value for key, value in side.described.items() if value})]
    facts += [f"case {side.case_id}"]
    facts += [f"run {side.run_id}"] if side.run_id else []
    facts += [f"Python {side.python_version}"] if side.python_version else []
    return joined(tag("strong", side.name), ": ", ", ".join(one for one in facts if one))


def _launch(launch: Launch, number: int) -> Iterator[str]:
    yield f"{number} ({launch.series}): "
    yield "; ".join(f"warm-up: {plain(side.warmup_rule)}" for side in launch.sides)
    if launch.disturbances:
        yield f"; disturbed by: {'; '.join(launch.disturbances)}"
