"""Quality metrics by name, and one way to call them all."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError, Unavailable, one_line
from pytest_modelbench.quality import QUALITY_METRICS, QualityMetric
from pytest_modelbench.quality.evaluate_module import load_evaluate_module
from pytest_modelbench.quality.terms import SampleTerms, checked_terms
from pytest_modelbench.results.metric import Metric, failed, measured, skipped

_EVALUATE = "evaluate:"


def find_quality_metric(name: str, base_dir: Path) -> tuple[str, QualityMetric]:
    """The short name of a metric, as it stands in results, and the metric.

    `name` is a registered one (`wer`); `module:attr`, any callable that can be imported; or
    `evaluate:NAME`, a Hugging Face `evaluate` module: a local one (relative to `base_dir`) wins
    over the hub, and `evaluate:rouge#rougeL` picks one of several keys.

    Raises `ModelbenchError` saying what cannot be found or imported; `Unavailable` without the
    `evaluate` package.
    """
    if name.startswith(_EVALUATE):
        return load_evaluate_module(name.removeprefix(_EVALUATE), base_dir)
    if ":" in name:
        return _imported(name)
    return name, QUALITY_METRICS.get(name)


def score(
    metric: QualityMetric,
    predictions: Sequence[Any],
    references: Sequence[Any],
    options: Mapping[str, Any],
) -> Metric:
    """What `metric` says, always as a `Metric`: its faults become one, `Unavailable` a skip.

    Of `options` it is given those its signature names.
    """
    return scored(metric, predictions, references, options)[0]


def scored(
    metric: QualityMetric,
    predictions: Sequence[Any],
    references: Sequence[Any],
    options: Mapping[str, Any],
) -> tuple[Metric, SampleTerms | None]:
    """The same, and what it is computed from by sample, where `metric` has `terms`.

    Where it has `from_terms` as well, the figure is computed from them, and they only once.
    Each call has lists of its own: one that changes them spoils no other.
    """
    terms_of, from_terms = getattr(metric, "terms", None), getattr(metric, "from_terms", None)
    try:
        accepted = _accepted(metric, options)
        if terms_of is None or from_terms is None:
            terms, answer = None, metric(list(predictions), list(references), **accepted)
        else:
            terms = terms_of(list(predictions), list(references), **accepted)
            answer = from_terms(terms, **accepted)
        if not isinstance(answer, Metric):
            answer = measured(_number(answer), samples=len(references))
    except Unavailable as error:
        return skipped(str(error)), None
    except Exception as error:
        return failed(one_line(error) or type(error).__name__), None
    if terms_of is None or not answer.is_ok:
        return answer, None
    try:
        if terms is None:
            terms = terms_of(list(predictions), list(references), **accepted)
        return answer, checked_terms(terms, len(references))
    except Exception as error:  # of which the figure knows nothing
        notes = {**answer.metadata, "note": f"not compared by sample: {one_line(error)}"}
        return answer.model_copy(update={"metadata": notes}), None


def _imported(name: str) -> tuple[str, QualityMetric]:
    module_name, _, attribute = name.partition(":")
    try:
        found = reduce(getattr, attribute.split("."), import_module(module_name))
    except Exception as error:
        raise ModelbenchError(
            f"quality metric {name!r} cannot be imported ({one_line(error)}); "
            "write module:callable, of a module that Python can import here"
        ) from error
    if not callable(found):
        raise ModelbenchError(
            f"quality metric {name!r} is of type {type(found).__name__}; it must be callable as "
            "metric(predictions, references)"
        )
    return attribute.rsplit(".", 1)[-1], found


def _accepted(metric: QualityMetric, options: Mapping[str, Any]) -> dict[str, Any]:
    try:
        parameters = inspect.signature(metric).parameters
    except (TypeError, ValueError):  # a builtin without a signature
        return {}
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        return dict(options)
    by_name = {
        name
        for name, each in parameters.items()
        if each.kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    }
    # The first two are taken by predictions and references, whatever they are called.
    by_name -= set(list(parameters)[:2])
    return {name: value for name, value in options.items() if name in by_name}


def _number(answer: Any) -> float:
    try:
        return float(answer)
    except (TypeError, ValueError):
        raise ModelbenchError(
            f"the quality metric returned a value of type {type(answer).__name__}; "
            "it must return a number or a Metric"
        ) from None
