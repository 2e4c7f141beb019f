"""Runs as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pytest_modelbench.report.html.assets import (
    content_policy,
    filled,
    library,
    licences,
    own_script,
    style,
)
from pytest_modelbench.report.html.case_details import cases_section
from pytest_modelbench.report.html.changes import Change, change_table, changes_of
from pytest_modelbench.report.html.faults import errors_section
from pytest_modelbench.report.html.latency import (
    latency_table,
    phase_cases,
    phase_table,
    pieces,
    shares_told,
    timed_cases,
)
from pytest_modelbench.report.html.leaderboard import leaderboard_section
from pytest_modelbench.report.html.machine import machine_section
from pytest_modelbench.report.html.markup import Child, Markup, joined, preformatted, tag
from pytest_modelbench.report.html.over_runs import (
    changed_besides,
    history_tables,
    suites_over_runs,
)
from pytest_modelbench.report.html.page_data import json_for_script, page_data
from pytest_modelbench.report.html.side_by_side import (
    block_changes,
    comparison_details,
    launch_table,
)
from pytest_modelbench.report.html.summary import names_of, summary_section, title_of
from pytest_modelbench.report.html.table import folded
from pytest_modelbench.report.html.tradeoffs import tradeoff_hint, tradeoff_tables, usual_axes
from pytest_modelbench.report.html.two_runs import TwoRuns, two_newest
from pytest_modelbench.report.html.view import Report
from pytest_modelbench.results.run import BenchmarkRun

if TYPE_CHECKING:
    from pytest_modelbench.judge.stored.history import History


WHISKERS = (
    "Titles sort. Below a figure, the dot shows where it lies between the lowest and the highest "
    "of its column, and the line its interval."
)


class Section(NamedTuple):
    """A part of the page that the navigation leads to."""

    id: str
    title: str
    body: Markup
    lead: str = ""


def html_of(runs: Sequence[BenchmarkRun], history: History | None = None) -> str:
    """The report of `runs`: of each suite the newest run, and all of them over time.

    What is known of noise between sessions comes from `history`, or else from these runs.
    Raises `ModelbenchError` without any run.
    """
    report = Report(runs)
    two = two_newest(report.runs, history) if len(report.runs) > 1 else None
    own = [change for run in report.shown_runs for change in changes_of(run, run.comparisons)]
    between = changes_of(two.after, two.comparisons) if two else []
    sections = list(_sections(report, own, between, two))
    return filled(
        {
            "policy": tag("meta", http_equiv="Content-Security-Policy", content=content_policy()),
            "title": tag("title", title_of(report)),
            "style": style(),
            "heading": joined(names_of(report)),
            "navigation": joined(map(_link, sections)),
            "sections": joined(map(_section, sections)),
            "version": joined(report.newest.metadata.modelbench_version),
            "licences": folded("Charts by Chart.js: its licence", preformatted(licences())),
            "data": json_for_script(page_data(report, [*own, *between])),
            "library": library(),
            "script": own_script(),
        }
    )


def _link(section: Section) -> Markup:
    return tag("li", tag("a", section.title, href=f"#{section.id}"))


def _section(section: Section) -> Markup:
    return tag(
        "section",
        tag("h2", section.title, id=f"{section.id}-title"),
        tag("p", section.lead, class_="hint") if section.lead else None,
        section.body,
        id=section.id,
        aria_labelledby=f"{section.id}-title",
    )


def _sections(
    report: Report, own: Sequence[Change], between: Sequence[Change], two: TwoRuns | None
) -> Iterator[Section]:
    yield Section("summary", "Summary", summary_section(report))
    yield Section(
        "leaderboard",
        "Leaderboard",
        joined(
            tag("p", WHISKERS, class_="hint drawn"),
            tag("div", id="filter"),
            leaderboard_section(report),
        ),
    )
    if any(map(usual_axes, report.suites)):
        tables = folded("The points as a table", tag("div", tradeoff_tables(report), id="points"))
        figure = _figure("tradeoffs", "Trade-offs between two metrics", tables)
        yield Section("tradeoffs", "Trade-offs", joined(tradeoff_hint(report), figure))
    if timed_cases(report):
        yield Section("latency", "Latency", _latency(report))
    if phase_cases(report):
        yield Section("phases", "Phases", _phases(report))
    if suites_over_runs(report):
        yield Section("history", "History", _history(report))
    if any(run.comparisons for run in report.shown_runs) or two:
        yield Section("comparisons", "Comparisons", _comparisons(report, own, between, two))
    yield Section("errors", "Errors and skips", errors_section(report))
    yield Section("cases", "Every case", cases_section(report))
    yield Section("machine", "Machine and conditions", machine_section(report))


def _figure(name: str, title: str, *below: Child, tall: bool = False) -> Markup:
    """A place for a chart: scripts put controls and a canvas there; without them it is not seen."""
    kind = "chart tall" if tall else "chart"
    inner = tag("div", id=f"{name}-chart", class_=kind, data_title=title)
    controls = tag("div", id=f"{name}-controls", class_="controls")
    said = tag("p", id=f"{name}-status", class_="status")
    caption = tag("figcaption", title)
    drawn = tag("div", caption, controls, inner, said, class_="drawn")
    return tag("figure", drawn, *below, id=f"{name}-figure")


def _latency(report: Report) -> Markup:
    hint = (
        f"Of each distribution at most {len(shares_told(report))} points are in this file, and of "
        f"each series at most {pieces(report)} pieces: the median of a piece is drawn as a line, "
        "from its fastest to its slowest call as a band. The run file has every call."
    )
    return joined(
        tag("div", id="cases-controls", class_="controls"),
        tag(
            "div",
            _figure("distribution", "Share of calls answered within a time"),
            _figure("series", "Calls in the order made, warm-up first"),
            class_="pair",
        ),
        tag("p", hint, class_="hint"),
        folded("The distributions as a table", latency_table(report)),
    )


def _phases(report: Report) -> Markup:
    table = folded("The phases as a table", phase_table(report))
    return _figure("phases", "Where the time of each case went", table, tall=True)


def _history(report: Report) -> Markup:
    tables = folded("Every figure as a table", *history_tables(report))
    return joined(_figure("history", "A metric from run to run", tables), changed_besides(report))


def _comparisons(
    report: Report, own: Sequence[Change], between: Sequence[Change], two: TwoRuns | None
) -> Markup:
    changes = [*own, *between]
    drawn = _figure("changes", "Changes, with their intervals", tall=True) if changes else None
    launches = folded("The launches as a table", launch_table(own)) if block_changes(own) else None
    blocks = _figure("blocks", "Change of each block, launch by launch", launches)
    made = [one for run in report.shown_runs for one in run.comparisons]
    return joined(
        drawn,
        change_table("What this run was held against", own) if own else None,
        blocks if launches else None,
        [comparison_details(one) for one in made],
        _between(two, between) if two else None,
    )


def _between(two: TwoRuns, changes: Sequence[Change]) -> Iterator[Markup]:
    ids = (two.before.metadata.run_id, two.after.metadata.run_id)
    yield tag("h3", "The two newest runs")
    yield tag(
        "p",
        f"Run {ids[1]} held against run {ids[0]}. They were not measured side by side, so how much "
        "sessions differ by themselves is part of every interval.",
        class_="hint",
    )
    if two.trouble:
        yield tag("p", two.trouble, class_="detail")
    if changes:
        yield change_table(f"{ids[0]} to {ids[1]}", changes)
    yield from (comparison_details(one) for one in two.comparisons if one.differences)
