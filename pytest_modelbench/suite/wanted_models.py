"""Which models a benchmark names, by itself, by its sides or by its suite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_modelbench.documents.problems import Location
from pytest_modelbench.suite.compare import Side
from pytest_modelbench.suite.document import Benchmark, Suite


def wanted_models(
    suite: Suite, benchmark: Benchmark, at: Location, against: Side | None
) -> tuple[Sequence[Any], Location]:
    """As they are written, and where; none where all of the registry are meant.

    `at` is the benchmark's place, `against` the baseline of `--suite-against`.
    """
    if benchmark.model:
        return [benchmark.model], (*at, "model")
    if benchmark.models is not None:
        return benchmark.models, (*at, "models")
    if named := _models_of_sides(suite, benchmark, against):
        return named[-1:], (*at, "compare") if benchmark.compare else ("compare",)
    return suite.models or [], ("models",)


def _models_of_sides(suite: Suite, benchmark: Benchmark, against: Side | None) -> list[str]:
    """The models of a comparison whose sides all name their own; else nothing."""
    compare = benchmark.compare or suite.compare
    baseline = against or (compare.baseline if compare else None)
    if compare is None or baseline is None:
        return []
    named = [side.model for side in (baseline, *compare.named_candidates().values())]
    return [model for model in named if model] if all(named) else []


def starts_server(suite: Suite, benchmark: Benchmark) -> bool:
    """Whether a benchmark of an endpoint has its server started by the suite."""
    varied = {**(suite.matrix or {}), **(benchmark.matrix or {})}
    return benchmark.params.get("serve") is not None or "serve" in varied
