"""The value of a criterion for a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_modelbench.catalogue import unit_of
from pytest_modelbench.results.metric import Metric, failed, measured, skipped
from pytest_modelbench.suite.document import Criterion
from pytest_modelbench.suite.expression import ExpressionError, evaluate, names_in, parse_expression


def criterion_value(criterion: Criterion, metrics: Mapping[str, Metric]) -> Metric:
    """A metric: measured, or the reason why the criterion has no value here."""
    if criterion.metric is not None:
        missing = failed(f"there is no metric {criterion.metric!r}", unit_of(criterion.metric))
        return metrics.get(criterion.metric, missing)
    return expression_value(criterion.expression or "", metrics)


def expression_value(text: str, metrics: Mapping[str, Metric]) -> Metric:
    """An expression over metrics; skipped when one it needs was skipped, else never null."""
    try:
        expression = parse_expression(text)
        values: dict[str, float] = {}
        for name in sorted(names_in(expression)):
            metric = metrics.get(name)
            if metric is None:
                return failed(f"{text}: there is no metric {name!r}")
            if metric.value is None:
                make = skipped if metric.status == "skipped" else failed
                return make(f"{text}: {name}: {metric.error_message}")
            values[name] = metric.value
        notes = _shortest_of_samples(metrics[name] for name in values)
        return measured(evaluate(expression, values), expression=text, **notes)
    except ExpressionError as error:
        return failed(f"{text}: {error}")


def _shortest_of_samples(metrics: Iterable[Metric]) -> dict[str, Any]:
    """The notes of the operand that lacks most of the samples it needs: the whole is no better."""
    flagged = [one.metadata for one in metrics if one.metadata.get("flag")]
    if not flagged:
        return {}
    worst = min(flagged, key=lambda notes: notes["samples"] / notes["samples_needed"])
    return {key: worst[key] for key in ("flag", "samples", "samples_needed")}
