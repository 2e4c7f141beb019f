"""How well scores follow reference scores: rank and linear correlation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from pytest_modelbench.quality.bootstrap import bootstrap_interval, described
from pytest_modelbench.results.metric import Metric, failed, measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.float64]


def spearman(predictions: Sequence[Any], references: Sequence[Any]) -> Metric:
    """Spearman's rank correlation, in [-1, 1]; ties get their mean rank.

    Predictions None are left out and counted in the metadata as `missing`. The interval is a 95 %
    percentile bootstrap over samples. An error when a side is constant or not numbers.
    """
    return _correlation(predictions, references, "spearmanr", by_rank=_ranks)


def pearson(predictions: Sequence[Any], references: Sequence[Any]) -> Metric:
    """Pearson's linear correlation, in [-1, 1]; otherwise as `spearman`."""
    return _correlation(predictions, references, "pearsonr", by_rank=_as_they_are)


def _correlation(
    predictions: Sequence[Any],
    references: Sequence[Any],
    function: str,
    by_rank: Callable[[Rows], Rows],
) -> Metric:
    import numpy as np
    from scipy import stats

    if complaint := _not_numbers(predictions, references):
        return failed(complaint)
    pairs = [
        (float(prediction), float(reference))
        for prediction, reference in zip(predictions, references, strict=True)
        if prediction is not None
    ]
    if len(pairs) < 2:
        return failed(f"a correlation needs two pairs or more; there are {len(pairs)}")
    x, y = np.array(pairs).T
    for side, values in (("predictions", x), ("references", y)):
        if values.min() == values.max():
            return failed(f"all {side} are {values[0]:g}: a constant correlates with nothing")

    def correlations(indices: NDArray[np.intp]) -> NDArray[np.float64]:
        return _row_correlations(by_rank(x[indices]), by_rank(y[indices]))

    missing = len(predictions) - len(pairs)
    left_out: dict[str, Any] = {"missing": missing} if missing else {}
    return measured(
        getattr(stats, function)(x, y).statistic,
        samples=len(pairs),
        **described(bootstrap_interval(correlations, len(pairs))),
        **left_out,
    )


def _not_numbers(predictions: Sequence[Any], references: Sequence[Any]) -> str | None:
    """What is wrong with the arguments, if anything."""
    if len(predictions) != len(references):
        return f"{len(predictions)} predictions for {len(references)} references"
    for side, values in (("prediction", predictions), ("reference", references)):
        for number, value in enumerate(values):
            if value is None and side == "prediction":
                continue
            if not isinstance(value, Real) or isinstance(value, bool):
                return f"{side} {number} is of type {type(value).__name__}, not a number"
            if not math.isfinite(value):
                return f"{side} {number} is {value}, not a finite number"
    return None


def _ranks(rows: Rows) -> Rows:
    from scipy import stats

    ranked: Rows = stats.rankdata(rows, axis=1)
    return ranked


def _as_they_are(rows: Rows) -> Rows:
    return rows


def _row_correlations(x: Rows, y: Rows) -> Rows:
    """Pearson's correlation of each row of `x` with that of `y`; NaN where a row is constant."""
    import numpy as np

    constant = (np.ptp(x, axis=1) == 0) | (np.ptp(y, axis=1) == 0)
    x = x - x.mean(axis=1, keepdims=True)
    y = y - y.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        rows = (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    correlations: Rows = np.where(constant, np.nan, rows)
    return correlations
