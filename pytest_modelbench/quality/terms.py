"""What a quality metric is computed from, sample by sample, so that two sides can be paired."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.results.metric import Metric, failed

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["ratio", "right", "pairs"]


class SampleTerms(NamedTuple):
    """One number a sample, or two: a metric offers them as this or as a plain tuple.

    `ratio`: the metric is sum(first) / sum(second), of whole numbers; `right`: the share of true
    ones in first; `pairs`: a correlation, by Spearman or Pearson, of first with second, where NaN
    stands for a missing prediction.
    """

    kind: Kind
    first: Any
    second: Any = None


class CannotScoreError(ModelbenchError):
    """These predictions and references have no such figure, and why."""


class MetricOfTerms:
    """A quality metric in two steps: its terms, and the figure that they give together."""

    def __init__(
        self, terms: Callable[..., SampleTerms], from_terms: Callable[..., Metric], explained: str
    ) -> None:
        self.terms = terms
        self.from_terms = from_terms
        self.__doc__ = explained
        self.__signature__ = inspect.signature(terms)

    def __call__(
        self, predictions: Sequence[Any], references: Sequence[Any], **options: Any
    ) -> Metric:
        """The figure; an error where these predictions and references have none."""
        try:
            return self.from_terms(self.terms(predictions, references, **options), **options)
        except CannotScoreError as reason:
            return failed(str(reason))


def checked_terms(given: Any, sample_count: int) -> SampleTerms:
    """Terms that a metric offered, as arrays. Raises `CannotScoreError` for what they cannot be."""
    if not isinstance(given, tuple) or len(given) not in (2, 3) or given[0] not in get_args(Kind):
        raise CannotScoreError(f"terms are ({' | '.join(get_args(Kind))}, numbers, [numbers])")
    terms = SampleTerms(*given)
    series = [_numbers(one, terms.kind) for one in terms[1:] if one is not None]
    if len(series) != (1 if terms.kind == "right" else 2):
        raise CannotScoreError(f"terms {terms.kind!r} with {len(series)} numbers a sample")
    for one in series:
        if one.shape != (sample_count,):
            raise CannotScoreError(f"{one.size} terms for {sample_count} samples")
    return SampleTerms(terms.kind, *series)


def _numbers(given: Any, kind: Kind) -> NDArray[Any]:
    import numpy as np

    try:
        if kind == "pairs":
            return np.asarray(given, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            numbers = np.asarray(given)
            whole = numbers.astype(np.int64)
    except (TypeError, ValueError):
        raise CannotScoreError("terms that are not numbers") from None
    if (whole != numbers).any() or (kind == "right" and ((whole != 0) & (whole != 1)).any()):
        wanted = "true or false" if kind == "right" else "whole numbers"
        raise CannotScoreError(f"terms {kind!r} that are not {wanted}")
    return whole
