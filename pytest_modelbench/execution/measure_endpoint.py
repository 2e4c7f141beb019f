"""A case whose model answers over HTTP: its samples are asked under load, then summed up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from typing import cast

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.load import SampleReader
from pytest_modelbench.datasets.portions import portions
from pytest_modelbench.endpoints.contract import EndpointError, EndpointRunner, EndpointSession
from pytest_modelbench.errors import one_line
from pytest_modelbench.execution.case_result import result_of
from pytest_modelbench.execution.endpoint_course import EndpointCourse
from pytest_modelbench.execution.endpoint_samples import EndpointSamples
from pytest_modelbench.execution.endpoint_summary import endpoint_metrics
from pytest_modelbench.execution.fingerprint import Fingerprint
from pytest_modelbench.execution.kept import KeptAnswers
from pytest_modelbench.execution.measurement import Measurement
from pytest_modelbench.execution.quality import quality_of
from pytest_modelbench.execution.residents import Residents
from pytest_modelbench.measure.timing import TimedCalls
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.runs.live import LiveFile


def measure_endpoint(
    case: Case,
    runner: EndpointRunner,
    reader: SampleReader,
    digest: Fingerprint,
    residents: Residents,
    live: LiveFile,
) -> CaseResult:
    """Measure `case`, which is ready. Raises what made that impossible."""
    with closing(portions(reader)) as parts, ExitStack() as leaving:
        first = next(parts)
        live.enter("loading")
        resident = residents.get(case, runner)
        session = cast(EndpointSession, resident.session)
        kept = leaving.enter_context(closing(KeptAnswers(case, digest.facts(), live)))
        samples = EndpointSamples(session.endpoint, kept)
        for part, _ in chain([first], parts):
            samples.add(part, digest.add(part))
        kept.total = len(samples)
        course = EndpointCourse(case, runner, session, samples, kept)
        # The client needs the processor for itself, to be in time.
        with residents.turns.alone("CPU"), _watched(session):
            outcome = course.run()
    seen = Measurement(case, runner, session, TimedCalls())
    told = samples.tell(seen)
    if not seen.answered and seen.first_error is not None:
        raise _of_all(seen, seen.first_error)
    live.enter("scoring")
    record = None
    if outcome is not None:
        if seen.fatal_error is None and (fault := outcome.failed_requests(_tolerated(seen))):
            seen.fail(EndpointError(fault))
        seen.warm_up, seen.calls = outcome.warm_up, outcome.calls(len(told))
        record = outcome.record()
    scores, terms = quality_of(seen, reader.reference_column is not None)
    metrics = endpoint_metrics(seen, resident, outcome, scores)
    return result_of(seen, reader, digest, metrics, terms, kept.record(), record, told)


def _of_all(seen: Measurement, error: Exception) -> Exception:
    """Why no sample has an answer."""
    if seen.sample_count < 2 or not isinstance(error, EndpointError):
        return error
    text = f"none of {seen.sample_count} samples was answered, the first with: {one_line(error)}"
    return EndpointError(text)


def _tolerated(seen: Measurement) -> float:
    """The share of requests that may fail."""
    samples = seen.failures_tolerated / max(1, seen.sample_count)
    slo = seen.case.load.slo if seen.case.load is not None else None
    return max(samples, slo.max_error_share if slo is not None else 0.0)


@contextmanager
def _watched(session: EndpointSession) -> Iterator[None]:
    """What a server that was started needs to answer. Raises `ServerError` when it has ended."""
    server = session.server
    if server is not None:
        server.check()
        server.memory.begin_window()
    yield
    if server is not None:
        server.memory.end_window()
        server.check()
