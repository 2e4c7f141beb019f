"""Simulated sessions with known truth: how often the rule is wrong, and what intervals cover."""

from __future__ import annotations

import math
import random

import pytest

from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.stored.decide import Decision, decide
from pytest_modelbench.judge.stored.noise import MEDIAN, noise_between, prior_of
from pytest_modelbench.judge.stored.scale import Scale
from pytest_modelbench.suite.tolerance import parse_tolerance

TRIALS = 1000
TOLERANCE = "5%"
QUESTION = Question("p50_latency_ms", "lower", parse_tolerance(TOLERANCE))


def decisions(
    sessions: int, noise: float, slower: float = 0.0, heavy: bool = False, seed: int = 1
) -> list[Decision]:
    """Trials with so many earlier sessions, the last of which is the baseline."""
    draw = random.Random(seed)

    def session() -> float:
        spread = draw.gauss(0, 1)
        if heavy:  # Student's t with 3 degrees of freedom, of the same standard deviation
            spread /= math.sqrt(draw.gammavariate(1.5, 2 / 3) * 3)
        return 10 * math.exp(noise * spread)

    prior = prior_of(MEDIAN, "p50_latency_ms", None, is_disturbed=False)
    made = []
    for _ in range(TRIALS):
        history = [session() for _ in range(sessions)]
        value = session() * (1 + slower)
        scale = Scale(history[0], 1, is_log=True)
        made.append(decide(QUESTION, scale, value, noise_between(history, prior), [0, 0], 1))
    return made


def share(made: list[Decision], outcome: str) -> float:
    return sum(one.outcome == outcome for one in made) / TRIALS


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("noise", [0.005, 0.05])
@pytest.mark.parametrize("sessions", [1, 11, 30])
def test_equal_code_is_hardly_ever_called_a_regression(
    sessions: int, noise: float, heavy: bool
) -> None:
    assert share(decisions(sessions, noise, heavy=heavy), "regression") <= 0.025


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("noise", [0.005, 0.05])
@pytest.mark.parametrize("sessions", [1, 11, 30])
def test_code_as_much_slower_as_is_allowed_hardly_ever_passes(
    sessions: int, noise: float, heavy: bool
) -> None:
    assert share(decisions(sessions, noise, slower=0.05, heavy=heavy), "pass") <= 0.04


@pytest.mark.parametrize("noise", [0.005, 0.05])
@pytest.mark.parametrize("sessions", [1, 11, 30])
def test_intervals_hold_the_truth_as_often_as_they_say(sessions: int, noise: float) -> None:
    truth = math.log(1.1)
    made = decisions(sessions, noise, slower=0.1)
    covered = sum(one.low <= truth <= one.high for one in made) / TRIALS
    assert covered >= 0.94


def test_a_quiet_machine_is_known_by_a_dozen_sessions() -> None:
    assert share(decisions(12, 0.01), "pass") > 0.7
    assert share(decisions(12, 0.01, slower=0.10), "regression") > 0.85
    assert share(decisions(3, 0.01), "inconclusive") > 0.99


def test_the_smallest_detectable_change_is_found_in_four_of_five() -> None:
    made = decisions(20, 0.02, slower=0.05)
    sizes = sorted(one.detectable or 0 for one in made)
    typical = math.expm1(sizes[TRIALS // 2])
    assert 0.70 < share(decisions(20, 0.02, slower=typical, seed=2), "regression") < 0.90
