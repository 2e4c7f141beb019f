"""How sure scores are, and which differences between ranked cases are within noise."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from made_cases import case, criteria

from pytest_modelbench.judge.scores.score_interval import normalized_errors, score_interval
from pytest_modelbench.judge.scores.scoring import leaderboard, score_cases
from pytest_modelbench.results.judgement import CriterionScore, LeaderboardRow
from pytest_modelbench.results.metric import Metric, failed, measured
from pytest_modelbench.suite.document import Criterion


def sure(value: float, half: float, **notes: Any) -> Metric:
    return measured(value, interval=[value - half, value + half], confidence=0.95, **notes)


def table(named: Any, *cases: Any) -> list[LeaderboardRow]:
    return leaderboard(score_cases(named, list(cases)))


def ties(rows: list[LeaderboardRow]) -> list[tuple[str, bool, bool]]:
    return [(row.model, row.tied_with_above, row.tied_with_best) for row in rows]


@pytest.mark.parametrize(
    ("goal", "target", "value", "interval", "expected"),
    [
        ("max", None, 15, (14, 17), (0.1, 0.2)),
        ("min", None, 15, (14, 17), (0.2, 0.1)),
        ("max", None, 15, (None, 17), (math.inf, 0.2)),
        ("min", None, 15, (None, 17), (0.2, math.inf)),
        ("max", None, 15, (5, 35), (1, 2)),
        ("target", 12, 15, (14, 17), (0.25, 0.125)),
        ("target", 12, 15, (11, 17), (0.25, 0.375)),
        ("target", 12, 11, (10, 13), (0.125, 0.125)),
        ("target", 12, 15, (None, 17), (math.inf, 0.375)),
        ("max", None, 15, None, (0, 0)),
    ],
)
def test_errors_are_those_of_the_value_on_the_scale_of_all(
    goal: str, target: float | None, value: float, interval: Any, expected: tuple[float, float]
) -> None:
    """Values from 10 to 20: the scale is 10 long, and from the target 12 it is 8 long."""
    criterion = Criterion.model_validate({"metric": "m", "goal": goal, "target": target})
    assert normalized_errors(criterion, value, interval, [10, value, 20]) == pytest.approx(expected)


def test_equal_values_have_no_scale_to_be_unsure_on() -> None:
    criterion = Criterion(metric="m")
    assert normalized_errors(criterion, 5, (4, 6), [5, 5]) == (0, 0)


def part(weight: float, normalized: float, low: float | None, high: float | None) -> CriterionScore:
    return CriterionScore(
        id=f"c{weight}",
        goal="max",
        weight=weight,
        value=1.0,
        normalized=normalized,
        interval=[low, high],
        reason=None,
    )


def test_errors_of_criteria_are_added_by_weight_as_variances() -> None:
    found = score_interval(0.5, [part(3.0, 0.5, 0.3, 0.6), part(1.0, 0.5, 0.1, 0.8)])
    assert found is not None
    assert 0.5 - found[0] == pytest.approx(math.hypot(0.75 * 0.2, 0.25 * 0.4))
    assert found[1] - 0.5 == pytest.approx(math.hypot(0.75 * 0.1, 0.25 * 0.3))


def test_no_criterion_moves_a_score_by_more_than_its_weight() -> None:
    assert score_interval(0.7, [part(3.0, 0.6, None, 9.0), part(1.0, 1.0, 1.0, 1.0)]) == (
        pytest.approx([0.7 - 0.75 * 0.6, 0.7 + 0.75 * 0.4])
    )


def test_a_case_has_the_interval_of_its_score() -> None:
    """By hand: wer 0.1 to 0.5, so an error of 0.02 is 0.05 of the scale, and 3/4 of it count."""
    named = criteria({"metric": "wer", "weight": 3}, {"metric": "file_size_mb", "weight": 1})
    scored = score_cases(
        named,
        [
            case("a", {"wer": sure(0.1, 0.02), "file_size_mb": 4}),
            case("b", {"wer": sure(0.2, 0.02), "file_size_mb": 2}),
            case("c", {"wer": 0.5, "file_size_mb": 1}),
        ],
    )
    intervals = [one.score.interval for one in scored if one.score]
    # the best: (3 * 1 + 1 * 0) / 4, no better wer would help it; the second: (3 * 0.75 + 2 / 3) / 4
    assert intervals[0] == pytest.approx([0.75 - 0.0375, 0.75])
    assert intervals[1] == pytest.approx([0.72917 - 0.0375, 0.72917 + 0.0375], abs=1e-4)
    assert intervals[2] is None


def test_differences_within_noise_are_ties_with_the_row_above_and_with_the_best() -> None:
    """Errors of 0.03 each: a difference of up to 0.0424 is within them."""
    named = criteria({"metric": "wer"})
    rows = table(
        named,
        *(
            case(name, {"wer": sure(wer, 0.03)})
            for name, wer in (("a", 0.1), ("b", 0.13), ("c", 0.17), ("d", 0.3))
        ),
    )
    assert ties(rows) == [
        ("a", False, False),
        ("b", True, True),
        ("c", True, False),
        ("d", False, False),
    ]
    assert [row.rank for row in rows] == [1, 2, 3, 4]


@pytest.mark.parametrize(("apart", "tied"), [(0.0424, True), (0.0425, False)])
def test_two_cases_are_tied_as_long_as_their_values_are(apart: float, tied: bool) -> None:
    """1.96 standard errors of the difference, on whatever scale it ends up."""
    rows = table(
        criteria({"metric": "wer"}),
        case("a", {"wer": sure(0.1, 0.03)}),
        case("b", {"wer": sure(0.1 + apart, 0.03)}),
    )
    assert rows[1].tied_with_above is tied


def test_what_was_counted_is_tied_only_when_it_is_equal() -> None:
    named = criteria({"metric": "file_size_mb"})
    rows = table(
        named,
        *(
            case(name, {"file_size_mb": size})
            for name, size in (("a", 1.0), ("b", 1.0), ("c", 1.000001), ("d", 3.0))
        ),
    )
    assert ties(rows) == [
        ("a", False, False),
        ("b", True, True),
        ("c", False, False),
        ("d", False, False),
    ]


@pytest.mark.parametrize(("weight", "tied"), [(0.99, True), (1.01, False)])
def test_what_cannot_be_told_apart_decides_as_far_as_its_weight_goes(
    weight: float, tied: bool
) -> None:
    """Losing the latency, by chance won, would turn the difference by 2 x 0.5 of 1."""
    named = criteria(
        {"metric": "p50_latency_ms", "weight": 0.5},
        {"metric": "file_size_mb", "weight": weight / 2},
    )
    rows = table(
        named,
        case("a", {"p50_latency_ms": timed(100.0), "file_size_mb": 1.0}),
        case("b", {"p50_latency_ms": timed(100.001), "file_size_mb": 2.0}),
    )
    assert ties(rows) == [("a", False, False), ("b", tied, tied)]


def timed(value: float) -> Metric:
    return sure(value, 0.0, samples=500)


def test_latencies_are_tied_within_what_launches_differ_by() -> None:
    """A launch of the same code differs by 1 %, a difference of two by 1.4 %: 2.77 % for 95 %."""
    named = criteria({"metric": "p50_latency_ms"})
    near = table(
        named,
        case("a", {"p50_latency_ms": timed(100)}),
        case("b", {"p50_latency_ms": timed(102.7)}),
    )
    far = table(
        named,
        case("a", {"p50_latency_ms": timed(100)}),
        case("b", {"p50_latency_ms": timed(102.9)}),
    )
    assert near[1].tied_with_above
    assert not far[1].tied_with_above


def test_an_end_that_is_not_known_is_a_tie_where_it_matters() -> None:
    named = criteria({"metric": "loss"})
    rows = table(
        named,
        case("a", {"loss": measured(1.0, interval=[0.9, None])}),
        case("b", {"loss": measured(2.0, interval=[1.9, 2.1])}),
        case("c", {"loss": measured(3.0, interval=[2.9, None])}),
    )
    assert [row.tied_with_above for row in rows] == [False, True, False]


def test_expressions_and_targets_carry_the_errors_of_their_metrics() -> None:
    named = criteria({"expression": "wer * 100", "goal": "target", "target": 0})
    near = table(named, case("a", {"wer": sure(0.1, 0.03)}), case("b", {"wer": sure(0.14, 0.03)}))
    far = table(named, case("a", {"wer": sure(0.1, 0.03)}), case("b", {"wer": sure(0.2, 0.03)}))
    assert near[1].tied_with_above
    assert not far[1].tied_with_above


def test_a_partial_score_is_never_tied_with_a_full_one() -> None:
    named = criteria({"metric": "wer"}, {"metric": "cer"})
    unsure = sure(0.1, 10.0)
    rows = table(
        named,
        case("full", {"wer": unsure, "cer": unsure}),
        case("partial", {"wer": unsure, "cer": failed("no references")}),
        case("also", {"wer": unsure, "cer": failed("no references")}),
    )
    assert ties(rows) == [
        ("full", False, False),
        ("partial", False, False),
        ("also", True, False),
    ]


def test_cases_that_are_equal_in_truth_are_told_apart_in_five_of_a_hundred() -> None:
    """Two cases with the same true value, measured with noise whose size is known."""
    draw = random.Random(3)
    named = criteria({"metric": "m"})
    apart = 0
    for _ in range(2000):
        pair = [case(name, {"m": sure(draw.gauss(1.0, 0.1), 0.196)}) for name in "ab"]
        apart += not table(named, *pair)[1].tied_with_above
    assert 0.035 <= apart / 2000 <= 0.065


def test_cases_that_differ_by_five_standard_errors_are_told_apart() -> None:
    draw = random.Random(4)
    named = criteria({"metric": "m"})
    apart = 0
    for _ in range(300):
        pair = [
            case("a", {"m": sure(draw.gauss(1.0, 0.1), 0.196)}),
            case("b", {"m": sure(draw.gauss(1.7, 0.1), 0.196)}),
        ]
        apart += not table(named, *pair)[1].tied_with_above
    assert apart / 300 > 0.98
