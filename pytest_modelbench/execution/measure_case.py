"""A case's way: made ready, loaded, given its samples portion by portion, summed up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Any

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.load import SampleReader
from pytest_modelbench.datasets.portions import divided, portions
from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.errors import ModelbenchError, as_text, one_line
from pytest_modelbench.execution.blank import identity
from pytest_modelbench.execution.calls import Calls, calls_of
from pytest_modelbench.execution.fingerprint import Fingerprint
from pytest_modelbench.execution.measurement import Measurement
from pytest_modelbench.execution.outputs_file import write_outputs
from pytest_modelbench.execution.quality import quality_of
from pytest_modelbench.execution.readiness import make_ready
from pytest_modelbench.execution.residents import Resident, Residents
from pytest_modelbench.execution.summary import summarize
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.measure.machine_load import MachineLoad
from pytest_modelbench.redaction import masked
from pytest_modelbench.results.fields import jsonable
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.results.sample_record import record_of_samples
from pytest_modelbench.results.timing_record import record_of_calls
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Prediction, part_of


def measure_case(case: Case, residents: Residents, machine: MachineLoad) -> CaseResult:
    """Measure `case`; `machine` sees what else went on. Raises what made that impossible."""
    runner = RUNNERS.get(case.runner)()
    turns = residents.turns
    with turns.busy():
        make_ready(case, runner)
        reader = SampleReader(case.dataset, case.base_dir, runner.input_kind)
        digest = Fingerprint(case, runner)
        with closing(portions(reader)) as parts:
            first = next(parts)  # decoded before anything is loaded or measured
            resident = residents.get(case, runner)
            calls = calls_of(resident.session, case.measure)
            seen = Measurement(case, runner, resident.session, calls.timed)
            course = _Course(seen, calls, resident, turns, machine)
            for samples, is_last in chain([first], parts):
                digest.add(samples)
                course.go_through(samples, is_last=is_last)
        seen.memory = resident.meters.metrics(seen.items)
        if seen.calls.late_error is not None:
            seen.fail(seen.calls.late_error)
        if not seen.answered and seen.first_error is not None:
            raise seen.first_error
        return _result(seen, resident, reader, digest)


_Asked = tuple[Sample, int, Any]
"""A sample on its way through the model, its place among all, and what was prepared of it."""


class _Course:
    """Takes portions of the dataset through preparing, timed calls and finishing."""

    def __init__(
        self,
        seen: Measurement,
        calls: Calls,
        resident: Resident,
        turns: Turns,
        machine: MachineLoad,
    ) -> None:
        self._seen = seen
        self._calls = calls
        self._resident = resident
        self._turns = turns
        self._machine = machine
        self._size = max(1, int(resident.session.batch_size))
        self._bytes_each = part_of(resident.session, "prepared_bytes")
        self._prepare_batch = part_of(resident.session, "prepare_batch")
        self._left: list[_Asked] = []
        """Prepared, but too few for a batch while more is to come."""

    def go_through(self, samples: Sequence[Sample], *, is_last: bool) -> None:
        """Samples of which too many would be held once they are prepared come in parts."""
        parts = list(divided(samples, self._bytes_each))
        for number, part in enumerate(parts, 1):
            self._go_through(part, is_last=is_last and number == len(parts))

    def _go_through(self, samples: Sequence[Sample], *, is_last: bool) -> None:
        asked = [*self._left, *self._prepared(samples)]
        whole = len(asked) if is_last else len(asked) - len(asked) % self._size
        asked, self._left = asked[:whole], asked[whole:]
        batches = [asked[at : at + self._size] for at in range(0, whole, self._size)]
        put_together = [one for batch in batches for one in self._put_together(batch)]
        if put_together:
            self._time(put_together, is_last=is_last)

    def _prepared(self, samples: Sequence[Sample]) -> Iterator[_Asked]:
        prepare = self._seen.session.prepare
        for sample in samples:
            place = self._seen.expect(sample)
            try:
                yield sample, place, prepare(sample)
            except Exception as error:
                self._seen.fail(error)

    def _put_together(self, batch: list[_Asked]) -> Iterator[tuple[list[_Asked], Sequence[Any]]]:
        """The batch, and what its call gets; nothing when it cannot be made."""
        try:
            yield batch, self._prepare_batch([value for _, _, value in batch])
        except Exception as error:
            self._seen.fail(error)

    def _time(
        self, together: Sequence[tuple[list[_Asked], Sequence[Any]]], *, is_last: bool
    ) -> None:
        seen, meters = self._seen, self._resident.meters
        batches, prepared = [batch for batch, _ in together], [given for _, given in together]
        with self._turns.alone(seen.case.device):
            if seen.warm_up is None:
                with meters.phase("warmup"):
                    seen.warm_up = self._calls.warm_up(prepared)
                if self._resident.cases_served == 1:
                    self._resident.first_call_ns = seen.warm_up.first_ns
            with meters.phase("steady"), self._machine:
                portion = self._calls.portion(prepared, is_last=is_last)
        for batch, answers, repeats in zip(batches, portion.answers, portion.repeats, strict=True):
            if isinstance(answers, Exception):
                seen.fail(answers)
            else:
                seen.count_calls([sample for sample, _, _ in batch], 1 + repeats)
                self._finish(batch, answers, 1 + repeats)

    def _finish(self, batch: Sequence[_Asked], answers: Sequence[Any], calls: int) -> None:
        seen, finish = self._seen, self._seen.session.finish
        for (sample, place, _), answer in zip(batch, answers, strict=True):
            try:
                prediction = finish(sample, answer)
                if not isinstance(prediction, Prediction):
                    raise ModelbenchError(
                        f"the runner's finish gave a {type(prediction).__name__}: "
                        "it must give a Prediction"
                    )
                seen.answer(place, prediction, calls)
            except Exception as error:
                seen.fail(error)


def _result(
    seen: Measurement, resident: Resident, reader: SampleReader, digest: Fingerprint
) -> CaseResult:
    scores, terms = quality_of(seen, reader.reference_column is not None)
    if seen.case.outputs_file is not None:
        write_outputs(seen.case.outputs_file, seen.values())
    return CaseResult(
        **identity(seen.case),
        dataset=masked(_dataset_record(seen, reader)),
        status="error" if seen.first_error else "ok",
        detail=_failure_text(seen),
        trace=as_text(seen.first_error),
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
        digests=digest.digests(),
        metrics=summarize(seen, resident, scores),
        bounds=[],
        score=None,
        rank=None,
    )


def _failure_text(seen: Measurement) -> str:
    if seen.first_error is None:
        return ""
    cause = one_line(seen.first_error)
    failures = seen.sample_count - seen.answered
    if not failures:
        return f"a sample that was answered at first failed when it was timed again: {cause}"
    return f"{failures} of {seen.sample_count} samples failed, the first with: {cause}"


def _dataset_record(seen: Measurement, reader: SampleReader) -> dict[str, Any]:
    return {
        **seen.case.dataset.describe(),
        "reference_column": reader.reference_column,
        "used_rows": seen.sample_count,
        "unusable_rows": reader.unusable_count,
        "unusable": [{"row": one.row, "reason": one.reason} for one in reader.unusable],
    }
