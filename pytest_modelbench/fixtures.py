"""What a case's item requests; a conftest may override `model` and `device`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modelbench.beside.pytest_benchmark import claim, show_in_benchmark
from pytest_modelbench.case import Case
from pytest_modelbench.collection import CaseItem, modelbench_session
from pytest_modelbench.outcome import CaseFailed, ModelbenchWarning, failures, warnings
from pytest_modelbench.redaction import printable

if TYPE_CHECKING:
    from pytest_modelbench.execution.engine import Engine
    from pytest_modelbench.registry import Candidate


@pytest.fixture
def model(request: pytest.FixtureRequest) -> Candidate:
    """The candidate of a case: `version`, `model_path`, `quantization`, ..."""
    candidate: Candidate = request.param
    return candidate


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    """The device of a case, such as `CPU` or `GPU.1`."""
    name: str = request.param
    return name


@pytest.fixture
def modelbench_case(request: pytest.FixtureRequest, model: Candidate, device: str) -> Case:
    """The case to measure, with the model and device that the fixtures above gave."""
    case: Case = request.param
    return replace(case, candidate=model, device=device)


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
        result = session.judged(case, modelbench_engine.submit(case).result())
        if isinstance(item, CaseItem):
            session.keep(item, result)
            show_in_benchmark(item, result)
        if result.status == "skipped":
            pytest.skip(printable(result.detail))
        strict = session.strict
        for line in warnings(result, strict=strict):
            request.node.warn(ModelbenchWarning(printable(f"{case.id}: {line}")))
        if reasons := list(failures(result, strict=strict)):
            raise CaseFailed("\n".join(map(printable, reasons)))

    return run
