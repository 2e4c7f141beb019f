"""One case from its description to its result."""

from __future__ import annotations

import importlib.util
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.load import load_samples
from pytest_modelbench.datasets.samples import Sample, SampleSet
from pytest_modelbench.errors import ModelbenchError, Unavailable, as_text, one_line
from pytest_modelbench.execution.blank import blank_result, identity
from pytest_modelbench.execution.fingerprint import fingerprint
from pytest_modelbench.execution.measurement import Measurement
from pytest_modelbench.execution.residents import Resident, Residents
from pytest_modelbench.execution.summary import summarize
from pytest_modelbench.measure.ram import PeakRam
from pytest_modelbench.measure.timing import steady_state, warm_up
from pytest_modelbench.measure.vram import PeakVram
from pytest_modelbench.redaction import masked
from pytest_modelbench.results.fields import jsonable
from pytest_modelbench.results.metric import Metric, measured, skipped
from pytest_modelbench.results.run import CaseResult, Conditions
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Prediction, Runner


def execute(
    case: Case, residents: Residents, worker: str = "main", engine: str = "inline"
) -> CaseResult:
    """Measure `case`. Whatever goes wrong is in the result; only an interrupt is raised."""
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    clock = time.perf_counter()
    load_before = load_average()
    try:
        result = _measure(case, residents)
    except Unavailable as reason:
        result = blank_result(case, "skipped", str(reason))
    except (Exception, SystemExit) as error:
        # After an error nothing is known about the loaded model: the next case loads its own.
        with suppress(Exception):  # the first fault is the one to tell
            residents.close()
        result = blank_result(case, "error", one_line(error), trace=as_text(error))
    except BaseException:  # an interrupt, or a timeout plugin's way of ending a test
        residents.close()
        raise
    return result.model_copy(
        update={
            "started_at": started,
            "duration_seconds": time.perf_counter() - clock,
            "worker": worker,
            "engine": engine,
            "conditions": Conditions(
                workers=int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")),
                load_average_start=load_before,
                load_average_end=load_average(),
            ),
        }
    )


def load_average() -> float | None:
    """Runnable processes, mean of the last minute; None where the system does not say."""
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):
        return None


def _measure(case: Case, residents: Residents) -> CaseResult:
    runner = RUNNERS.get(case.runner)()
    _check_environment(case)
    _import_requirements(case, runner)
    _check_model_files(case)
    runner.check_device(case.device)
    runner.fetch(case.candidate, case.params)
    sample_set = load_samples(case.dataset, case.base_dir, runner.input_kind)
    residents.make_room(case)
    seen = Measurement(case, runner, sample_set)
    with ExitStack() as meters:
        ram = meters.enter_context(PeakRam())
        vram = _vram_meter(case, meters)
        resident = residents.get(case, runner)
        _time_calls(seen, resident)
        seen.memory = {**_ram_metrics(ram, resident), "peak_vram_mb": _vram_metric(vram)}
    _finish(seen, resident)
    metrics = summarize(seen, resident)
    failures = sum(prediction is None for prediction in seen.predictions)
    return CaseResult(
        **identity(case),
        dataset=masked(_dataset_record(case, sample_set)),
        status="error" if seen.first_error else "ok",
        detail=_failure_text(seen, failures),
        trace=as_text(seen.first_error),
        started_at=None,
        duration_seconds=0.0,
        worker="main",
        engine="inline",
        fingerprint=fingerprint(case, runner, sample_set.samples),
        timed=resident.session.timed,
        properties=masked(jsonable(resident.session.properties)),
        conditions=None,
        metrics=metrics,
        bounds=[],
        score=None,
        rank=None,
    )


def _check_environment(case: Case) -> None:
    for name in case.env:
        if not os.environ.get(name):
            raise Unavailable(f"environment variable {name} is not set")


