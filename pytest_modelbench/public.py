"""What `from pytest_modelbench import ...` offers, and the module each name lives in."""

from __future__ import annotations

from importlib import import_module

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
    "BenchmarkCandidate": "results.candidate",
    "BenchmarkRun": "results.run",
    "CaseResult": "results.run",
    "Foreseen": "runners.contract",
    "Prediction": "runners.contract",
    "Requirement": "runners.contract",
    "Runner": "runners.contract",
    "Session": "runners.contract",
}

__all__ = sorted(_HOME)


def find(name: str) -> object:
    """The public thing called `name`. Raises `AttributeError` as a module does."""
    if name not in _HOME:
        raise AttributeError(f"module 'pytest_modelbench' has no attribute {name!r}")
    return getattr(import_module(f"pytest_modelbench.{_HOME[name]}"), name)
