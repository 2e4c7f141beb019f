"""Differences of blocks: what they compare, and what cannot be compared."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from simulated_launches import Code, procedure, question, recorded, side_launch

from pytest_modelbench.judge.paired import PairedData
from pytest_modelbench.judge.paired.blocks import block_differences, block_measure
from pytest_modelbench.judge.paired.data import UnpackedLaunch, Unusable
from pytest_modelbench.judge.question import Question
from pytest_modelbench.results.comparison import Launch
from pytest_modelbench.results.packed import pack

SIDES = ("baseline", "candidate", "other")


def launch_of(
    order: list[int], durations: list[list[int]], calls: int, **metrics: list[float]
) -> UnpackedLaunch:
    """A launch from what it recorded; `metrics` by name, a value for each side."""
    sides = [
        side_launch(one, {name: given[side] for name, given in metrics.items()})
        for side, one in enumerate(durations)
    ]
    launch = Launch(series="decision", order=pack(order), sides=sides, disturbances=[])
    return UnpackedLaunch(launch, SIDES[: len(durations)], calls, 1)


def measured(metric: str, launch: UnpackedLaunch, **fields: Any) -> tuple[list[float], Any]:
    asked = question(metric, **fields)
    measure = block_measure(asked, 0.01)
    centers = [view.estimate([launch]).center for view in measure.views]
    return centers, measure.values([launch])


def test_a_block_compares_the_fastest_call_of_each_turn() -> None:
    launch = launch_of([0, 1, 1, 0], [[100, 90, 80, 50, 40, 30], [160, 170, 180, 61, 60, 62]], 3)
    (difference,) = block_differences(launch, question(), "fastest")
    usual = [math.log(a * b) / 2 for a, b in ((50, 61), (40, 60), (30, 62))]
    turns = [
        min(math.log(call) - one for call, one in zip(calls, usual, strict=True))
        for calls in ((100, 90, 80), (50, 40, 30), (160, 170, 180), (61, 60, 62))
    ]
    assert difference == pytest.approx((turns[2] + turns[3]) / 2 - (turns[0] + turns[1]) / 2)


def test_inputs_of_different_length_are_each_compared_with_themselves() -> None:
    one = [10, 200, 3000, 10, 200, 3000]
    launch = launch_of([0, 1, 1, 0], [one, [round(1.1 * call) for call in one]], 3)
    (difference,) = block_differences(launch, question(), "fastest")
    assert difference == pytest.approx(math.log(1.1), abs=1e-3)


def test_a_call_that_is_interrupted_changes_nothing() -> None:
    one, other = [100, 100, 100, 100, 100, 100], [200, 900, 200, 200, 200, 700]
    launch = launch_of([0, 1, 1, 0], [one, other], 3)
    (difference,) = block_differences(launch, question(), "fastest")
    assert difference == pytest.approx(math.log(2))


def test_its_median_over_inputs_is_looked_at_as_well() -> None:
    launch = launch_of([0, 1, 1, 0], [[100, 90, 80, 50, 40, 30], [160, 170, 180, 61, 60, 62]], 3)
    (difference,) = block_differences(launch, question(), "median")
    means = [(160 / 100, 61 / 50), (170 / 90, 60 / 40), (180 / 80, 62 / 30)]
    assert difference == pytest.approx(sorted(math.log(a * b) / 2 for a, b in means)[1])


def test_what_is_slow_on_every_new_input_is_slow() -> None:
    launch = launch_of([0, 1, 1, 0], [[10, 20, 30] * 2, [20, 40, 60] * 2], 3)
    for summary in ("fastest", "median", "mean"):
        assert block_differences(launch, question(), summary)[0] == pytest.approx(math.log(2))


def test_what_drifts_steadily_within_a_block_meets_both_sides_alike() -> None:
    drift = [1000 * 1.1**at for at in range(4)]
    launch = launch_of(
        [0, 1, 1, 0], [[round(drift[0]), round(drift[3])], [round(drift[1]), round(drift[2])]], 1
    )
    assert block_differences(launch, question(), "mean")[0] == pytest.approx(0, abs=1e-3)


def test_three_sides_have_six_turns_in_a_block_and_each_pair_is_compared() -> None:
    order = [2, 0, 1, 1, 0, 2, 1, 2, 0, 0, 2, 1]
    launch = launch_of(order, [[100] * 4, [200] * 4, [50] * 4], 1)
    for baseline, candidate, ratio in ((0, 1, 2.0), (0, 2, 0.5), (1, 2, 0.25), (2, 0, 2.0)):
        asked = question(baseline=baseline, candidate=candidate)
        found = block_differences(launch, asked, "fastest")
        assert found.tolist() == pytest.approx([math.log(ratio)] * 2)


def test_the_values_shown_are_the_plain_metrics_of_all_calls() -> None:
    durations = [[1_000_000, 2_000_000, 6_000_000] * 2, [2_000_000, 4_000_000, 9_000_000] * 2]
    launch = launch_of([0, 1, 1, 0], durations, 3, items_per_call=[4, 4])
    assert measured("p50_latency_ms", launch)[1] == pytest.approx((2, 4))
    assert measured("latency_ms", launch)[1] == pytest.approx((2, 4))
    assert measured("mean_latency_ms", launch)[1] == pytest.approx((3, 5))
    rates = measured("throughput_items_per_second", launch, better="higher")[1]
    assert rates == pytest.approx((4 / 0.003, 4 / 0.005))


def test_means_are_of_all_calls_of_a_turn_and_of_a_launch() -> None:
    launch = launch_of([0, 1, 1, 0], [[100, 200, 300, 400], [220, 220, 350, 350]], 2)
    centers, _ = measured("mean_latency_ms", launch)
    assert centers[0] == pytest.approx(math.log(220 * 350) / 2 - math.log(150 * 350) / 2)
    assert centers[1] == pytest.approx(math.log(285 / 250))


@pytest.mark.parametrize(
    ("metric", "count", "expected"),
    [
        ("throughput_items_per_second", "items_per_call", math.log(3 / 2 / 1.25)),
        ("tokens_per_sec", "tokens_per_call", math.log(3 / 2 / 1.25)),
        ("x_realtime", "audio_seconds_per_call", math.log(3 / 2 / 1.25)),
        ("real_time_factor", "audio_seconds_per_call", -math.log(3 / 2 / 1.25)),
    ],
)
def test_rates_are_of_what_a_call_does(metric: str, count: str, expected: float) -> None:
    durations = [[1_000_000] * 4, [1_250_000] * 4]
    launch = launch_of([0, 1, 1, 0], durations, 2, **{count: [2.0, 3.0]})
    centers, values = measured(metric, launch)
    assert centers == pytest.approx([expected, expected])
    assert math.log(values[1] / values[0]) == pytest.approx(expected)


@pytest.mark.parametrize("given", [{}, {"tokens_per_call": [0.0, 2.0]}])
def test_a_rate_of_nothing_known_names_the_side_and_the_launch(given: dict[str, Any]) -> None:
    launch = launch_of([0, 1, 1, 0], [[1000] * 4] * 2, 2, **given)
    with pytest.raises(Unusable, match=r"tokens_per_call of side baseline is .* in launch 1"):
        measured("tokens_per_sec", launch)


@pytest.mark.parametrize(
    ("order", "durations"),
    [
        ([0, 1, 1], [[1, 1], [1, 1]]),
        ([0, 1, 0, 0], [[1, 1], [1, 1]]),
        ([0, 1, 1, 0], [[1, 1], [1]]),
        ([0, 1, 2, 0], [[1, 1], [1, 1]]),
        ([], [[], []]),
    ],
)
def test_a_record_that_does_not_add_up_says_so(
    order: list[int], durations: list[list[int]]
) -> None:
    launch = launch_of(order, durations, 1)
    with pytest.raises(Unusable, match="record of launch 1 does not add up"):
        _ = launch.calls


def test_a_call_that_took_no_time_is_no_logarithm() -> None:
    launch = launch_of([0, 1, 1, 0], [[1, 1], [1, 0]], 1)
    with pytest.raises(Unusable, match="a call of side candidate in launch 1 took no time"):
        _ = launch.calls


def test_launches_are_told_apart_by_their_series() -> None:
    data = recorded(*[[Code(), Code()]] * 3, series=["decision", "decision", "confirmation"])
    assert [len(data.decision), len(data.confirmation)] == [2, 1]
    assert data.confirmation[0].number == 3
    assert data.decision[0].block_count == 20


def test_a_launch_without_a_side_does_not_add_up() -> None:
    data = recorded([Code(), Code()])
    asked = Question("p50_latency_ms", "lower", None, candidate=2)
    wider = PairedData(SIDES, procedure(), data.launches)
    with pytest.raises(Unusable, match="does not add up"):
        block_differences(wider.decision[0], asked, "fastest")


def test_estimates_do_not_depend_on_the_unit_of_time() -> None:
    rng = np.random.default_rng(1)
    durations = rng.integers(1000, 2000, (2, 40))
    one = launch_of([0, 1, 1, 0] * 10, durations.tolist(), 2)
    thousandfold = launch_of([0, 1, 1, 0] * 10, (1000 * durations).tolist(), 2)
    assert measured("p50_latency_ms", one)[0] == pytest.approx(
        measured("p50_latency_ms", thousandfold)[0]
    )
