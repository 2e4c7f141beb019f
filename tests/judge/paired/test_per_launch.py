"""What a launch gives once: loading, first call, memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from simulated_launches import Code, question, recorded

from pytest_modelbench.judge.paired import PairedData, next_step, paired_verdict
from pytest_modelbench.results.comparison import Verdict

LOAD, RAM, GROWTH = "model_load_seconds", "peak_ram_mb", "steady_ram_increase_mb"


def launches(metric: str, *pairs: tuple[float, float], **fields: Any) -> PairedData:
    sides = [[Code(metrics={metric: one}) for one in pair] for pair in pairs]
    return recorded(*sides, **fields)


def verdict(metric: str, *pairs: tuple[float, float], tolerance: Any = "5%") -> Verdict:
    return paired_verdict(launches(metric, *pairs), question(metric, tolerance))


def test_the_interval_is_students_of_the_logarithms() -> None:
    # Of +10 %, +10 %, 0, 0: mean 4.77 %, standard error 2.75 %, t(3) at 1 % is 4.541.
    found = verdict(LOAD, (1, 1.1), (2, 2.2), (1, 1), (3, 3))
    assert found.change == pytest.approx(1.1**0.5 - 1)
    assert found.interval == pytest.approx([-0.0742, 0.1882], abs=1e-3)
    assert (found.method, found.confidence) == ("launches", pytest.approx(0.98))
    assert found.outcome == "inconclusive"
    ratio = found.candidate_value / found.baseline_value  # type: ignore[operator]
    assert ratio == pytest.approx(1 + found.change)


def test_figures_that_scatter_are_no_proof_from_two_launches() -> None:
    found = verdict(LOAD, (1, 1.2), (1, 1.3))
    assert found.outcome == "inconclusive"
    assert "it may be no change at all; about" in str(found.reason)


def test_memory_that_never_differs_is_decided_by_two_launches() -> None:
    same = verdict(RAM, (300, 300), (300, 300))
    assert (same.outcome, same.change, same.interval) == ("pass", 0, [0, 0])
    assert same.smallest_detectable == pytest.approx(0.05)
    at_the_tolerance = verdict(RAM, (100, 105), (100, 105))
    assert at_the_tolerance.outcome == "pass"
    none_allowed = verdict(RAM, (300, 300), (300, 300), tolerance="0%")
    assert none_allowed.outcome == "pass"


def test_more_memory_in_every_launch_has_to_be_confirmed() -> None:
    pairs = [(100.0, 120.0)] * 8
    data = launches(RAM, *pairs[:4])
    assert next_step(data, [question(RAM)], 1.0) == "confirm"
    both = launches(RAM, *pairs, series=["decision"] * 4 + ["confirmation"] * 4)
    found = paired_verdict(both, question(RAM), 8.0)
    assert found.message == (
        "peak ram 100 -> 120 MB, +20.0 % [+20.0, +20.0], tolerance 5 %: regression "
        "(8 launches, 8.0 s, detects 5 %)"
    )


def test_a_tolerance_in_its_unit_is_held_against_differences() -> None:
    found = verdict(GROWTH, (0.0, 4.0), (2.0, 6.0), tolerance=5.0)
    assert not found.is_relative
    assert (found.change, found.interval, found.tolerance) == (4.0, [4.0, 4.0], 5.0)
    assert (found.baseline_value, found.candidate_value) == (1.0, 5.0)
    assert found.outcome == "pass"


def test_of_nothing_there_is_no_share() -> None:
    found = verdict(GROWTH, (0.0, 4.0), (2.0, 6.0))
    assert (found.outcome, found.change) == ("inconclusive", None)
    assert found.reason == (
        "steady_ram_increase_mb is 0 in launch 1, of which nothing is a share: give "
        "'max_regression' in MB, such as 5"
    )
    nothing_at_all = verdict(GROWTH, (0.0, 0.0), (0.0, 0.0))
    assert (nothing_at_all.outcome, nothing_at_all.change) == ("pass", 0)


def test_what_is_missing_in_a_launch_is_named() -> None:
    there, missing = Code(metrics={LOAD: 1.0}), Code()
    data = recorded([there, there], [there, missing])
    found = paired_verdict(data, question(LOAD))
    assert found.outcome == "inconclusive"
    assert found.reason == "model_load_seconds of side candidate is missing in launch 2"


def test_memory_that_agrees_by_chance_is_no_proof() -> None:
    twice = [(100.0, 120.0)] * 2
    assert next_step(launches(RAM, *twice), [question(RAM)], 1.0) == "launch"
    confirming = launches(RAM, *twice * 3, series=["decision"] * 4 + ["confirmation"] * 2)
    assert next_step(confirming, [question(RAM)], 1.0) == "confirm"
    few = launches(RAM, *twice, most_launches=2)
    assert next_step(few, [question(RAM)], 1.0) == "confirm", "there may be no more"


def test_less_is_worse_where_more_is_better() -> None:
    asked = question("peak_ram_mb", "5%", better="higher")
    data = launches(RAM, *[(100, 80)] * 4)
    assert next_step(data, [asked], 1.0) == "confirm"
    assert paired_verdict(launches(RAM, (100, 120), (100, 120)), asked).outcome == "pass"


def test_a_metric_nobody_measures_in_launches_says_so() -> None:
    found = verdict("wer", (0.1, 0.1), (0.1, 0.1), tolerance=0.01)
    assert found.reason == "wer is not measured launch by launch"


def test_a_note_in_the_metric_s_unit_can_be_of_nothing() -> None:
    data = launches(GROWTH, (0.0, 3.0), (1.0, 3.0))
    asked = replace(question(GROWTH), tolerance=None, is_noted_in_unit=True)
    found = paired_verdict(data, asked)
    assert (found.outcome, found.change, found.is_relative) == ("noted", 2.5, False)
