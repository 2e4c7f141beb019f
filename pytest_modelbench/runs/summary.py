"""A run without all that is long, so that thousands of them can be listed in a second.

It lies beside the run file and can be made from it at any time; nothing else rests on it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.results.store import write_atomically

if TYPE_CHECKING:
    from pytest_modelbench.results.metric import Metric
    from pytest_modelbench.results.run import BenchmarkRun, CaseResult, SystemInfo
    from pytest_modelbench.runs.folder import RunFolder

VERSION = 5
"""Summaries of another one are made anew."""


@dataclass(frozen=True)
class MetricSummary:
    """A metric that was measured."""

    value: float
    unit: str
    low: float | None
    high: float | None
    """The ends of its interval; None where there is none."""
    is_client_limited: bool
    """Whether it says how fast the client was, and nothing of the endpoint."""


@dataclass(frozen=True)
class CaseSummary:
    """A case with its numbers."""

    id: str
    suite: str
    model: str
    device: str
    status: str
    detail: str
    failed_bounds: int
    rank: int | None
    score: float | None
    fingerprint: str | None
    digests: Mapping[str, str] | None
    """What the fingerprint is made of, as in the run file."""
    is_disturbed: bool
    """Whether something is known to have gone on beside it, or its calls never became steady."""
    is_taken_over: bool
    """Whether it was measured in an earlier session, and not in this one."""
    duration_seconds: float
    metrics: Mapping[str, MetricSummary] = field(default_factory=dict)


@dataclass(frozen=True)
class RunSummary:
    """A run with its cases."""

    version: int
    size: int
    """Of the run file that it was made from, in bytes; with another one it is out of date."""
    metadata: Mapping[str, Any]
    """As in the run file."""
    hostname: str
    cpu_info: str
    machine: str
    """What timed calls depend on, in one text: equal for machines that can be compared."""
    suites: list[str]
    """Their ids."""
    regressions: int
    problems: int
    compared_seconds: Mapping[str, float]
    """Of comparisons of sides, by id: measuring in turn, after each side by itself."""
    cases: list[CaseSummary]


def summary_of(run: BenchmarkRun, size: int) -> RunSummary:
    """What of `run`, whose file has so many bytes, stands in its summary."""
    return RunSummary(
        version=VERSION,
        size=size,
        metadata=run.metadata.model_dump(mode="json"),
        hostname=run.system_info.hostname,
        cpu_info=run.system_info.cpu_info,
        machine=_machine(run.system_info),
        suites=[suite.id for suite in run.suites],
        regressions=sum(
            verdict.outcome == "regression"
            for comparison in run.comparisons
            for verdict in comparison.verdicts
        ),
        problems=len(run.problems),
        compared_seconds={
            one.id: one.duration_seconds for one in run.comparisons if one.kind == "paired"
        },
        cases=[_case(case) for case in run.cases],
    )


def _machine(system: SystemInfo) -> str:
    """Not the host's name, which a CI machine has anew each time, nor the kernel's build."""
    limit = "" if system.cpu_limit is None else f" limited to {system.cpu_limit:g}"
    parts = (system.platform, f"{system.cpu_count} x {system.cpu_info}{limit}", system.gpu_info)
    return ", ".join(filter(None, parts))


def _case(case: CaseResult) -> CaseSummary:
    return CaseSummary(
        id=case.id,
        suite=case.suite,
        model=case.model,
        device=case.device,
        status=case.status,
        detail=case.detail,
        failed_bounds=sum(check.outcome == "failed" for check in case.bounds),
        rank=case.rank,
        score=case.score.total if case.score else None,
        fingerprint=case.fingerprint,
        digests=case.digests.model_dump() if case.digests else None,
        is_disturbed=case.is_disturbed,
        is_taken_over=case.is_taken_over,
        duration_seconds=case.duration_seconds,
        metrics={
            name: summary
            for name, metric in case.metrics.items()
            if (summary := _metric(metric)) is not None
        },
    )


def _metric(metric: Metric) -> MetricSummary | None:
    if metric.value is None:
        return None
    low, high = metric.interval or (None, None)
    return MetricSummary(metric.value, metric.unit, low, high, metric.is_client_limited)


def write_summary(run: BenchmarkRun, folder: RunFolder) -> RunSummary:
    """Put it beside the run file; where that is impossible it is made anew each time."""
    summary = summary_of(run, folder.run_file.stat().st_size)
    with suppress(ModelbenchError):
        write_atomically(folder.summary_file, json.dumps(asdict(summary), ensure_ascii=False))
    return summary


def summary_document(folder: RunFolder) -> dict[str, Any] | None:
    """A `RunSummary` as plain JSON, made from the run file if need be; None without a usable run.

    For thousands of runs there is no time for more, and a summary that lies there is taken at its
    word: it is ours.
    """
    try:
        size = folder.run_file.stat().st_size
    except OSError:
        return None
    with suppress(OSError, ValueError, TypeError, KeyError):
        found: dict[str, Any] = json.loads(folder.summary_file.read_bytes())
        if found["version"] == VERSION and found["size"] == size:
            return found
    made = _made(folder)
    return None if made is None else asdict(made)


def _made(folder: RunFolder) -> RunSummary | None:
    from pytest_modelbench.results.find_run import read_run

    run = read_run(folder.run_file)
    return None if run is None else write_summary(run, folder)
