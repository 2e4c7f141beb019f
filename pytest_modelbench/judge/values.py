"""The value of a criterion for a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_modelbench.catalogue import unit_of
from pytest_modelbench.judge.bounds.expression_interval import METHOD
from pytest_modelbench.judge.bounds.intervals import (
    interval_of_expression,
    number_in,
    sample_interval,
)
from pytest_modelbench.measure.percentiles import CONFIDENCE
from pytest_modelbench.results.metric import CLIENT_LIMITED, Metric, failed, measured, skipped
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
        value = evaluate(expression, values)
        notes = _worst_flag([metrics[name].metadata for name in values])
        return measured(value, expression=text, **_interval(text, metrics, values), **notes)
    except ExpressionError as error:
        return failed(f"{text}: {error}")


def _interval(text: str, metrics: Mapping[str, Metric], names: Iterable[str]) -> dict[str, Any]:
    """What the samples of the run say of an expression that has a value; empty if nothing."""
    ends = interval_of_expression(text, metrics, sample_interval)
    if ends is None:
        return {}
    confidences = [number_in(metrics[name], "confidence") or CONFIDENCE for name in names]
    return {"interval": list(ends), "confidence": min(confidences), "method": METHOD}


def _worst_flag(of_operands: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The notes of the operand that is worth least: the whole is no better.

    One that says how fast a client was says nothing of the endpoint; else it is the one that lacks
    most of the samples it needs.
    """
    flagged = [notes for notes in of_operands if notes.get("flag")]
    if any(notes["flag"] == CLIENT_LIMITED for notes in flagged):  # which may lack samples, too
        return {"flag": CLIENT_LIMITED}
    needed = [notes for notes in flagged if "samples_needed" in notes]
    if len(needed) < len(flagged):
        return {"flag": next(notes["flag"] for notes in flagged if notes not in needed)}
    if not flagged:
        return {}
    worst = min(flagged, key=lambda notes: notes["samples"] / notes["samples_needed"])
    return {key: worst[key] for key in ("flag", "samples", "samples_needed")}
