"""The interval of a correlation: how often it holds the truth, of few samples as of many."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_modelbench.quality.bootstrap import bootstrap_interval
from pytest_modelbench.quality.correlation_interval import FEWEST, correlation_interval
from pytest_modelbench.quality.similarity import correlation, correlations, pearson, spearman


def _missed(metric: str, true: float, count: int, trials: int) -> tuple[float, float]:
    """How often the truth is below and above the interval; both series are normal."""
    draw = np.random.default_rng(count)
    by_rank = metric == "spearman"
    truth = 6 / math.pi * math.asin(true / 2) if by_rank else true
    below = above = 0
    for _ in range(trials):
        x, y = draw.multivariate_normal([0, 0], [[1, true], [true, 1]], count).T
        low, high = (spearman if by_rank else pearson)(x, y).metadata["interval"]
        below += truth < low
        above += truth > high
    return below / trials, above / trials


@pytest.mark.parametrize("metric", ["spearman", "pearson"])
@pytest.mark.parametrize(("true", "count"), [(0.0, 5), (0.8, 5), (0.8, 10), (0.95, 8)])
def test_the_interval_holds_the_true_correlation_of_few_samples(
    metric: str, true: float, count: int
) -> None:
    below, above = _missed(metric, true, count, 120)
    assert below <= 0.06
    assert above <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["spearman", "pearson"])
@pytest.mark.parametrize("count", [5, 6, 8, 10, 15, 24, 60])
@pytest.mark.parametrize("true", [0.0, 0.5, 0.8, 0.95])
def test_the_interval_holds_the_true_correlation_of_any_number_of_samples(
    metric: str, true: float, count: int
) -> None:
    below, above = _missed(metric, true, count, 300)
    assert below <= 0.05
    assert above <= 0.05


@pytest.mark.parametrize("by_rank", [True, False])
def test_of_many_samples_it_is_about_the_bootstrap_s(by_rank: bool) -> None:
    for count in (200, 1000):
        x, y = (
            np.random.default_rng(count).multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], count).T
        )
        plain = bootstrap_interval(correlations(x, y, by_rank=by_rank), count)
        assert plain is not None
        value = correlation(x, y, by_rank=by_rank)
        low, high = correlation_interval(value, count, plain, by_rank=by_rank)
        assert low <= plain[0]
        assert plain[1] <= high
        assert high - low <= 1.1 * (plain[1] - plain[0])


def test_ranks_have_the_standard_error_of_bonett_and_wright() -> None:
    """By hand, of 0.6 over 24 pairs: atanh(0.6) +- 1.96 * sqrt((1 + 0.18) / 21)."""
    low, high = correlation_interval(0.6, 24, None, by_rank=True)
    assert (low, high) == pytest.approx((0.2238, 0.8201), abs=1e-3)
    low, high = correlation_interval(0.6, 24, None, by_rank=False)
    assert (low, high) == pytest.approx((0.2584, 0.8077), abs=1e-3)


@pytest.mark.parametrize("count", range(2, FEWEST))
def test_of_too_few_pairs_anything_is_possible(count: int) -> None:
    x = list(range(count))
    assert spearman(x, x).metadata["interval"] == [-1, 1]
    assert pearson(x, x[::-1]).metadata["interval"] == [-1, 1]


def test_pairs_that_all_agree_leave_room_for_those_that_are_not_seen() -> None:
    x = list(range(24))
    assert spearman(x, x).metadata["interval"] == pytest.approx([0.8575, 1], abs=1e-4)
    assert spearman(x, x[::-1]).metadata["interval"] == pytest.approx([-1, -0.8575], abs=1e-4)
