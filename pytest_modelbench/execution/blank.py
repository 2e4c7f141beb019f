"""A case's result when nothing was measured: every metric it could have had, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from pytest_modelbench.case import Case
from pytest_modelbench.catalogue import STANDARD_METRICS, TIMING_METRICS, metric_name, unit_of
from pytest_modelbench.errors import ModelbenchError, encodable
from pytest_modelbench.redaction import masked
from pytest_modelbench.results.fields import jsonable
from pytest_modelbench.results.metric import Metric, failed, skipped
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.runners.declared import metrics_of_runner
from pytest_modelbench.runners.suited import runner_for

Status = Literal["skipped", "error"]


def blank_result(case: Case, status: Status, reason: str, trace: str | None = None) -> CaseResult:
    """A result in which every metric of `case` has `status` and `reason`."""
    return blank_from(identity(case), expected_metrics(case), status, reason, trace)


def blank_from(
    identity: Mapping[str, Any],
    metric_names: Iterable[str],
    status: Status,
    reason: str,
    trace: str | None = None,
) -> CaseResult:
    """The same from a case's identity alone, for a process that never saw the case itself."""
    reason = reason.strip() or "no reason was given"
    make: Callable[[str, str], Metric] = skipped if status == "skipped" else failed
    return CaseResult(
        **identity,
        dataset={},
        status=status,
        detail=reason,
        trace=trace,
        started_at=None,
        duration_seconds=0.0,
        worker="main",
        engine="none",
        fingerprint=None,
        timed="",
        properties={},
        limits=None,
        conditions=None,
        timing=None,
        samples=None,
        failed_samples=None,
        digests=None,
        taken_over=[],
        load=None,
        metrics={name: make(reason, unit_of(name)) for name in metric_names},
        bounds=[],
        score=None,
        rank=None,
    )


def identity(case: Case) -> dict[str, Any]:
    """The fields of a result that say which case it is."""
    return {
        "id": case.id,
        "suite": case.suite_id,
        "benchmark": case.benchmark_id,
        "runner": case.runner,
        "model": case.candidate.version,
        "model_path": encodable(case.candidate.model_path),
        "device": case.device,
        "params": masked(jsonable(case.params)),
    }


def expected_metrics(case: Case) -> list[str]:
    """The names a full result of `case` has, in order."""
    try:
        runner = runner_for(case.runner, case.params)
        own = sorted(metrics_of_runner(runner, quality=case.quality is None))
    except ModelbenchError:
        own = []
    quality = [metric_name(name) for name in case.quality or ()]
    return list(dict.fromkeys([*TIMING_METRICS, *own, *quality, *STANDARD_METRICS]))
