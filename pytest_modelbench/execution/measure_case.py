"""A case's way: made ready, loaded, given its samples portion by portion, summed up."""

from __future__ import annotations

from contextlib import ExitStack, closing
from itertools import chain
from typing import Any

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.load import SampleReader
from pytest_modelbench.datasets.portions import portions
from pytest_modelbench.errors import as_text, one_line
from pytest_modelbench.execution.asking import Asking
from pytest_modelbench.execution.blank import identity
from pytest_modelbench.execution.calls import calls_of
from pytest_modelbench.execution.fingerprint import Fingerprint
from pytest_modelbench.execution.kept import KeptAnswers
from pytest_modelbench.execution.measurement import Measurement
from pytest_modelbench.execution.outputs_file import write_outputs
from pytest_modelbench.execution.quality import quality_of
from pytest_modelbench.execution.readiness import make_ready
from pytest_modelbench.execution.residents import Resident, Residents
from pytest_modelbench.execution.summary import summarize
from pytest_modelbench.measure.machine_load import MachineLoad
from pytest_modelbench.redaction import masked
from pytest_modelbench.results.fields import jsonable
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.results.sample_record import FailedSamples, record_of_samples
from pytest_modelbench.results.timing_record import record_of_calls
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runs.live import LiveFile


def measure_case(
    case: Case, residents: Residents, machine: MachineLoad, live: LiveFile
) -> CaseResult:
    """Measure `case`; `machine` sees what else went on, `live` shows how far it is.

    Raises what made that impossible.
    """
    runner = RUNNERS.get(case.runner)()
    turns = residents.turns
    with turns.busy():
        make_ready(case, runner)
        reader = SampleReader(case.dataset, case.base_dir, runner.input_kind)
        digest = Fingerprint(case, runner)
        with closing(portions(reader)) as parts, ExitStack() as leaving:
            first = next(parts)  # decoded before anything is loaded or measured
            live.enter("loading")
            resident = residents.get(case, runner)
            kept = leaving.enter_context(closing(KeptAnswers(case, digest.facts(), live)))
            calls = calls_of(resident.session, case.measure, kept.tick)
            seen = Measurement(case, runner, resident.session, calls.timed)
            asking = Asking(seen, calls, resident, turns, machine, kept)
            for samples, is_last in chain([first], parts):
                asking.go_through(samples, digest.add(samples), is_last=is_last)
        seen.memory = resident.meters.metrics(seen.items)
        if seen.calls.late_error is not None:
            seen.fail(seen.calls.late_error)
        if not seen.answered and seen.first_error is not None:
            raise seen.first_error
        live.enter("scoring")
        result = _result(seen, resident, reader, digest)
        return result.model_copy(update={"taken_over": kept.record()})


def _result(
    seen: Measurement, resident: Resident, reader: SampleReader, digest: Fingerprint
) -> CaseResult:
    scores, terms = quality_of(seen, reader.reference_column is not None)
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
        samples=record_of_samples(digest.ids, seen.outputs, terms) if seen.keeps_outputs else None,
        failed_samples=_failed_samples(seen),
        digests=digest.digests(),
        taken_over=[],
        metrics=summarize(seen, resident, scores),
        bounds=[],
        score=None,
        rank=None,
    )


def _failure_text(seen: Measurement) -> str:
    if seen.fatal_error is None:
        return ""
    if seen.failed <= seen.failures_tolerated and seen.other_error is not None:
        cause = one_line(seen.other_error)
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
        "unusable": [{"row": one.row, "reason": one.reason} for one in reader.unusable],
    }
