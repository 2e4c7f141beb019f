"""What ran and how it went, for a reader who has a few seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Literal

from pytest_modelbench.report.case_table import case_name, score_text
from pytest_modelbench.report.headline import failed_comparisons, headline, is_error
from pytest_modelbench.report.html.leaderboard import case_link
from pytest_modelbench.report.html.markup import Child, Markup, joined, tag
from pytest_modelbench.report.html.table import Column, Row, folded, table
from pytest_modelbench.report.html.view import (
    Report,
    ShownCase,
    ShownSuite,
    commit_text,
    when_text,
)
from pytest_modelbench.report.markdown_text import counted
from pytest_modelbench.report.verdicts import few
from pytest_modelbench.results.run import BenchmarkRun

Severity = Literal["bad", "undecided", "good", "neutral"]
WORDS: dict[Severity, str] = {
    "bad": "Failed",
    "undecided": "Undecided",
    "good": "Passed",
    "neutral": "Nothing judged",
}
KINDS = ("faulty suite", "error", "regression", "broken bound", "inconclusive")
"""Of faults, in the order in which they are told."""
MOST_FAULTS = 12
Fault = tuple[str, Markup]
"""Its kind, and its line."""


def severity(run: BenchmarkRun) -> Severity:
    """How the run went, in one word's colour."""
    verdicts = {one.outcome for made in run.comparisons for one in made.verdicts}
    bounds = {check.outcome for case in run.cases for check in case.bounds}
    is_broken = any(map(is_error, run.cases)) or bool(failed_comparisons(run) or run.problems)
    if is_broken or "regression" in verdicts or "failed" in bounds:
        return "bad"
    if run.metadata.exit_status in (2, 3):
        return "bad"
    if run.metadata.quick:
        return "neutral"
    if "inconclusive" in verdicts | bounds:
        return "undecided"
    return "good" if "pass" in verdicts or "passed" in bounds else "neutral"


def plain_headline(run: BenchmarkRun) -> str:
    """The verdict in one line, as the Markdown begins with it."""
    return headline(run).replace("**", "")


def names_of(report: Report) -> str:
    """The suites that are shown."""
    return few(suite.record.id for suite in report.suites) or "no suite"


def title_of(report: Report) -> str:
    """The name of the page."""
    return f"{names_of(report)}: {plain_headline(report.newest)}"


def summary_section(report: Report) -> Markup:
    """The verdict, the facts, what is wrong, and who is best."""
    run = report.newest
    how = severity(run)
    faults = [line for _, line in sorted(_faults(report), key=lambda one: KINDS.index(one[0]))]
    more = len(faults) - MOST_FAULTS
    return joined(
        tag(
            "p",
            tag("strong", WORDS[how], class_="word"),
            " ",
            tag("span", plain_headline(run), class_="line"),
            class_=f"verdict {how}",
        ),
        tag("dl", *_facts(report), class_="facts"),
        _list(faults[:MOST_FAULTS]) if faults else None,
        folded(f"and {more} more", _list(faults[MOST_FAULTS:]), kind="printed")
        if more > 0
        else None,
        tag("div", *(_best(suite) for suite in report.suites), class_="winners"),
        _runs(report) if len(report.runs) > 1 else None,
    )


def _list(lines: Sequence[Markup]) -> Markup:
    return tag("ul", lines, class_="faults")


def _facts(report: Report) -> Iterator[Markup]:
    run = report.newest
    about, machine = run.metadata, run.system_info
    states = [case.result.status for case in report.cases if case.run is run]
    counts = [
        f"{states.count('ok')} measured",
        *([f"{states.count('skipped')} skipped"] if "skipped" in states else []),
        *([counted(states.count("error"), "error")] if "error" in states else []),
    ]
    names = few(suite.record.id for suite in report.suites if suite.run is run)
    cases = counted(len(states), "case")
    yield _fact("What", f"{names or 'no suite'}: {cases}, {', '.join(counts)}")
    yield _fact("When", tag("time", when_text(run), datetime=about.timestamp))
    if about.git_sha:
        branch = f" on {about.git_branch}" if about.git_branch else ""
        dirty = ", with changes that are not committed" if about.git_dirty else ""
        yield _fact("Commit", tag("code", about.git_sha[:9]), branch, dirty)
    gpu = f", {machine.gpu_info}" if machine.gpu_info else ""
    cpus = counted(machine.cpu_count, "CPU")
    yield _fact("Machine", f"{machine.cpu_info}, {cpus}, {machine.total_ram_gb:.3g} GB{gpu}")
    yield _fact("Command", tag("code", about.command_line))


def _fact(name: str, *value: Child) -> Markup:
    return tag("div", tag("dt", name), tag("dd", *value))


def _faults(report: Report) -> Iterator[Fault]:
    """What is broken, each with a way to its case."""
    run = report.newest
    mine = [case for case in report.cases if case.run is run]
    for case in mine:
        for check in case.result.bounds:
            if check.outcome != "passed":
                kind = "broken bound" if check.outcome == "failed" else "inconclusive"
                yield _fault(kind, case, check.message.removeprefix("broken: "))
        if is_error(case.result):
            causes = (f"{name}: {cause}" for name, cause in case.result.metric_errors.items())
            yield _fault("error", case, case.result.detail or next(causes))
    for comparison in run.comparisons:
        for verdict in comparison.verdicts:
            if verdict.outcome in ("regression", "inconclusive"):
                link = tag("a", comparison.id, href="#comparisons")
                yield _line(verdict.outcome, link, verdict.message)
    for comparison in failed_comparisons(run):
        yield _line("error", tag("a", comparison.id, href="#comparisons"), comparison.detail)
    for problem in run.problems:
        yield _line("faulty suite", None, problem)


def _fault(kind: str, case: ShownCase, text: str) -> Fault:
    return _line(kind, case_link(case), text)


def _line(kind: str, where: Markup | None, text: str) -> Fault:
    badge = tag("span", kind, class_=f"state {kind.replace(' ', '-')}")
    return kind, tag("li", badge, " ", where, ": " if where else None, text)


def _best(suite: ShownSuite) -> Markup | None:
    """Who leads a suite, and who cannot be told from it."""
    rows = suite.record.leaderboard
    if not rows:
        return None
    best = next(case for case in suite.cases if case.result.id == rows[0].case_id)
    tied = [row.case_id.partition("::")[2] for row in rows[1:] if row.tied_with_best]
    name = case_name(best.result)
    return tag(
        "p",
        tag("span", f"Best of {suite.record.id}", class_="label"),
        tag("a", name, href=f"#case-{best.number}", class_="winner"),
        tag("span", f"score {score_text(best.result)}"),
        tag("span", f"within noise of it: {few(tied)}") if tied else None,
        class_="card",
    )


def _runs(report: Report) -> Markup:
    """The runs of the report, the newest first."""
    head = [Column(one) for one in ("when", "run", "commit", "branch", "suites", "how it went")]
    rows = [
        Row(
            [
                tag("time", when_text(run), datetime=run.metadata.timestamp),
                tag("code", run.metadata.run_id),
                tag("code", commit_text(run)),
                run.metadata.git_branch,
                few(suite.id for suite in run.suites),
                tag("span", plain_headline(run), class_=f"how {severity(run)}"),
            ]
        )
        for run in reversed(report.runs)
    ]
    return table(f"The {len(report.runs)} runs of this report, the newest first", head, rows)


def suite_file(suite: ShownSuite) -> str:
    """The name of a suite's file, without the folder it lay in."""
    return PurePath(suite.record.file).name
