"""A run as the XML that CI systems read: cases as tests, metrics as their properties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree

from pytest_modelbench.report.headline import failed_comparisons, is_error
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.run import BenchmarkRun, CaseResult, SuiteRecord

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(*runs: BenchmarkRun) -> str:
    """A test suite for each suite of each run, and one for suites that could not be used."""
    root = ElementTree.Element("testsuites", name="pytest-modelbench")
    for run in runs:
        without_verdicts = [*failed_comparisons(run), *_cut_short(run)]
        for suite in run.suites:
            cases = [case for case in run.cases if case.suite == suite.id]
            root.append(
                _suite(
                    run, suite, cases, [one for one in without_verdicts if one.suite == suite.id]
                )
            )
        if run.problems:
            root.append(_problems(run))
    ElementTree.indent(root)
    return f"{_DECLARATION}\n{ElementTree.tostring(root, encoding='unicode')}\n"


def _cut_short(run: BenchmarkRun) -> Iterator[Comparison]:
    """Comparisons that were skipped, of which no side says so."""
    for one in run.comparisons:
        sides = {side.case_id for side in one.sides}
        is_cut = one.kind == "paired" and one.status == "skipped" and bool(sides)
        if is_cut and all(case.is_well for case in run.cases if case.id in sides):
            yield one


def _problems(run: BenchmarkRun) -> ElementTree.Element:
    count = str(len(run.problems))
    element = _element("testsuite", name="problems", tests=count, failures="0", errors=count)
    for number, problem in enumerate(run.problems, 1):
        test = _test("problems", f"problem {number}", 0.0)
        test.append(_error(problem))
        element.append(test)
    return element


def _suite(
    run: BenchmarkRun, suite: SuiteRecord, cases: list[CaseResult], compared: list[Comparison]
) -> ElementTree.Element:
    """`compared` are comparisons that came to nothing."""
    broken = sum(one.status == "error" for one in compared)
    cut = len(compared) - broken
    failures = {case.id: list(_failures(run, case)) for case in cases if not is_error(case)}
    element = _element(
        "testsuite",
        name=suite.id,
        tests=str(len(cases) + len(compared)),
        failures=str(sum(map(bool, failures.values()))),
        errors=str(sum(map(is_error, cases)) + broken),
        skipped=str(sum(case.status == "skipped" for case in cases) + cut),
        time=f"{sum(case.duration_seconds for case in cases):.3f}",
        timestamp=run.metadata.timestamp,
        hostname=run.system_info.hostname,
    )
    about = {
        "run_id": run.metadata.run_id,
        "git_sha": run.metadata.git_sha,
        "git_branch": run.metadata.git_branch,
    }
    _add_properties(element, ((name, value) for name, value in about.items() if value))
    for case in cases:
        element.append(_case(case, failures.get(case.id, [])))
    for one in compared:
        test = _test(one.suite, one.id, one.duration_seconds)
        is_broken = one.status == "error"
        skipped = _element("skipped", message=one.detail)
        test.append(_error(one.detail, one.trace) if is_broken else skipped)
        element.append(test)
    return element


def _test(suite: str, name: str, seconds: float) -> ElementTree.Element:
    return _element(
        "testcase",
        classname=suite,
        name=name.partition("::")[2] or name,
        time=f"{seconds:.3f}",
    )


def _error(message: str, trace: str | None = None) -> ElementTree.Element:
    error = _element("error", message=message)
    error.text = _allowed(trace or message)
    return error


def _case(case: CaseResult, failures: list[str]) -> ElementTree.Element:
    element = _test(case.suite, case.id, case.duration_seconds)
    about = [("model", case.model), ("device", case.device), ("runner", case.runner)]
    metrics = [(name, _metric(one)) for name, one in case.metrics.items()]
    _add_properties(element, [*about, *metrics])
    if case.status == "skipped":
        element.append(_element("skipped", message=case.detail))
    elif case.status == "error":
        element.append(_error(case.detail, case.trace))
    elif case.metric_errors:
        causes = (f"{name}: {cause}" for name, cause in case.metric_errors.items())
        element.append(_error("; ".join(causes)))
    elif failures:
        failure = _element("failure", message=failures[0])
        failure.text = _allowed("\n".join(failures))
        element.append(failure)
    return element


def _failures(run: BenchmarkRun, case: CaseResult) -> Iterator[str]:
    """Broken bounds, and what became worse."""
    yield from (check.message for check in case.bounds if check.outcome == "failed")
    for comparison in run.comparisons:
        for verdict in comparison.verdicts:
            sides = {side.case_id for side in comparison.sides if side.name == verdict.candidate}
            if verdict.outcome == "regression" and case.id in sides:
                yield f"worse: {verdict.message}"


def _metric(metric: Metric) -> str:
    """The value with its unit, or why there is none."""
    if metric.value is None:
        return f"{metric.status.value}: {metric.error_message}"
    return f"{metric.value!r} {metric.unit}".rstrip()


def _add_properties(element: ElementTree.Element, pairs: Iterable[tuple[str, str]]) -> None:
    group = ElementTree.SubElement(element, "properties")
    for name, value in pairs:
        group.append(_element("property", name=name, value=value))


def _element(tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.Element(tag, {name: _allowed(one) for name, one in attributes.items()})


def _allowed(text: str) -> str:
    """`text` with what XML cannot have at all written out."""
    return _NOT_IN_XML.sub(lambda match: f"#x{ord(match[0]):02X}", text)
