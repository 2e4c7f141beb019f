"""Verdicts below the table of their suite."""

from __future__ import annotations

from run_builder import make_case, make_comparison, make_run, make_verdict_of

from pytest_modelbench.report.terminal import show_run
from pytest_modelbench.report.verdict_lines import MOST_LINES, verdict_lines
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.run import BenchmarkRun


def run_with(*comparisons: Comparison) -> BenchmarkRun:
    return make_run([make_case("b[m-CPU]")], comparisons)


def test_regressions_come_first_then_what_could_not_be_told() -> None:
    one = make_comparison("a", [make_verdict_of("noted"), make_verdict_of("inconclusive")])
    other = make_comparison("b", [make_verdict_of("pass"), make_verdict_of("regression", 0.1)])
    lines = verdict_lines(run_with(one, other), "speech")
    assert [(text[:14], colour) for text, colour in lines] == [
        ("b: p50 latency", "red"),
        ("a: p50 latency", "yellow"),
        ("b: p50 latency", ""),
        ("a: p50 latency", ""),
    ]
    assert lines[0][0] == f"b: {other.verdicts[1].message}"


def test_those_of_another_suite_stand_elsewhere() -> None:
    comparison = make_comparison("a", [make_verdict_of("pass")])
    assert verdict_lines(run_with(comparison), "other") == []


def test_of_very_many_the_worst_are_shown_and_the_rest_counted() -> None:
    verdicts = [make_verdict_of("pass")] * 60 + [make_verdict_of("regression", 0.1)]
    lines = verdict_lines(run_with(make_comparison("a", verdicts)), "speech")
    assert len(lines) == MOST_LINES + 1
    assert lines[0][1] == "red"
    assert lines[-1][0] == "... and 11 more verdicts in the run file"


def test_what_could_not_be_compared_says_why_unless_its_case_does() -> None:
    failed = make_comparison("a", status="error", detail="no interpreter")
    absent = make_comparison("b", status="skipped", detail="dry run")
    known = make_comparison("c", status="error", detail="it broke")
    case = make_case("c", status="error", detail="it broke")
    lines = verdict_lines(make_run([case], [failed, absent, known]), "speech")
    assert lines == [("a: not compared: no interpreter", "red"), ("b: not compared: dry run", "")]


def test_what_differs_is_said_once_with_where() -> None:
    one = make_comparison("a", differences=["python: version 1 -> 2", "machine: x"])
    other = make_comparison("b", differences=["python: version 1 -> 2"])
    assert [text for text, _ in verdict_lines(run_with(one, other), "speech")] == [
        "note: not the same on both sides: python: version 1 -> 2",
        "note: not the same on both sides: machine: x (a)",
    ]


class Paper:
    """A terminal reporter that keeps what is written."""

    _tw = None

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, bool]]] = []

    def write_sep(self, sep: str, title: str | None = None, **markup: bool) -> None: ...

    def write_line(self, line: str, **markup: bool) -> None:
        self.lines.append((line, markup))


def test_the_session_s_end_shows_them_in_colour() -> None:
    paper = Paper()
    verdict = make_verdict_of("regression", 0.1)
    show_run(paper, run_with(make_comparison("a", [verdict])))
    assert paper.lines[-1] == (f"a: {verdict.message}", {"red": True})
