"""From manifests and the results of cases to the run document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_modelbench.catalogue import STANDARD_METRICS, unit_of
from pytest_modelbench.judge.scores.scoring import leaderboard, score_cases
from pytest_modelbench.recording.manifest import Manifest, criteria_of
from pytest_modelbench.results.candidate import BenchmarkCandidate, StandardMetrics
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.metric import Metric, skipped
from pytest_modelbench.results.run import (
    BenchmarkRun,
    CaseResult,
    RunMetadata,
    SuiteRecord,
    SystemInfo,
)


def assemble_run(
    metadata: RunMetadata,
    system: SystemInfo,
    suites: Iterable[tuple[Manifest, Sequence[CaseResult]]],
    problems: Iterable[str] = (),
    candidates: Iterable[Mapping[str, Any]] = (),
    comparisons: Iterable[Comparison] = (),
) -> BenchmarkRun:
    """Score each suite's cases and put everything into one document.

    `candidates` are further models to list, although no case measures them.
    """
    records: list[SuiteRecord] = []
    cases: list[CaseResult] = []
    models = {(one["version"], one["model_path"]): one for one in candidates}
    for manifest, results in suites:
        scored = score_cases(criteria_of(manifest), results)
        records.append(_suite_record(manifest, scored))
        cases.extend(scored)
        models |= {(one["version"], one["model_path"]): one for one in manifest["candidates"]}
    return BenchmarkRun(
        schema_version="1",
        metadata=metadata,
        system_info=system,
        suites=records,
        candidates=[_candidate(one, cases) for one in models.values()],
        cases=cases,
        comparisons=list(comparisons),
        problems=list(problems),
    )


def _suite_record(manifest: Manifest, cases: Sequence[CaseResult]) -> SuiteRecord:
    return SuiteRecord(
        id=manifest["id"],
        file=manifest["file"],
        description=manifest["description"],
        digest=manifest["digest"],
        criteria=manifest["criteria"],
        leaderboard=leaderboard(cases),
    )


def _candidate(model: Mapping[str, Any], cases: Sequence[CaseResult]) -> BenchmarkCandidate:
    name = (model["version"], model["model_path"])
    mine = [case for case in cases if (case.model, case.model_path) == name]
    standard: dict[str, Any] = {metric: _standard(metric, mine) for metric in STANDARD_METRICS}
    return BenchmarkCandidate(**model, metrics=StandardMetrics(**standard))


def _standard(name: str, cases: Sequence[CaseResult]) -> Metric:
    """From the first case, in the suite's order, that measured it; else the first case's reason."""
    having = [case for case in cases if name in case.metrics]
    measured_ones = [case for case in having if case.metrics[name].is_ok]
    for case in [*measured_ones, *having][:1]:
        metric = case.metrics[name]
        return metric.model_copy(update={"metadata": {**metric.metadata, "case": case.id}})
    return skipped("no case of this candidate was run", unit_of(name))
