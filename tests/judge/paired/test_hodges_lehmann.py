"""The estimate over blocks is the one of the books, for any number of blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_modelbench.judge.paired.hodges_lehmann import hodges_lehmann


def walsh_averages(values: np.ndarray) -> np.ndarray:
    one, other = np.triu_indices(len(values))
    return np.sort((values[one] + values[other]) / 2)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 7, 20, 121])
def test_it_is_the_median_of_all_averages_of_two(count: int) -> None:
    values = np.random.default_rng(count).standard_cauchy(count)
    center, _ = hodges_lehmann(values)
    assert center == pytest.approx(np.median(walsh_averages(values)), abs=1e-9 * np.ptp(values))


def test_the_interval_has_the_ranks_of_wilcoxons_statistic() -> None:
    values = np.random.default_rng(4).normal(1, 2, 40)
    averages = walsh_averages(values)
    # Hollander, Wolfe and Chicken: C = n(n+1)/4 - z sqrt(n(n+1)(2n+1)/24) = 264.2 for n = 40.
    sd = math.sqrt(40 * 41 * 81 / 24)
    quantile = (40 * 41 / 4 + 0.5 - 264) / sd
    expected = (averages[-264] - averages[263]) / (2 * quantile)
    assert hodges_lehmann(values)[1] == pytest.approx(expected, rel=1e-6)


def test_with_or_without_a_table_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(8).normal(0, 0.03, 60)
    with_table = hodges_lehmann(values)
    monkeypatch.setattr("pytest_modelbench.judge.paired.hodges_lehmann.MOST_IN_A_TABLE", 10)
    assert hodges_lehmann(values) == pytest.approx(with_table, abs=1e-11)


def test_its_standard_error_is_that_of_many_such_estimates() -> None:
    rng = np.random.default_rng(5)
    for draw in (rng.standard_normal, lambda n: rng.standard_t(3, n)):
        done = np.array([hodges_lehmann(draw(30)) for _ in range(2000)])
        assert np.sqrt((done[:, 1] ** 2).mean()) == pytest.approx(done[:, 0].std(), rel=0.12)


@pytest.mark.parametrize("count", [2, 40])
def test_equal_differences_have_no_spread(count: int) -> None:
    assert hodges_lehmann(np.full(count, 0.25)) == (0.25, 0.0)


def test_of_a_single_difference_nothing_is_known() -> None:
    assert hodges_lehmann(np.array([0.5])) == (0.5, math.inf)


def test_a_few_blocks_far_out_move_it_little() -> None:
    values = np.random.default_rng(6).normal(0, 0.01, 100)
    spoilt = values.copy()
    spoilt[:10] += 5
    assert abs(hodges_lehmann(spoilt)[0] - hodges_lehmann(values)[0]) < 0.005


def test_a_hundred_thousand_blocks_take_no_table_of_all_averages() -> None:
    values = np.random.default_rng(7).normal(3, 1, 100_000)
    center, error = hodges_lehmann(values)
    assert center == pytest.approx(3, abs=0.02)
    assert error == pytest.approx(math.sqrt(math.pi / 3 / 100_000), rel=0.05)