def _import_requirements(case: Case, runner: Runner) -> None:
    """Import now what loading would import, so that neither its time nor its memory is counted."""
    for requirement in runner.requirements(case.params):
        try:
            found = importlib.util.find_spec(requirement.module) is not None
        except ModuleNotFoundError:  # its parent package is absent
            found = False
        if not found:
            package = requirement.pip_name or requirement.module
            other = f"; or {requirement.alternative}" if requirement.alternative else ""
            raise Unavailable(f"{package} is not installed: {requirement.install_line}{other}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a library about itself, which no user can mend
            import_module(requirement.module)


def _check_model_files(case: Case) -> None:
    path = Path(case.candidate.model_path)
    if path.is_absolute() and not path.exists():
        raise ModelbenchError(f"model path does not exist: {path}")


def _time_calls(seen: Measurement, resident: Resident) -> None:
    session = resident.session
    prepared: list[list[Any]] = []
    size = max(1, int(session.batch_size))
    usable = list(_prepared(seen, resident))
    for start in range(0, len(usable), size):
        part = usable[start : start + size]
        seen.batches.append([sample for sample, _ in part])
        prepared.append([value for _, value in part])
    if not prepared:
        return
    first = warm_up(session.predict, prepared, seen.case.measure)
    if resident.cases_served == 1:
        resident.first_call_ns = first
    seen.calls = steady_state(session.predict, prepared, seen.case.measure)


def _prepared(seen: Measurement, resident: Resident) -> Iterator[tuple[Sample, Any]]:
    for sample in seen.sample_set.samples:
        try:
            yield sample, resident.session.prepare(sample)
        except Exception as error:
            seen.unprepared[sample.id] = error


def _finish(seen: Measurement, resident: Resident) -> None:
    """Turn answers into predictions, in the order of the samples."""
    by_id: dict[str, Prediction | None] = {}
    errors: list[Exception] = list(seen.unprepared.values())
    for index, batch in enumerate(seen.batches):
        answers = seen.calls.answers[index]
        if answers is None:
            errors.append(seen.calls.errors[index])
            continue
        for sample, answer in zip(batch, answers, strict=True):
            try:
                by_id[sample.id] = _checked(resident.session.finish(sample, answer))
            except Exception as error:
                errors.append(error)
    seen.predictions = [by_id.get(sample.id) for sample in seen.sample_set.samples]
    if seen.calls.late_error is not None:
        errors.append(seen.calls.late_error)
    seen.first_error = errors[0] if errors else None
    if not by_id and errors:
        raise errors[0]


def _checked(prediction: Any) -> Prediction:
    if isinstance(prediction, Prediction):
        return prediction
    raise ModelbenchError(
        f"the runner's finish gave a {type(prediction).__name__}: it must give a Prediction"
    )


def _failure_text(seen: Measurement, failures: int) -> str:
    if seen.first_error is None:
        return ""
    cause = one_line(seen.first_error)
    if not failures:
        return f"a sample that was answered at first failed when it was timed again: {cause}"
    return f"{failures} of {len(seen.predictions)} samples failed, the first with: {cause}"


def _ram_metrics(ram: PeakRam, resident: Resident) -> dict[str, Metric]:
    """Against the memory before the model was loaded, be it for this case or an earlier one."""
    peak, baseline = ram.peak_bytes() / 1e6, resident.baseline_bytes / 1e6
    notes = {"baseline_mb": round(baseline, 3), "method": ram.method, "scope": "this process"}
    if resident.cases_served > 1:
        notes["reused"] = True
    return {
        "peak_ram_mb": measured(peak, "MB", **notes),
        "ram_increase_mb": measured(max(0.0, peak - baseline), "MB", **notes),
    }


def _vram_meter(case: Case, meters: ExitStack) -> PeakVram | Unavailable:
    try:
        return meters.enter_context(PeakVram(case.device))
    except Unavailable as reason:
        return reason


def _vram_metric(meter: PeakVram | Unavailable) -> Metric:
    if isinstance(meter, Unavailable):
        return skipped(str(meter), "MB")
    try:
        return measured(meter.peak_bytes() / 1e6, "MB", method="NVML, sampled")
    except Unavailable as reason:
        return skipped(str(reason), "MB")


def _dataset_record(case: Case, sample_set: SampleSet) -> dict[str, Any]:
    return {
        **case.dataset.describe(),
        "reference_column": sample_set.reference_column,
        "used_rows": len(sample_set.samples),
        "unusable_rows": sample_set.unusable_count,
        "unusable": [{"row": one.row, "reason": one.reason} for one in sample_set.unusable],
    }
