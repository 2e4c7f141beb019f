"""How often the gate cries wolf, and how often it finds what is there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from simulated_launches import Code, Machine, compared, procedure, question

TRIALS = 300
BURSTS = Machine(burst_share=0.2, call_sd=0.08, drift=0.2)
NOISY = Machine(launch_sd=0.03)


def outcomes(
    code: Code, machine: Machine, asked: Any, seed: int, trials: int = TRIALS, **fields: Any
) -> Counter[str]:
    """Of so many whole comparisons with an unchanged baseline."""
    rng, how = np.random.default_rng(seed), procedure(**fields)
    baseline = Code(metrics=code.metrics, metric_sd=code.metric_sd)
    found: Counter[str] = Counter()
    for _ in range(trials):
        (verdict,), _ = compared(rng, [baseline, code], machine, [asked], how)
        found[verdict.outcome] += 1
    return found


def test_a_few_comparisons_come_out_right() -> None:
    assert outcomes(Code(), Machine(), question(), 1, trials=15) == {"pass": 15}
    assert outcomes(Code(0.1), Machine(), question(), 1, trials=15) == {"regression": 15}


@pytest.mark.slow
@pytest.mark.parametrize("tolerance", ["3%", "5%"])
@pytest.mark.parametrize("machine", [Machine(), BURSTS], ids=["usual", "bursts"])
def test_equal_code_never_regresses(machine: Machine, tolerance: str) -> None:
    found = outcomes(Code(), machine, question(tolerance=tolerance), 11)
    assert found["regression"] == 0
    assert found["pass"] >= 0.97 * TRIALS or (machine is BURSTS and tolerance == "3%")


@pytest.mark.slow
@pytest.mark.parametrize("tolerance", ["3%", "5%"])
def test_a_machine_thrice_as_noisy_as_assumed_cries_no_wolf(tolerance: str) -> None:
    found = outcomes(Code(), NOISY, question(tolerance=tolerance), 12)
    assert found["regression"] <= 0.01 * TRIALS


@pytest.mark.slow
@pytest.mark.parametrize("machine", [Machine(), BURSTS], ids=["usual", "bursts"])
@pytest.mark.parametrize(("slower", "tolerance"), [(0.05, "3%"), (0.10, "5%")])
@pytest.mark.parametrize("verdict_count", [1, 20])
def test_what_is_slower_by_more_than_the_tolerance_is_found(
    machine: Machine, slower: float, tolerance: str, verdict_count: int
) -> None:
    asked = question(tolerance=tolerance)
    found = outcomes(Code(slower), machine, asked, 13, verdict_count=verdict_count)
    assert found["regression"] >= 0.95 * TRIALS
    assert found["pass"] == 0


@pytest.mark.slow
def test_without_any_tolerance_errors_stay_below_what_is_allowed() -> None:
    # The first series may err in 3 of 100, in each of two views; the second has to err as well.
    found = outcomes(Code(), Machine(), question(tolerance="0%"), 14)
    assert found["regression"] <= 0.01 * TRIALS


@pytest.mark.slow
def test_a_change_as_large_as_the_tolerance_is_found_about_half_the_time() -> None:
    found = outcomes(Code(0.05), Machine(), question(tolerance="5%"), 15)
    assert 0.3 * TRIALS < found["regression"] < 0.75 * TRIALS
    assert found["pass"] <= 0.03 * TRIALS


@pytest.mark.slow
def test_means_and_rates_are_judged_as_well_as_medians() -> None:
    for metric, better in (
        ("mean_latency_ms", "lower"),
        ("throughput_items_per_second", "higher"),
    ):
        asked = question(metric, "5%", better=better)
        counted = {"items_per_call": 1.0}
        for machine in (Machine(), BURSTS):
            same = outcomes(Code(metrics=counted), machine, asked, 16, trials=100)
            assert same["regression"] == 0
            assert same["pass"] >= 95
            slower = outcomes(Code(0.12, metrics=counted), machine, asked, 17, trials=100)
            assert slower["regression"] >= 95


@pytest.mark.slow
def test_tails_cry_no_wolf_and_find_what_is_twice_the_tolerance() -> None:
    asked = question("p95_latency_ms", "15%")
    for machine in (Machine(), BURSTS):
        assert outcomes(Code(), machine, asked, 18, trials=40)["regression"] == 0
        assert outcomes(Code(0.35), machine, asked, 19, trials=40)["regression"] >= 38


@pytest.mark.slow
def test_loading_cries_no_wolf_however_it_scatters() -> None:
    for scatter in (0.002, 0.05, 0.2):
        code = Code(metrics={"model_load_seconds": 1.0}, metric_sd=scatter)
        found = outcomes(code, Machine(), question("model_load_seconds", "5%"), 20)
        assert found["regression"] <= 0.01 * TRIALS
