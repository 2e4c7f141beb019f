"""From what was seen of a case to its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_modelbench.datasets.load import SampleReader
from pytest_modelbench.endpoints.contract import EndpointError
from pytest_modelbench.errors import as_text, encodable, one_line
from pytest_modelbench.execution.blank import identity
from pytest_modelbench.execution.fingerprint import Fingerprint
from pytest_modelbench.execution.measurement import Measurement
from pytest_modelbench.execution.outputs_file import write_outputs
from pytest_modelbench.execution.quality import TermsByMetric
from pytest_modelbench.redaction import masked
from pytest_modelbench.results.fields import jsonable
from pytest_modelbench.results.load_record import LoadRecord
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.run import CaseResult, TakenOver
from pytest_modelbench.results.sample_record import FailedSamples, record_of_samples
from pytest_modelbench.results.timing_record import record_of_calls


def result_of(
    seen: Measurement,
    reader: SampleReader,
    digest: Fingerprint,
    metrics: dict[str, Metric],
    terms: TermsByMetric,
    taken_over: list[TakenOver],
    load: LoadRecord | None = None,
    ids: Sequence[int] | None = None,
) -> CaseResult:
    """The result of `seen`; who executed it, and beside what, is for others to say.

    `ids` are the identities of the samples in `seen`, where these are not the whole dataset.
    """
    ids = digest.ids if ids is None else ids
    if seen.case.outputs_file is not None:
        write_outputs(seen.case.outputs_file, seen.values())
    return CaseResult(
        **identity(seen.case),
        dataset=masked(_dataset_record(seen, reader)),
        status="error" if seen.fatal_error else "ok",
        detail=_failure_text(seen),
        trace=as_text(seen.fatal_error),
        started_at=None,
        duration_seconds=0.0,
        worker="main",
        engine="inline",
        fingerprint=digest.hexdigest(),
        timed=seen.session.timed,
        properties=masked(jsonable(seen.session.properties)),
        limits=None,
        conditions=None,
        timing=None if seen.warm_up is None else record_of_calls(seen.warm_up, seen.calls),
        samples=record_of_samples(ids, seen.outputs, terms) if seen.keeps_outputs else None,
        failed_samples=_failed_samples(seen),
        digests=digest.digests(),
        taken_over=taken_over,
        load=load,
        metrics=metrics,
        bounds=[],
        score=None,
        rank=None,
    )


def _failure_text(seen: Measurement) -> str:
    if seen.fatal_error is None:
        return ""
    if seen.failed <= seen.failures_tolerated and seen.other_error is not None:
        cause = one_line(seen.other_error)
        if isinstance(seen.other_error, EndpointError):
            return cause
        return f"a sample that was answered at first failed when it was timed again: {cause}"
    cause = one_line(seen.fatal_error)
    most = seen.failures_tolerated
    tolerated = f" ({most} tolerated by measure.max_failed_samples)" if most else ""
    return (
        f"{seen.failed} of {seen.sample_count} samples failed{tolerated}, the first with: {cause}"
    )


def _failed_samples(seen: Measurement) -> FailedSamples | None:
    if not seen.failed or seen.first_error is None:
        return None
    return FailedSamples(
        count=seen.failed,
        tolerated=seen.failures_tolerated,
        rows=seen.failed_rows,
        first_error=one_line(seen.first_error),
    )


def _dataset_record(seen: Measurement, reader: SampleReader) -> dict[str, Any]:
    return {
        **seen.case.dataset.describe(),
        "reference_column": reader.reference_column,
        "used_rows": seen.sample_count,
        "unusable_rows": reader.unusable_count,
        "unusable": [{"row": one.row, "reason": encodable(one.reason)} for one in reader.unusable],
    }
