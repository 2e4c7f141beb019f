"""The share of answers that equal their reference."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

from pytest_modelbench.normal import Z_95_PERCENT
from pytest_modelbench.quality.terms import CannotScoreError, MetricOfTerms, SampleTerms
from pytest_modelbench.results.metric import Metric, measured


def _terms(predictions: Sequence[Any], references: Sequence[Any]) -> SampleTerms:
    import numpy as np

    if len(predictions) != len(references):
        raise CannotScoreError(f"{len(predictions)} predictions for {len(references)} references")
    right = (
        prediction is not None and bool(prediction == reference)
        for prediction, reference in zip(predictions, references, strict=True)
    )
    return SampleTerms("right", np.fromiter(right, dtype=np.int64, count=len(references)))


def _share(terms: SampleTerms) -> Metric:
    count = len(terms.first)
    if not count:
        raise CannotScoreError("there are no samples to score")
    right = int(terms.first.sum())
    return measured(
        right / count,
        samples=count,
        interval=wilson_interval(right, count),
        confidence=0.95,
        method="Wilson score",
    )


def wilson_interval(successes: int, count: int) -> list[float]:
    """Wilson's 95 % score interval of a share: `[low, high]` within [0, 1].

    >>> [round(end, 3) for end in wilson_interval(9, 10)]
    [0.596, 0.982]
    """
    share, z2 = successes / count, Z_95_PERCENT**2
    middle = share + z2 / (2 * count)
    half = Z_95_PERCENT * sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    scale = 1 + z2 / count
    # Exact at the ends, where rounding would leave 1e-17 or 0.9999999999999999.
    low = (middle - half) / scale if successes else 0.0
    high = (middle + half) / scale if successes < count else 1.0
    return [low, high]


exact_match = MetricOfTerms(
    _terms,
    _share,
    """The share of predictions equal to their reference, in [0, 1]; None counts as wrong.

    Nothing is normalised: "5" is not 5, nor "Yes" "yes". The 95 % interval is Wilson's score
    interval (Wilson, 1927), which holds for few samples and for shares of 0 and 1.
    """,
)
