"""Everything a run says of each case, a line a metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_modelbench.errors import cut
from pytest_modelbench.report.case_table import suites_with_cases
from pytest_modelbench.report.loads import load_lines
from pytest_modelbench.report.numbers import shown
from pytest_modelbench.report.verdict_lines import verdict_lines
from pytest_modelbench.results.metric import Metric, as_number
from pytest_modelbench.results.run import BenchmarkRun, CaseResult

LONGEST_VALUE = 60
_INDENT = "  "


def detail_lines(run: BenchmarkRun) -> Iterator[str]:
    """The run, each case of each suite, and what was compared."""
    about, system = run.metadata, run.system_info
    dirty = "+" if about.git_dirty else ""
    code = (
        f"{about.git_branch or 'no branch'}@{about.git_sha[:12]}{dirty}" if about.git_sha else "-"
    )
    ended = "not known" if about.exit_status is None else str(about.exit_status)
    yield f"run {about.run_id}: {about.timestamp}, code {code}, exit status {ended}"
    yield f"{_INDENT}command  {about.command_line}"
    yield (
        f"{_INDENT}machine  {system.hostname}: {system.cpu_count} x {system.cpu_info}, "
        + ", ".join(
            filter(None, (f"{system.total_ram_gb:.1f} GB", system.gpu_info, system.python_version))
        )
    )
    for problem in run.problems:
        yield f"{_INDENT}problem  {' '.join(problem.split())}"
    for suite, cases in suites_with_cases(run):
        for case in cases:
            yield ""
            yield from case_lines(case)
        verdicts = [line for line, _ in verdict_lines(run, suite.id)]
        if verdicts:
            yield ""
            yield f"{suite.id}: compared"
            yield from (f"{_INDENT}{line}" for line in verdicts)


def case_lines(case: CaseResult) -> Iterator[str]:
    """One case: what was measured and how, its bounds, and every metric."""
    rank = f", rank {case.rank}" if case.rank is not None else ""
    detail = f": {' '.join(case.detail.split())}" if case.detail else ""
    yield f"{case.id}: {case.status}{rank}{detail}"
    for title, text in _facts(case):
        yield f"{_INDENT}{title:<12}{text}"
    for check in case.bounds:
        yield f"{_INDENT}{'bound':<12}{check.outcome}: {check.message}"
    width = max((len(name) for name in case.metrics), default=0)
    for name, metric in case.metrics.items():
        yield f"{_INDENT}{name:<{width}}  {metric_text(metric)}"


def _facts(case: CaseResult) -> Iterator[tuple[str, str]]:
    yield "model", f"{case.model} ({case.model_path})"
    yield "runner", f"{case.runner} on {case.device}, {case.engine}, worker {case.worker}"
    yield "took", f"{case.duration_seconds:.1f} s from {case.started_at or 'no time known'}"
    if case.timed:
        yield "timed", " ".join(case.timed.split())
    for title, values in (
        ("params", case.params),
        ("dataset", {name: one for name, one in case.dataset.items() if name != "unusable"}),
        ("properties", case.properties),
        ("limits", case.limits.model_dump() if case.limits else {}),
        ("conditions", case.conditions.model_dump() if case.conditions else {}),
    ):
        if text := _pairs(values):
            yield title, text
    if case.timing:
        yield "warm-up", f"{case.timing.warmup_ended_by}: {case.timing.warmup_rule}"
        yield "stopped by", case.timing.stopped_by
    for line in load_lines(case.load) if case.load else ():
        yield "load", line
    if case.score and case.score.total is not None:
        yield "score", f"{case.score.total:.3f}"
    if case.fingerprint:
        yield "fingerprint", case.fingerprint


def _pairs(values: Mapping[str, Any]) -> str:
    """`name=value` of all that are known."""
    return ", ".join(
        f"{name}={_value(value)}" for name, value in values.items() if value not in (None, [], {})
    )


def _value(value: Any) -> str:
    if isinstance(value, float):
        return shown(value)
    if isinstance(value, list):
        return "; ".join(map(_value, value))
    return cut(" ".join(str(value).split()), LONGEST_VALUE)


def metric_text(metric: Metric) -> str:
    """Value, unit, interval and what it rests on; or why there is none."""
    if metric.value is None:
        return f"{metric.status.value}: {' '.join((metric.error_message or '').split())}"
    parts = [f"{shown(metric.value)} {metric.unit}".strip()]
    if metric.interval is not None:
        low, high = ("?" if end is None else shown(end) for end in metric.interval)
        confidence = as_number(metric.metadata.get("confidence"))
        level = f" at {100 * confidence:g} %" if confidence is not None else ""
        parts.append(f"[{low}, {high}]{level}")
    return "  ".join([*parts, *_notes(metric.metadata)])


def _notes(metadata: Mapping[str, Any]) -> Sequence[str]:
    """What else stands with the value."""
    told = ("interval", "confidence", "samples")
    samples = metadata.get("samples")
    count = [f"of {samples}"] if isinstance(samples, int) else []
    others = _pairs({name: one for name, one in metadata.items() if name not in told})
    return [*count, f"({others})"] if others else count
