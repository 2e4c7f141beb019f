"""Every case by itself: what it was, how it was measured and how it was judged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from pytest_modelbench.report.html.markup import Markup, joined, tag
from pytest_modelbench.report.html.view import Report, ShownCase, ShownSuite
from pytest_modelbench.report.loads import load_lines
from pytest_modelbench.report.numbers import NOTHING, shown
from pytest_modelbench.results.judgement import BoundCheck, CriterionScore
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.results.sample_record import in_words as failures_in_words


def cases_section(report: Report) -> Markup:
    """What all cases of a suite have in common; then a block for each, folded: links open it."""
    return joined(*(_suite(report, suite) for suite in report.suites))


def _suite(report: Report, suite: ShownSuite) -> Markup:
    given = [_parts_of(case.result) for case in suite.cases]
    common = _common(given)
    shared = [_fact(name, _parts_in_words(parts)) for name, parts in common.items()]
    title = f"All cases of {suite.record.id}" if len(report.suites) > 1 else "All cases"
    return joined(
        tag("h3", f"{title} have in common") if shared else None,
        tag("dl", shared, class_="facts") if shared else None,
        tag("h3", "Each by itself") if shared else None,
        *(
            _block(case, _without(parts, common))
            for case, parts in zip(suite.cases, given, strict=True)
        ),
    )


Parts = dict[str, dict[str, str]]
"""By title of the fact, its parts: name and value; a fact of one part has no name for it."""


def _common(given: Sequence[Parts]) -> Parts:
    """What is the same in all that have such a fact at all; nothing of a single case."""
    if len(given) < 2:
        return {}
    found: Parts = {}
    for title in dict.fromkeys(title for parts in given for title in parts):
        having = [parts[title] for parts in given if parts.get(title)]
        same = {
            name: value
            for name, value in (having[0] if having else {}).items()
            if all(parts.get(name) == value for parts in having)
        }
        if same and len(having) > 1:
            found[title] = same
    return found


def _without(parts: Parts, common: Parts) -> Parts:
    return {
        title: {name: one for name, one in mine.items() if name not in common.get(title, ())}
        for title, mine in parts.items()
    }


def _parts_in_words(parts: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}".lstrip() for name, value in parts.items())


def _fact(name: str, value: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", value))


def _block(case: ShownCase, parts: Parts) -> Markup:
    result, kind = case.result, case.state.replace(" ", "-")
    summary = joined(case.name, " ", tag("span", case.state, class_=f"state {kind}"))
    bounds = [tag("li", _bound(check)) for check in result.bounds]
    scores = [tag("li", _criterion(part)) for part in result.score.criteria] if result.score else []
    loads = [tag("li", line) for line in load_lines(result.load)] if result.load else []
    facts = {title: _parts_in_words(mine) for title, mine in parts.items()}
    return tag(
        "details",
        tag("summary", summary),
        tag("p", result.detail, class_="detail") if result.detail else None,
        tag("dl", *(_fact(*fact) for fact in facts.items() if fact[1]), class_="facts"),
        tag("h4", "Load") if loads else None,
        tag("ul", loads) if loads else None,
        tag("h4", "Bounds") if bounds else None,
        tag("ul", bounds) if bounds else None,
        tag("h4", "Score, by criterion") if scores else None,
        tag("ul", scores) if scores else None,
        class_="case",
        id=f"case-{case.number}",
        data_case=case.number,
    )


def _bound(check: BoundCheck) -> Markup:
    kind = {"failed": "broken-bound", "passed": "ok"}.get(check.outcome, check.outcome)
    return joined(tag("span", check.outcome, class_=f"state {kind}"), " ", check.message)


def _criterion(part: CriterionScore) -> str:
    if part.value is None:
        return f"{part.id}: no value: {part.reason}"
    share = NOTHING if part.normalized is None else f"{part.normalized:.3f}"
    weight = f"weight {shown(part.weight)}, goal {part.goal}"
    return f"{part.id}: {shown(part.value)}, {share} of 1, {weight}"


def _parts_of(case: CaseResult) -> Parts:
    found = {title: {"": text} for title, text in _texts(case) if text}
    used = case.dataset.get("used_rows")
    if case.failed_samples:
        found["Failed samples"] = {"": failures_in_words(case.failed_samples, used)}
    # Rows that could not be used stand below the leaderboard.
    dataset = {key: value for key, value in case.dataset.items() if key != "unusable"}
    if "path" in dataset:  # without the folder that it lay in on some machine
        dataset["path"] = PurePath(str(dataset["path"])).name
    limits = case.limits.model_dump(exclude={"enforced"}) if case.limits else {}
    for title, values in (
        ("Parameters", case.params),
        ("Dataset", dataset),
        ("What ran", case.properties),
        ("Limits", limits),
    ):
        if told := _values_in_words(values):
            found[title] = told
    return found


def _texts(case: CaseResult) -> Iterator[tuple[str, str]]:
    yield "Benchmark", case.benchmark
    yield "Model", case.model
    yield "Device", case.device
    yield "Runner", case.runner
    yield "One timed call", case.timed
    if case.timing:
        ended = case.timing.warmup_ended_by
        yield "Warm-up", f"{case.timing.warmup_rule} (ended by: {ended})"
        yield "Timing ended by", case.timing.stopped_by
    if case.started_at:
        yield "Began", f"{case.started_at}, took {case.duration_seconds:.3g} s"
        yield "Process", f"{case.engine}, worker {case.worker}"
    yield "Taken over", "; ".join(f"{one.what} of run {one.run_id}" for one in case.taken_over)
    yield "Fingerprint", case.fingerprint or ""
    if case.conditions:
        yield "Disturbed by", "; ".join(case.conditions.disturbances)


def in_words(values: Mapping[str, Any]) -> str:
    """
    >>> in_words({"threads": 2, "name": "a", "none": None, "list": [1]})
    'threads 2, name a, list [1]'
    """
    return _parts_in_words(_values_in_words(values))


def _values_in_words(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in values.items()
        if value is not None
    }
