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
    try:
        answer = metric(predictions, references, **_accepted(metric, options))
        if isinstance(answer, Metric):
            return answer
        return measured(_number(answer), samples=len(references))
    except Unavailable as error:
        return skipped(str(error))
    except Exception as error:
        return failed(one_line(error) or type(error).__name__)


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
