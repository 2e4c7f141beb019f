"""Every error in full, and everything that was skipped, with the reason."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_modelbench.report.headline import is_error
from pytest_modelbench.report.html.leaderboard import case_link
from pytest_modelbench.report.html.markup import Markup, joined, preformatted, tag
from pytest_modelbench.report.html.table import folded
from pytest_modelbench.report.html.view import Report, ShownCase
from pytest_modelbench.report.markdown_text import counted
from pytest_modelbench.report.verdict_lines import what_became


def errors_section(report: Report) -> Markup:
    """Errors first, those with the same trace together; then what was skipped."""
    errors = [*_errors(report), *_failed_comparisons(report), *_problems(report)]
    skips = list(_skips(report))
    return joined(
        errors or tag("p", "No case went wrong."),
        tag("h3", "Skipped") if skips else None,
        tag("ul", skips) if skips else None,
    )


def _errors(report: Report) -> Iterator[Markup]:
    """A trace that is the same in every letter is shown once, for all its cases."""
    groups: dict[tuple[str, str | None, str], list[ShownCase]] = {}
    for case in report.cases:
        result = case.result
        if is_error(result):
            causes = "\n".join(f"{name}: {why}" for name, why in _own_errors(case).items())
            groups.setdefault((result.detail, result.trace, causes), []).append(case)
    for (detail, trace, causes), cases in groups.items():
        links = [part for case in cases for part in (case_link(case), ", ")][:-1]
        yield tag(
            "article",
            tag("h3", tag("span", "error", class_="state error"), " ", *links),
            tag("p", detail, class_="detail") if detail else None,
            preformatted(causes) if causes else None,
            _trace(trace),
            class_="fault",
        )


def _own_errors(case: ShownCase) -> dict[str, str]:
    """Those of single metrics, where they say more than the case does itself."""
    detail = case.result.detail
    errors = case.result.metric_errors
    return {name: why for name, why in errors.items() if not detail or why not in (detail, "")}


def _trace(text: str | None) -> Markup | None:
    if not text:
        return None
    lines = counted(text.rstrip("\n").count("\n") + 1, "line")
    return folded(f"Traceback ({lines})", preformatted(text), kind="printed")


def _failed_comparisons(report: Report) -> Iterator[Markup]:
    for run in report.shown_runs:
        for one in run.comparisons:
            if one.status == "error":
                yield tag(
                    "article",
                    tag("h3", tag("span", "error", class_="state error"), f" comparing {one.id}"),
                    tag("p", one.detail, class_="detail"),
                    _trace(one.trace),
                    class_="fault",
                )


def _problems(report: Report) -> Iterator[Markup]:
    for problem in (one for run in report.shown_runs for one in run.problems):
        yield tag(
            "article",
            tag("h3", tag("span", "faulty suite", class_="state error")),
            preformatted(problem),
            class_="fault",
        )


def _skips(report: Report) -> Iterator[Markup]:
    groups: dict[str, list[ShownCase]] = {}
    for case in report.cases:
        if case.result.status == "skipped":
            groups.setdefault(case.result.detail, []).append(case)
    for detail, cases in groups.items():
        links = [part for case in cases for part in (case_link(case), ", ")][:-1]
        yield tag("li", *links, ": ", detail)
    for run in report.shown_runs:
        for one in run.comparisons:
            if one.detail and one.status != "error":
                yield tag("li", f"{one.id}: {what_became(one)}")
