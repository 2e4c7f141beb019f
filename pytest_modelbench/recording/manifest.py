"""What a session set out to do, in plain JSON: it travels from workers to the controller.

Under xdist the controller collects nothing itself. It learns from the manifest which cases there
are, so that one whose worker died, or that never ran, still has its place in the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypedDict, cast

from pytest_modelbench.case import Case
from pytest_modelbench.errors import encodable
from pytest_modelbench.execution.blank import Status, blank_from, expected_metrics, identity
from pytest_modelbench.registry import Candidate
from pytest_modelbench.results.criterion_record import CriterionRecord
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.suite.document import Criterion
from pytest_modelbench.suite.load import LoadedSuite


class ManifestCase(TypedDict):
    nodeid: str
    identity: dict[str, Any]


class Manifest(TypedDict):
    """One suite and the cases of it that were selected."""

    id: str
    file: str
    description: str
    digest: str
    criteria: list[CriterionRecord]
    candidates: list[dict[str, Any]]
    cases: list[ManifestCase]
    metric_names: dict[str, list[str]]
    """Benchmark to the names of the metrics its cases have."""


def manifest_of(loaded: LoadedSuite, selected: Sequence[tuple[str, Case]]) -> Manifest:
    """The manifest of a suite; `selected` are node ids and cases in the suite's order."""
    candidates = {
        (case.candidate.version, case.candidate.model_path): case.candidate for _, case in selected
    }
    by_benchmark = {case.benchmark_id: case for _, case in selected}
    return {
        "id": loaded.id,
        "file": encodable(str(loaded.file)),
        "description": loaded.suite.description,
        "digest": loaded.digest,
        "criteria": [_record(name, one) for name, one in named_criteria(loaded)],
        "candidates": [candidate_record(one) for one in candidates.values()],
        "cases": [{"nodeid": nodeid, "identity": identity(case)} for nodeid, case in selected],
        "metric_names": {name: expected_metrics(case) for name, case in by_benchmark.items()},
    }


def _record(name: str, criterion: Criterion) -> CriterionRecord:
    given = criterion.model_dump(mode="json", exclude_defaults=True)
    if "goal" in criterion.model_fields_set:  # the default is another thing for some metrics
        given["goal"] = criterion.goal
    return cast(CriterionRecord, {**given, "id": name})


def named_criteria(loaded: LoadedSuite) -> list[tuple[str, Criterion]]:
    """A suite's criteria with their ids."""
    suite = loaded.suite
    return [(suite.criterion_id(index), one) for index, one in enumerate(suite.criteria)]


def criteria_of(manifest: Manifest) -> list[tuple[str, Criterion]]:
    """The same, out of a manifest."""
    return [(one["id"], Criterion.model_validate(one)) for one in manifest["criteria"]]


def candidate_record(candidate: Candidate) -> dict[str, Any]:
    """A candidate's fields as they stand in a run, without its metrics."""
    return {
        "version": candidate.version,
        "model_type": candidate.model_type,
        "model_path": encodable(candidate.model_path),
        "base_model": candidate.base_model,
        "quantization": candidate.quantization,
        "distilled_from": candidate.distilled_from,
        "file_size_mb": candidate.file_size_mb,
    }


def unmeasured(manifest: Manifest, case: ManifestCase, status: Status, reason: str) -> CaseResult:
    """The result of a case about which nothing more is known than that it was selected."""
    names: Iterable[str] = manifest["metric_names"][case["identity"]["benchmark"]]
    return blank_from(case["identity"], names, status, reason)
