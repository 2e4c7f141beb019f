"""How well scores follow reference scores: rank and linear correlation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from pytest_modelbench.quality.bootstrap import Statistic, bootstrap_interval, described
from pytest_modelbench.quality.correlation_interval import CORRELATION_METHOD, correlation_interval
from pytest_modelbench.quality.terms import CannotScoreError, MetricOfTerms, SampleTerms
from pytest_modelbench.results.metric import Metric, measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.float64]


def _terms(predictions: Sequence[Any], references: Sequence[Any]) -> SampleTerms:
    import numpy as np

    if complaint := _not_numbers(predictions, references):
        raise CannotScoreError(complaint)
    given = [math.nan if one is None else float(one) for one in predictions]
    return SampleTerms("pairs", np.array(given), np.array([float(one) for one in references]))


def _figure(terms: SampleTerms, by_rank: bool) -> Metric:
    import numpy as np

    is_there = ~np.isnan(terms.first)
    x, y = terms.first[is_there], terms.second[is_there]
    if len(x) < 2:
        raise CannotScoreError(f"a correlation needs two pairs or more; there are {len(x)}")
    for side, values in (("predictions", x), ("references", y)):
        if values.min() == values.max():
            raise CannotScoreError(
                f"all {side} are {values[0]:g}: a constant correlates with nothing"
            )
    missing = len(is_there) - len(x)
    left_out: dict[str, Any] = {"missing": missing} if missing else {}
    value = correlation(x, y, by_rank=by_rank)
    bootstrapped = bootstrap_interval(correlations(x, y, by_rank=by_rank), len(x))
    interval = correlation_interval(value, len(x), bootstrapped, by_rank=by_rank)
    return measured(
        value,
        samples=len(x),
        **described(interval, CORRELATION_METHOD),
        **left_out,
    )


def _spearman(terms: SampleTerms) -> Metric:
    return _figure(terms, by_rank=True)


def _pearson(terms: SampleTerms) -> Metric:
    return _figure(terms, by_rank=False)


def correlation(x: Rows, y: Rows, *, by_rank: bool) -> float:
    """Spearman's or Pearson's, of two series neither of which is constant."""
    from scipy import stats

    function = stats.spearmanr if by_rank else stats.pearsonr
    return float(function(x, y).statistic)


def correlations(x: Rows, y: Rows, *, by_rank: bool) -> Statistic:
    """The correlation over samples, for many draws of them."""

    def of_draws(indices: NDArray[np.intp]) -> Rows:
        drawn_x, drawn_y = x[indices], y[indices]
        if by_rank:
            return _row_correlations(_ranks(drawn_x), _ranks(drawn_y))
        return _row_correlations(drawn_x, drawn_y)

    return of_draws


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


spearman = MetricOfTerms(
    _terms,
    _spearman,
    """Spearman's rank correlation, in [-1, 1]; ties get their mean rank.

    Predictions None are left out and counted in the metadata as `missing`. The 95 % interval
    is the wider, at each end, of a percentile bootstrap over samples and of Fisher's z; of fewer
    than 5 pairs it is [-1, 1]. An error when a side is constant or not numbers.
    """,
)
pearson = MetricOfTerms(
    _terms, _pearson, "Pearson's linear correlation, in [-1, 1]; otherwise as `spearman`."
)
