"""A case's way: made ready, loaded, given its samples portion by portion, summed up."""

from __future__ import annotations

from contextlib import ExitStack, closing
from itertools import chain

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.load import SampleReader
from pytest_modelbench.datasets.portions import portions
from pytest_modelbench.endpoints.contract import EndpointRunner
from pytest_modelbench.execution.asking import Asking
from pytest_modelbench.execution.calls import calls_of
from pytest_modelbench.execution.case_result import result_of
from pytest_modelbench.execution.fingerprint import Fingerprint
from pytest_modelbench.execution.kept import KeptAnswers
from pytest_modelbench.execution.measure_endpoint import measure_endpoint
from pytest_modelbench.execution.measurement import Measurement
from pytest_modelbench.execution.quality import quality_of
from pytest_modelbench.execution.readiness import make_ready
from pytest_modelbench.execution.residents import Residents
from pytest_modelbench.execution.summary import summarize
from pytest_modelbench.measure.machine_load import MachineLoad
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.runners.contract import input_kind_of
from pytest_modelbench.runners.suited import runner_for
from pytest_modelbench.runs.live import LiveFile


def measure_case(
    case: Case, residents: Residents, machine: MachineLoad, live: LiveFile
) -> CaseResult:
    """Measure `case`; `machine` sees what else went on, `live` shows how far it is.

    Raises what made that impossible.
    """
    runner = runner_for(case.runner, case.params)
    turns = residents.turns
    with turns.busy():
        make_ready(case, runner)
        reader = SampleReader(case.dataset, case.base_dir, input_kind_of(runner, case.params))
        digest = Fingerprint(case, runner)
        if isinstance(runner, EndpointRunner):
            return measure_endpoint(case, runner, reader, digest, residents, live)
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
        # Answers of an earlier session do not time anything.
        if seen.first_error is not None and not (seen.answered and seen.calls.durations_ns):
            raise seen.first_error
        live.enter("scoring")
        scores, terms = quality_of(seen, reader.reference_column is not None)
        metrics = summarize(seen, resident, scores)
        return result_of(seen, reader, digest, metrics, terms, kept.record())
