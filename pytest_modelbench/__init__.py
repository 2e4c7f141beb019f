"""pytest-modelbench: which model, on which device, how fast, how big, how good.

The names below are imported when they are first used, so that importing the package is free.
PYTEST_DONT_REWRITE (there is no assert here, and every session imports it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_modelbench.api import run_benchmark
    from pytest_modelbench.datasets.samples import Audio, Sample
    from pytest_modelbench.errors import ModelbenchError, Unavailable
    from pytest_modelbench.registry import Candidate
    from pytest_modelbench.results.metric import Metric, MetricStatus, failed, measured, skipped
    from pytest_modelbench.results.run import BenchmarkCandidate, BenchmarkRun, CaseResult
    from pytest_modelbench.runners.contract import Prediction, Requirement, Runner, Session

_HOME = {
    "run_benchmark": "api",
    "Audio": "datasets.samples",
    "Sample": "datasets.samples",
    "ModelbenchError": "errors",
    "Unavailable": "errors",
    "Candidate": "registry",
    "Metric": "results.metric",
    "MetricStatus": "results.metric",
    "failed": "results.metric",
    "measured": "results.metric",
    "skipped": "results.metric",
    "BenchmarkCandidate": "results.run",
    "BenchmarkRun": "results.run",
    "CaseResult": "results.run",
    "Prediction": "runners.contract",
    "Requirement": "runners.contract",
    "Runner": "runners.contract",
    "Session": "runners.contract",
}

__all__ = [
    "Audio",
    "BenchmarkCandidate",
    "BenchmarkRun",
    "Candidate",
    "CaseResult",
    "Metric",
    "MetricStatus",
    "ModelbenchError",
    "Prediction",
    "Requirement",
    "Runner",
    "Sample",
    "Session",
    "Unavailable",
    "failed",
    "measured",
    "run_benchmark",
    "skipped",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'pytest_modelbench' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"pytest_modelbench.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
