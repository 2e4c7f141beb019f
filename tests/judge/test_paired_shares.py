"""Shares of right answers over the same samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from pytest_modelbench.judge.by_sample.shares import mcnemar_p, paired_share_interval


@pytest.mark.parametrize(
    ("lost", "won", "count", "confidence", "expected"),
    [
        # Fagerland, Lydersen and Laake (2014): airway reactivity of 21 children.
        (7, 1, 21, 0.95, (-0.517, -0.026)),
        (1, 7, 21, 0.95, (0.026, 0.517)),
        # R, PropCIs 0.3: scoreci.mp(25, 28, 618, 0.90)
        (25, 28, 618, 0.90, (-0.0148, 0.0247)),
    ],
)
def test_the_interval_is_the_published_one(
    lost: int, won: int, count: int, confidence: float, expected: tuple[float, float]
) -> None:
    ends = paired_share_interval(lost, won, count, confidence)
    digits = 3 if expected[1] in (0.517, -0.026) else 4
    assert [round(end, digits) for end in ends] == list(expected)


@pytest.mark.parametrize("count", [2, 10, 24, 300, 10_000])
def test_without_any_difference_it_has_the_width_of_the_score_interval_of_0(count: int) -> None:
    """Near to the rule of three: 3.7 / n, for 97.5 % on one side."""
    low, high = paired_share_interval(0, 0, count, 0.95)
    z2 = stats.norm.ppf(0.975) ** 2
    assert high == pytest.approx(z2 / (count + z2), rel=1e-6)
    assert low == pytest.approx(-high, rel=1e-6)
    assert high == pytest.approx(1 - 0.025 ** (1 / count), rel=0.25)


def test_it_holds_the_estimate_is_mirrored_and_grows_with_confidence() -> None:
    for lost, won, count in [(0, 3, 3), (3, 0, 3), (1, 1, 2), (5, 0, 24), (13, 3, 400), (6, 6, 12)]:
        low, high = paired_share_interval(lost, won, count, 0.95)
        assert -1 <= low <= (won - lost) / count <= high <= 1
        assert low < high
        mirrored = paired_share_interval(won, lost, count, 0.95)
        assert mirrored == pytest.approx((-high, -low), abs=1e-9)
        wide = paired_share_interval(lost, won, count, 0.9999)
        assert wide[0] <= low
        assert wide[1] >= high


@pytest.mark.parametrize(
    ("count", "shares"), [(24, (0.05, 0.05)), (60, (0.1, 0.02)), (200, (0.03, 0.01))]
)
def test_it_covers_the_truth_as_often_as_it_says(count: int, shares: tuple[float, float]) -> None:
    """3,000 simulated comparisons each; exact coverage wavers around 95 % for counts."""
    lost_share, won_share = shares
    drawn = np.random.default_rng(4).multinomial(
        count, [lost_share, won_share, 1 - lost_share - won_share], 3000
    )
    cells, times = np.unique(drawn[:, :2], axis=0, return_counts=True)
    held = 0
    for (lost, won), seen in zip(cells.tolist(), times.tolist(), strict=True):
        low, high = paired_share_interval(lost, won, count, 0.95)
        held += seen if low <= won_share - lost_share <= high else 0
    assert 0.93 <= held / 3000 <= 0.995


def test_mcnemar_s_p_value_is_that_of_a_fair_coin() -> None:
    assert mcnemar_p(0, 0) == 1
    assert mcnemar_p(6, 0) == 2 * 0.5**6
    both = sum(math.comb(12, heads) for heads in (0, 1, 2, 10, 11, 12)) / 2**12
    assert mcnemar_p(2, 10) == pytest.approx(both)
    assert mcnemar_p(5, 5) == 1
