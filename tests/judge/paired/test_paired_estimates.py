"""Estimates know by what launches differ."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats
from simulated_launches import Code, Machine, procedure, question, simulated_launch

from pytest_modelbench.judge.paired.blocks import block_differences
from pytest_modelbench.judge.paired.data import UnpackedLaunch
from pytest_modelbench.judge.paired.estimate import (
    Estimate,
    detectable,
    over_blocks,
    over_launches,
)


def test_many_quiet_blocks_leave_the_floor() -> None:
    estimate = over_blocks([np.full(20, 0.05)] * 4, floor=0.01)
    assert (estimate.center, estimate.se) == pytest.approx((0.05, 0.01 / 2))
    assert estimate.degrees == pytest.approx(7)


def test_launches_that_scatter_by_more_than_the_floor_widen_it() -> None:
    launches = [np.full(20, at) for at in (0.0, 0.06, 0.0, 0.06)]
    within = over_blocks(launches, floor=0).se
    wide = over_blocks(launches, floor=0.01)
    assert wide.se > 0.01
    assert over_blocks(launches, floor=0.001).se < wide.se
    assert within > 0


def test_two_launches_that_agree_by_chance_are_no_proof() -> None:
    agreeing = over_blocks([np.full(20, 0.05)] * 2, floor=0.01)
    assert agreeing.se == pytest.approx(0.01 / math.sqrt(2))
    assert agreeing.quantile(0.01) > NormalDist().inv_cdf(0.99) * 1.3


def test_noise_of_many_blocks_is_known_better_than_that_of_launches() -> None:
    rng = np.random.default_rng(1)
    noisy = over_blocks([rng.normal(0, 0.2, 40) for _ in range(4)], floor=0.001)
    assert noisy.degrees > 50


def test_one_launch_has_an_interval_from_the_floor_alone() -> None:
    estimate = over_blocks([np.full(20, 0.05)], floor=0.01)
    assert estimate.se == pytest.approx(0.01)


def test_a_single_block_says_nothing() -> None:
    estimate = over_blocks([np.array([0.05])], floor=0.01)
    assert math.isinf(estimate.se)
    assert estimate.p_value == 1.0


def test_equal_blocks_without_a_floor_are_sure() -> None:
    estimate = over_blocks([np.zeros(20)] * 2, floor=0.0)
    assert estimate.ends(0.01) == (0.0, 0.0)
    assert estimate.p_value == 1.0


def test_one_figure_a_launch_has_students_interval() -> None:
    values = [0.01, 0.03, 0.02, 0.05]
    expected = stats.t.interval(0.98, 3, loc=np.mean(values), scale=stats.sem(values))
    assert over_launches(values).ends(0.01) == pytest.approx(expected)
    assert over_launches(values).p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_one_launch_has_no_interval() -> None:
    assert over_launches([0.5]).ends(0.01) == (-math.inf, math.inf)


def test_equal_figures_have_an_interval_of_no_width() -> None:
    estimate = over_launches([0.02, 0.02])
    assert estimate.ends(0.01) == (0.02, 0.02)
    assert estimate.p_value == 0.0


def test_what_is_detectable_is_shown_in_8_of_10_cases() -> None:
    rng, level, tolerance = np.random.default_rng(2), 0.01, 0.03
    shaped = Estimate(0.0, 0.012, 9, (0.0,))
    change = detectable(shaped, tolerance, [level, level / 10])
    assert change is not None
    needed = [max(tolerance, shaped.quantile(one) * shaped.se) for one in (level, level / 10)]
    found = rng.normal(change, shaped.se, (20_000, 2)) > needed
    assert 0.8 <= found.all(axis=1).mean() < 0.92


def test_what_is_sure_detects_all_above_the_tolerance() -> None:
    assert detectable(Estimate(0.0, 0.0, 1, (0.0, 0.0)), 0.05, [0.01]) == 0.05
    assert detectable(Estimate(0.0, math.inf, 1, (0.0,)), 0.05, [0.01]) is None
    assert detectable(Estimate(0.0, 0.1, 1, (0.0,)), math.inf, [0.01]) is None


TRUTH = 0.05


def _student(rng: np.random.Generator) -> float:
    """Of standard deviation 1, with heavy tails."""
    return float(rng.standard_t(3) / math.sqrt(3))


def _two_modes(rng: np.random.Generator) -> float:
    """Of standard deviation 1: either one, with nothing between."""
    return float(rng.choice([-1, 1]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("machine", "between"),
    [
        (Machine(launch_sd=0), "normal"),
        (Machine(launch_sd=0, drift=0.5), "normal"),
        (Machine(launch_sd=0, slow_share=0.05), "student"),
        (Machine(launch_sd=0, burst_share=0.2, call_sd=0.08), "normal"),
        (Machine(launch_sd=0), "two modes"),
    ],
    ids=["quiet", "drift", "heavy tails", "bursts", "two modes"],
)
@pytest.mark.parametrize("launches", [2, 6])
def test_intervals_hold_the_truth_as_often_as_they_say(
    machine: Machine, between: str, launches: int
) -> None:
    seed = [launches, *repr((machine, between)).encode()]
    rng, how = np.random.default_rng(seed), procedure()
    draw = {"student": _student, "two modes": _two_modes}.get(
        between, lambda rng: float(rng.standard_normal())
    )
    held = 0
    for _ in range(400):
        blocks = []
        for number in range(launches):
            slower = math.expm1(TRUTH + 0.014 * draw(rng))  # 1.4 %: the most that was measured
            launch = simulated_launch(rng, how, [Code(), Code(slower)], machine)
            seen = UnpackedLaunch(launch, ("baseline", "candidate"), how.calls, number)
            blocks.append(block_differences(seen, question(), "fastest"))
        low, high = over_blocks(blocks, how.launch_floor).ends(0.01)
        held += low <= TRUTH <= high
    # 98 % of 400, less three and a half standard deviations of such a count.
    assert held / 400 >= 0.955
