"""Percentiles, and intervals that hold what they promise."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import accumulate
from math import comb

import numpy as np
import pytest

from pytest_modelbench.measure.percentiles import (
    SAMPLES_NEEDED,
    interpolated,
    order_statistic_ranks,
    percentile_metric,
)


def _below(n: int, share: Fraction) -> list[Fraction]:
    """Exactly, by number: the probability that at most so many of `n` are below the quantile."""
    return list(accumulate(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)))


@pytest.mark.parametrize("percent", [50, 90, 95, 99])
@pytest.mark.parametrize("n", [1, 2, 5, 6, 11, 24, 64, 130, 300])
def test_ranks_are_the_tightest_that_exact_arithmetic_allows(n: int, percent: int) -> None:
    share, tail = Fraction(percent, 100), Fraction(25, 1000)
    below = _below(n, share)
    possible_low = [rank for rank in range(1, n + 1) if below[rank - 1] <= tail]
    possible_high = [rank for rank in range(1, n + 1) if below[rank - 1] >= 1 - tail]
    expected = (max(possible_low, default=None), min(possible_high, default=None))
    assert order_statistic_ranks(n, percent / 100) == expected


@pytest.mark.parametrize(("percent", "n"), [(50, 40), (90, 100), (95, 200), (99, 800)])
def test_intervals_cover_the_true_quantile_as_often_as_promised(percent: int, n: int) -> None:
    """4,000 draws of n values from a skewed distribution whose quantiles are known."""
    low, high = order_statistic_ranks(n, percent / 100)
    assert low is not None
    assert high is not None
    draws = np.sort(np.random.default_rng(percent).exponential(size=(4000, n)), axis=1)
    truth = -np.log1p(-percent / 100)
    covered = np.mean((draws[:, low - 1] <= truth) & (truth <= draws[:, high - 1]))
    assert 0.94 <= covered <= 0.99


def test_the_value_is_numpy_s_default_percentile() -> None:
    source = random.Random(3)
    for n in (1, 2, 3, 10, 131):
        values = sorted(source.gauss(10, 3) for _ in range(n))
        for percent in (0, 50, 90, 95, 99, 100):
            expected = float(np.percentile(values, percent))
            assert interpolated(values, percent / 100) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("percent", "needed"), sorted(SAMPLES_NEEDED.items()))
def test_a_percentile_of_too_few_calls_is_flagged_and_says_how_many_it_needs(
    percent: int, needed: int
) -> None:
    few = percentile_metric([float(n) for n in range(needed - 1)], percent)
    assert few.metadata["flag"] == "too_few_samples"
    assert few.metadata["samples_needed"] == needed
    enough = percentile_metric([float(n) for n in range(needed)], percent)
    assert "flag" not in enough.metadata
    assert enough.metadata["samples"] == needed


def test_an_end_that_the_sample_cannot_give_is_null() -> None:
    metric = percentile_metric([1.0, 2.0, 3.0], 99)
    assert (metric.value, metric.unit) == (pytest.approx(2.98), "ms")
    assert metric.interval == (2.0, None)
    assert percentile_metric([5.0], 50).interval == (None, None)
    low, high = percentile_metric([float(n) for n in range(100)], 99).interval or (None, None)
    assert low is not None
    assert high is None


def test_an_interval_s_ends_are_values_of_the_sample_around_the_percentile() -> None:
    ordered = [float(n * n) for n in range(1, 201)]
    metric = percentile_metric(ordered, 95)
    assert metric.interval is not None
    low, high = metric.interval
    assert low in ordered
    assert high in ordered
    assert low < metric.value < high  # type: ignore[operator]
    assert metric.metadata["confidence"] == 0.95
