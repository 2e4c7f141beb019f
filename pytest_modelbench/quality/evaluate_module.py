"""Modules of Hugging Face `evaluate` as quality metrics."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_modelbench.datasets.hub import hub_answers, hub_endpoint
from pytest_modelbench.errors import ModelbenchError, missing_extra, one_line
from pytest_modelbench.quality import QualityMetric
from pytest_modelbench.registered import did_you_mean
from pytest_modelbench.results.metric import Metric, measured


def load_evaluate_module(name: str, base_dir: Path) -> tuple[str, QualityMetric]:
    """The metric's short name and the metric, for `NAME`, `PATH`, `NAME#key` or `PATH#key`.

    The short name is the key where one is given, else the module's. Loading runs the module's
    code: it is asked for by name.

    Raises `ModelbenchError` when it cannot be loaded; `Unavailable` without the package.
    """
    try:
        import evaluate
    except ImportError as error:
        raise missing_extra("evaluate", "hf") from error
    wanted, _, key = name.partition("#")
    local = base_dir / Path(wanted).expanduser()
    is_local = bool(wanted) and local.exists()
    offline = not is_local and not hub_answers()
    before = evaluate.config.HF_EVALUATE_OFFLINE
    # Offline, `evaluate` reads what an earlier run cached instead of retrying.
    evaluate.config.HF_EVALUATE_OFFLINE = before or offline
    try:
        # In memory, because parallel workers would share a cache file.
        module = evaluate.load(str(local) if is_local else wanted, keep_in_memory=True)
    except Exception as error:
        why = f"it is not cached, and {hub_endpoint()} does not answer" if offline else None
        where = f"from {local}" if is_local else "from the hub"
        raise ModelbenchError(
            f"quality metric 'evaluate:{name}' cannot be loaded {where}: {why or one_line(error)}"
        ) from error
    finally:
        evaluate.config.HF_EVALUATE_OFFLINE = before
    metric = EvaluateModule(module, Path(wanted).stem, key or None)
    return key or metric.name, metric


class EvaluateModule:
    """One figure of an `evaluate` module, called as every quality metric is."""

    def __init__(self, module: Any, name: str, key: str | None) -> None:
        self.module = module
        self.name = name
        self.key = key
        # What `inspect.signature` shows of this object, so that the options it names pass.
        signature = inspect.signature(module._compute)
        named = [
            each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD
        ]
        self.__signature__ = signature.replace(parameters=named)

    def __call__(
        self, predictions: Sequence[Any], references: Sequence[Any], **options: Any
    ) -> Metric:
        """The figure. A missing text counts as empty; others are left out, counted as `missing`."""
        if any(isinstance(reference, str) for reference in references):
            predictions = ["" if each is None else each for each in predictions]
        pairs = [
            (prediction, reference)
            for prediction, reference in zip(predictions, references, strict=True)
            if prediction is not None
        ]
        if not pairs:
            raise ModelbenchError(f"evaluate:{self.name} has no predictions to score")
        result = self.module.compute(
            predictions=[prediction for prediction, _ in pairs],
            references=[reference for _, reference in pairs],
            **options,
        )
        missing = len(references) - len(pairs)
        described: dict[str, Any] = {"missing": missing} if missing else {}
        return measured(self._figure(result), samples=len(pairs), **described)

    def _figure(self, result: dict[str, Any]) -> float:
        keys = list(result)
        key = self.key or (keys[0] if len(keys) == 1 else self.name)
        if key not in result:
            raise ModelbenchError(
                f"evaluate:{self.name} has no result {key!r}; choose one as "
                f"'evaluate:{self.name}#KEY' of {', '.join(keys)}{did_you_mean(key, keys)}"
            )
        try:
            return float(result[key])
        except (TypeError, ValueError):
            raise ModelbenchError(
                f"evaluate:{self.name} gives {key!r} as {type(result[key]).__name__}, not a number"
            ) from None
