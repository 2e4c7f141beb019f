"""What a case's item requests; a conftest may override `model` and `device`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modelbench.beside.pytest_benchmark import claim, show_in_benchmark
from pytest_modelbench.case import Case
from pytest_modelbench.collection import CaseItem, modelbench_session
from pytest_modelbench.outcome import CaseFailed, failures, warned, warnings
from pytest_modelbench.recording.case_reports import MEASURED, keep_so_far
from pytest_modelbench.redaction import printable
from pytest_modelbench.report.junit import show_in_junit

if TYPE_CHECKING:
    from pytest_modelbench.execution.engine import Engine
    from pytest_modelbench.registry import Candidate
    from pytest_modelbench.results.comparison import Comparison
    from pytest_modelbench.results.run import CaseResult
    from pytest_modelbench.session import ModelbenchSession


@pytest.fixture
def model(request: pytest.FixtureRequest) -> Candidate:
    """The candidate of a case: `version`, `model_path`, `quantization`, ..."""
    candidate: Candidate = _given(request)
    return candidate


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    """The device of a case, such as `CPU` or `GPU.1`."""
    name: str = _given(request)
    return name


def _given(request: pytest.FixtureRequest) -> Any:
    """What a case gives; in tests without that, what another plugin's fixture of the name does."""
    if hasattr(request, "param"):
        return request.param
    return request.getfixturevalue(str(request.fixturename))


@pytest.fixture
def modelbench_case(request: pytest.FixtureRequest, model: Candidate, device: str) -> Case:
    """The case to measure, with the model and device that the fixtures above gave."""
    case: Case = request.param
    return case.on(model, device)


@pytest.fixture(scope="session")
def modelbench_engine(pytestconfig: pytest.Config) -> Iterator[Engine]:
    """Where cases are executed, for the whole session of this process."""
    session = modelbench_session(pytestconfig)
    yield session.engine
    session.engine.close()


@pytest.fixture
def modelbench_beside_benchmark(benchmark: Any) -> None:
    """Requested by cases where pytest-benchmark is active: so they are benchmarks to it, too."""
    claim(benchmark)


@pytest.fixture
def modelbench_run(
    request: pytest.FixtureRequest, modelbench_engine: Engine
) -> Callable[[Case], None]:
    """Measure a case, judge it and give the item its outcome."""
    session = modelbench_session(request.config)
    item = request.node

    def run(case: Case) -> None:
        results, comparisons = _measured(session, modelbench_engine, case, item)
        if isinstance(item, CaseItem):
            item.stash[MEASURED] = (results, comparisons)
        if session.baseline is not None:
            for one, result in zip(case.measured, results, strict=True):
                comparisons += session.baseline.hold_case(one, result)
        if isinstance(item, CaseItem):
            show_in_junit(item, comparisons)
            show_in_benchmark(item, results[-1])
        _tell(session, item, case, results, comparisons)

    return run


def _tell(
    session: ModelbenchSession,
    item: pytest.Item,
    case: Case,
    results: list[CaseResult],
    comparisons: list[Comparison],
) -> None:
    """Skip, warn and fail as the item's results say."""
    strict = session.strict
    reasons = _unique(failures, results, comparisons, strict)
    skipped = _why_skipped(results, comparisons)
    # What cannot be compared is skipped, but not what a side broke by itself.
    if skipped and not reasons:
        pytest.skip(printable(skipped))
    if skipped and not session.is_quick:
        reasons.append(f"not compared: {skipped}")
    for line in _unique(warnings, results, comparisons, strict):
        if not warned(item, f"{case.id}: {line}"):
            reasons.append(line)
    if reasons:
        raise CaseFailed("\n".join(map(printable, reasons)))


def _measured(
    session: ModelbenchSession, engine: Engine, case: Case, item: pytest.Item
) -> tuple[list[CaseResult], list[Comparison]]:
    """What the item of `case` gives: its result, or those of every side; and what they show."""
    case = session.on_trail(case)
    taken_over = session.take_over.try_for(case, engine) if session.take_over else None
    if taken_over is not None:
        return taken_over
    if case.comparison is None:
        return [session.judged(case, engine.submit(case).result())], []
    from pytest_modelbench.comparison.in_session import compare

    compared = compare(session, case, partial(keep_so_far, session, item))
    return compared.results, [compared.comparison]


def _why_skipped(results: list[CaseResult], comparisons: list[Comparison]) -> str | None:
    """A comparison is skipped when a side is; anything else, when its only result is."""
    of_sides = [one for one in comparisons if one.kind == "paired"]
    if of_sides:
        return of_sides[0].detail if of_sides[0].status == "skipped" else None
    return results[0].detail if results[0].status == "skipped" else None


def _unique(
    lines_of: Callable[..., Iterable[str]],
    results: list[CaseResult],
    comparisons: list[Comparison],
    strict: bool,
) -> list[str]:
    """The lines about all results, saying whose they are, and about the comparison of the sides."""
    of_sides = [one for one in comparisons if one.kind == "paired"]
    lines = []
    for result, who in zip(results, _who(results), strict=True):
        if not any(_is_told(result, one) for one in of_sides):
            own = [one for one in comparisons if one.kind == "stored" and one.id == result.id]
            lines += [who + line for line in lines_of(result, own, strict=strict)]
    return list(dict.fromkeys([*lines, *lines_of(None, of_sides, strict=strict)]))


def _who(results: list[CaseResult]) -> list[str]:
    """What lines about each begin with: nothing for the only one, or the only candidate."""
    names = [f"candidate {one.side}: " for one in results]
    return [*(["baseline: "] if names[1:] else []), *(names[1:] if names[2:] else [""])]


def _is_told(result: CaseResult, comparison: Comparison) -> bool:
    """What ended a comparison says it all."""
    if (result.status, comparison.status) != ("error", "error"):
        return False
    return comparison.detail in (result.detail, f"side {result.side!r}: {result.detail}")
