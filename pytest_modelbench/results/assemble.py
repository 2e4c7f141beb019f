"""From the results of cases to the run document."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from pytest_modelbench.catalogue import STANDARD_METRICS, unit_of
from pytest_modelbench.judge.scoring import leaderboard, score_cases
from pytest_modelbench.registry import Candidate
from pytest_modelbench.results.metric import Metric, skipped
from pytest_modelbench.results.run import (
    SCHEMA_VERSION,
    BenchmarkCandidate,
    BenchmarkRun,
    CaseResult,
    RunMetadata,
    StandardMetrics,
    SuiteRecord,
    SystemInfo,
)
from pytest_modelbench.suite.document import Criterion
from pytest_modelbench.suite.load import LoadedSuite


def assemble_run(
    metadata: RunMetadata,
    system: SystemInfo,
    suites: Sequence[tuple[LoadedSuite, Sequence[CaseResult]]],
    problems: Iterable[str] = (),
    unused_candidates: Iterable[Candidate] = (),
) -> BenchmarkRun:
    """Score each suite's cases and put everything into one document."""
    records: list[SuiteRecord] = []
    cases: list[CaseResult] = []
    candidates: dict[tuple[str, str], Candidate] = {}
    for loaded, results in suites:
        scored = score_cases(named_criteria(loaded), results)
        records.append(_record(loaded, scored))
        cases.extend(scored)
        models = {result.model for result in results}
        for case in loaded.cases:
            if case.candidate.version in models:
                candidates[case.candidate.version, case.candidate.model_path] = case.candidate
    for candidate in unused_candidates:
        candidates.setdefault((candidate.version, candidate.model_path), candidate)
    return BenchmarkRun(
        schema_version=SCHEMA_VERSION,
        metadata=metadata,
        system_info=system,
        suites=records,
        candidates=[_candidate(one, cases) for one in candidates.values()],
        cases=cases,
        problems=list(problems),
    )


def named_criteria(loaded: LoadedSuite) -> list[tuple[str, Criterion]]:
    """A suite's criteria with their ids."""
    suite = loaded.suite
    return [(suite.criterion_id(index), one) for index, one in enumerate(suite.criteria)]


def _record(loaded: LoadedSuite, cases: Sequence[CaseResult]) -> SuiteRecord:
    return SuiteRecord(
        id=loaded.id,
        file=str(loaded.file),
        description=loaded.suite.description,
        digest=hashlib.blake2b(loaded.file.read_bytes(), digest_size=16).hexdigest(),
        criteria=[
            {**criterion.model_dump(mode="json", exclude_defaults=True), "id": name}
            for name, criterion in named_criteria(loaded)
        ],
        leaderboard=leaderboard(cases),
    )


def _candidate(candidate: Candidate, cases: Sequence[CaseResult]) -> BenchmarkCandidate:
    mine = [
        case
        for case in cases
        if (case.model, case.model_path) == (candidate.version, candidate.model_path)
    ]
    standard: dict[str, Any] = {name: _standard(name, mine) for name in STANDARD_METRICS}
    return BenchmarkCandidate(
        version=candidate.version,
        model_type=candidate.model_type,
        model_path=candidate.model_path,
        base_model=candidate.base_model,
        quantization=candidate.quantization,
        distilled_from=candidate.distilled_from,
        file_size_mb=candidate.file_size_mb,
        metrics=StandardMetrics(**standard),
    )


def _standard(name: str, cases: Sequence[CaseResult]) -> Metric:
    """From the first case, in the suite's order, that measured it; else the first case's reason."""
    having = [case for case in cases if name in case.metrics]
    measured_ones = [case for case in having if case.metrics[name].is_ok]
    for case in [*measured_ones, *having][:1]:
        metric = case.metrics[name]
        return metric.model_copy(update={"metadata": {**metric.metadata, "case": case.id}})
    return skipped("no case of this candidate was run", unit_of(name))
