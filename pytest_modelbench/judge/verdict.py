"""A measured case with its judgement: derived metrics and bounds."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_modelbench.judge.bounds.check import check_bounds
from pytest_modelbench.judge.values import criterion_value
from pytest_modelbench.results.run import OWN_METRICS, CaseResult
from pytest_modelbench.suite.document import Criterion


def judged(result: CaseResult, criteria: Sequence[tuple[str, Criterion]]) -> CaseResult:
    """`result` with the values of expressions as metrics, and every bound held against it.

    An expression's value is a metric under its criterion's id, so that one that cannot be
    evaluated is an error with its cause; an id that is a metric's own name is left alone.
    """
    if result.status == "skipped":
        return result
    metrics = dict(result.metrics)
    for name, criterion in criteria:
        is_free = name not in metrics and name not in OWN_METRICS
        if criterion.expression and criterion.applies_to(result.runner) and is_free:
            metrics[name] = criterion_value(criterion, result.metrics)
    bounds = check_bounds(criteria, result.runner, result.metrics)
    if result.status == "error":
        bounds = [check for check in bounds if check.value is not None]
    return result.model_copy(update={"metrics": metrics, "bounds": bounds})
