"""Each error of a run in full, and each reason for what is missing."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_modelbench.report.verdict_lines import what_became
from pytest_modelbench.results.run import BenchmarkRun, CaseResult

_INDENT = "    "


def fault_lines(run: BenchmarkRun) -> Iterator[str]:
    """Errors with their traces, broken bounds, regressions; then why cases were skipped."""
    lines = [*_of_suites(run), *_of_cases(run), *_of_comparisons(run), *_skipped(run)]
    yield from lines or ["no error, nothing was skipped"]


def _of_suites(run: BenchmarkRun) -> Iterator[str]:
    for problem in run.problems:
        yield "error: a suite could not be used"
        yield from _block(problem)


def _of_cases(run: BenchmarkRun) -> Iterator[str]:
    for case in run.cases:
        if case.status == "error":
            yield f"error: {case.id}: {' '.join(case.detail.split())}"
            yield from _block(case.trace or "")
        for check in case.bounds:
            if check.outcome == "failed":
                yield f"broken bound: {case.id}: {check.message}"
        for cause, names in _metric_errors(case).items():
            yield f"error: {case.id}: {', '.join(names)}"
            yield from _block(cause)


def _metric_errors(case: CaseResult) -> dict[str, list[str]]:
    """Names of metrics by the cause that they share; what the case itself says is said there."""
    found: dict[str, list[str]] = {}
    for name, cause in case.metric_errors.items():
        if case.status != "error" or cause != case.detail:
            found.setdefault(cause, []).append(name)
    return found


def _of_comparisons(run: BenchmarkRun) -> Iterator[str]:
    known = {(case.id, case.detail) for case in run.cases}
    for one in run.comparisons:
        if one.status == "error" and (one.id, one.detail) not in known:
            yield f"error: {one.id}: {' '.join(what_became(one).split())}"
            yield from _block(one.trace or "")
        for verdict in one.verdicts:
            if verdict.outcome == "regression":
                yield f"worse: {one.id}: {verdict.message}"


def _skipped(run: BenchmarkRun) -> Iterator[str]:
    """Whole cases first, then metrics of the others, each reason once with what it befell."""
    cases: dict[str, list[str]] = {}
    metrics: dict[str, dict[str, None]] = {}
    for case in run.cases:
        if case.status == "skipped":
            cases.setdefault(case.detail, []).append(case.id)
            continue
        for name, metric in case.metrics.items():
            if metric.status == "skipped":
                metrics.setdefault(metric.error_message or "", {})[name] = None
    for reason, ids in cases.items():
        yield f"skipped: {' '.join(reason.split())}"
        yield from (f"{_INDENT}{one}" for one in ids)
    for reason, names in metrics.items():
        yield f"skipped: {', '.join(names)}"
        yield from _block(reason)


def _block(text: str) -> Iterator[str]:
    for line in text.rstrip().splitlines():
        yield f"{_INDENT}{line}".rstrip()
