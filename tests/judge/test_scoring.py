"""Scores and ranks: the reference runner's formulae by hand, its defects mended."""

from __future__ import annotations

import pytest
from made_cases import case, criteria

from pytest_modelbench.judge.scores.scoring import is_partial, leaderboard, normalized, score_cases
from pytest_modelbench.judge.verdict import judged
from pytest_modelbench.results.metric import failed, measured
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.suite.document import Criterion


def totals(scored: list[CaseResult]) -> list[float | None]:
    return [one.score.total if one.score else None for one in scored]


def ranks(scored: list[CaseResult]) -> list[int | None]:
    return [one.rank for one in scored]


def test_a_worked_example_has_the_reference_runner_s_numbers() -> None:
    """By hand: wer 0.1, 0.2, 0.4 (min); speed 5, 10, 30 (max); expression wer * 10 near 2."""
    named = criteria(
        {"metric": "wer", "goal": "min", "weight": 2},
        {"metric": "speed", "goal": "max", "weight": 1},
        {"expression": "wer * 10", "goal": "target", "target": 2, "weight": 1},
    )
    scored = score_cases(
        named,
        [
            case("a", {"wer": 0.1, "speed": 5}),
            case("b", {"wer": 0.2, "speed": 10}),
            case("c", {"wer": 0.4, "speed": 30}),
        ],
    )
    # min: (hi - v) / (hi - lo); max: (v - lo) / (hi - lo); target: 1 - |v - t| / max |v_i - t|
    parts = [[part.normalized for part in one.score.criteria] for one in scored if one.score]
    assert parts[0] == pytest.approx([1, 0, 0.5])
    assert parts[1] == pytest.approx([2 / 3, 0.2, 1])
    assert parts[2] == pytest.approx([0, 1, 0])
    assert totals(scored) == pytest.approx([2.5 / 4, (4 / 3 + 1.2) / 4, 0.25])
    assert ranks(scored) == [2, 1, 3]
    assert [row.model for row in leaderboard(scored)] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("goal", "target", "value", "values", "expected"),
    [
        ("min", None, 5, [5], 1),
        ("max", None, 5, [5, 5], 1),
        ("min", None, 5, [5, 5 + 1e-13], 1),
        ("min", None, 5, [5, 15], 1),
        ("min", None, 15, [5, 15], 0),
        ("max", None, 10, [5, 15], 0.5),
        ("max", None, -5, [-15, 5], 0.5),
        ("target", 10, 10, [10, 10], 1),
        ("target", 10, 7, [7], 0),
        ("target", 10, 7, [7, 4, 13], 0.5),
        ("target", 10, 13, [7, 4, 13], 0.5),
        ("target", 0, -2, [-2, 4], 0.5),
    ],
)
def test_a_value_is_put_on_a_scale_from_worst_to_best(
    goal: str, target: float | None, value: float, values: list[float], expected: float
) -> None:
    criterion = Criterion.model_validate({"metric": "m", "goal": goal, "target": target})
    assert normalized(criterion, value, values) == pytest.approx(expected)


def test_without_a_goal_the_catalogue_says_which_way_is_better() -> None:
    scored = score_cases(
        criteria({"metric": "exact_match", "max_regression": 0.02}, {"metric": "wer"}),
        [case("a", {"exact_match": 0.9, "wer": 0.1}), case("b", {"exact_match": 0.4, "wer": 0.6})],
    )
    assert totals(scored) == [1.0, 0.0]
    assert [part.goal for part in scored[0].score.criteria] == ["max", "min"]  # type: ignore[union-attr]


def test_a_missing_value_does_not_help_a_case() -> None:
    """The reference runner's winner here is the one that failed its hard criterion."""
    named = criteria(
        {"metric": "wer", "goal": "min", "weight": 3}, {"metric": "speed", "goal": "max"}
    )
    scored = score_cases(
        named,
        [
            case("lucky", {"wer": failed("no references"), "speed": 100}),
            case("honest", {"wer": 0.1, "speed": 10}),
            case("slow", {"wer": 0.5, "speed": 5}),
        ],
    )
    assert totals(scored)[0] == 1.0
    assert ranks(scored) == [3, 1, 2]
    lucky = scored[0].score
    assert lucky is not None
    assert (lucky.weight_total, lucky.weight_possible) == (1, 4)
    assert lucky.criteria[0].reason == "no references"
    assert is_partial(lucky)
    assert [row.partial for row in leaderboard(scored)] == [False, False, True]


@pytest.mark.parametrize("how", [{"metric": "p50"}, {"expression": "p50 * 2"}])
def test_a_figure_that_is_the_client_s_scores_nothing_for_the_endpoint(how: dict[str, str]) -> None:
    limited = measured(1.0, "ms", flag="client_limited")
    scored = score_cases(
        criteria({"id": "speed", "goal": "min", **how}, {"metric": "wer", "goal": "min"}),
        [
            case("limited", {"p50": limited, "wer": 0.1, "mean_latency_ms": limited}),
            case("slow", {"p50": 10.0, "wer": 0.1}),
            case("slower", {"p50": 20.0, "wer": 0.2}),
        ],
    )
    assert ranks(scored) == [3, 1, 2]
    assert scored[0].score is not None
    part = scored[0].score.criteria[0]
    assert (part.value, part.normalized) == (None, None)
    assert part.reason == "the client was the bottleneck, not the endpoint"
    assert leaderboard(scored)[2].mean_latency_ms is None


def test_a_criterion_of_hardly_any_weight_is_missed_as_well() -> None:
    named = criteria({"metric": "a", "weight": 1e9}, {"metric": "b", "weight": 1e-9})
    scored = score_cases(named, [case("x", {"a": 1}), case("y", {"a": 2, "b": 1})])
    assert ranks(scored) == [2, 1]
    assert [row.partial for row in leaderboard(scored)] == [False, True]


def test_cases_that_did_not_succeed_have_neither_value_nor_rank() -> None:
    """Nor do their values move the scale of the others."""
    named = criteria({"metric": "wer", "goal": "min"})
    scored = score_cases(
        named,
        [
            case("broken", {"wer": 0.0}, status="error"),
            case("absent", {}, status="skipped"),
            case("a", {"wer": 0.2}),
            case("b", {"wer": 0.4}),
        ],
    )
    assert totals(scored) == [None, None, 1.0, 0.0]
    assert ranks(scored) == [None, None, 1, 2]
    assert scored[0].score is not None
    assert scored[0].score.criteria[0].reason == "the case is error"
    assert len(leaderboard(scored)) == 2


def test_equal_totals_rank_by_mean_latency_and_an_unknown_latency_comes_last() -> None:
    named = criteria({"metric": "wer", "goal": "min"})
    scored = score_cases(
        named,
        [
            case("slow", {"wer": 0.1, "mean_latency_ms": 20}),
            case("unknown", {"wer": 0.1}),
            case("fast", {"wer": 0.1, "mean_latency_ms": 5}),
            case("client", {"wer": 0.1, "mean_latency_ms": measured(1, flag="client_limited")}),
            case("worse", {"wer": 0.2, "mean_latency_ms": 1}),
        ],
    )
    assert ranks(scored) == [2, 3, 1, 4, 5]


def test_cases_that_tie_in_everything_keep_the_suite_s_order() -> None:
    named = criteria({"metric": "wer"})
    scored = score_cases(named, [case(name, {"wer": 0.1}) for name in "abc"])
    assert ranks(scored) == [1, 2, 3]


def test_a_criterion_scales_over_the_cases_of_its_runners_alone() -> None:
    named = criteria(
        {"metric": "mean_latency_ms", "goal": "min", "runners": ["whisper_asr"]},
        {"metric": "mean_latency_ms", "goal": "min", "runner": "embedding_text"},
    )
    scored = score_cases(
        named,
        [
            case("w1", {"mean_latency_ms": 100}),
            case("w2", {"mean_latency_ms": 200}),
            case("e1", {"mean_latency_ms": 1}, runner="embedding_text"),
            case("e2", {"mean_latency_ms": 2}, runner="embedding_text"),
        ],
    )
    assert totals(scored) == [1, 0, 1, 0]
    for one in scored:  # out of scope is not missing
        assert one.score is not None
        assert (len(one.score.criteria), one.score.weight_possible) == (1, 1)
        assert not is_partial(one.score)


def test_a_case_that_no_criterion_is_about_has_no_score_and_no_rank() -> None:
    named = criteria({"metric": "wer", "runner": "embedding_text"})
    (scored,) = score_cases(named, [case("a", {"wer": 1})])
    assert (totals([scored]), ranks([scored])) == ([None], [None])
    assert leaderboard([scored]) == []
    assert score_cases([], [case("a", {})])[0].rank is None


def test_a_leaderboard_row_shows_what_ranks_and_null_for_what_is_unknown() -> None:
    scored = score_cases(
        criteria({"metric": "wer"}), [case("a", {"wer": 0.5, "mean_latency_ms": 7.5})]
    )
    (row,) = leaderboard(scored)
    assert (row.rank, row.case_id, row.score) == (1, "s::a", 1.0)
    assert (row.mean_latency_ms, row.p95_latency_ms) == (7.5, None)


def test_extreme_weights_and_values_still_give_a_score_from_zero_to_one() -> None:
    named = criteria(
        {"metric": "m", "weight": 1e12, "goal": "max"}, {"metric": "m", "weight": 5e-324}
    )
    scored = score_cases(named, [case(name, {"m": m}) for name, m in (("a", 1e300), ("b", -1e300))])
    assert totals(scored) == [1.0, 0.0]


def test_judging_adds_the_values_of_expressions_as_metrics_but_takes_no_name() -> None:
    named = criteria(
        {"id": "balance", "expression": "wer * 2"},
        {"id": "wer", "expression": "wer * 3"},
        {"id": "impossible", "expression": "wer / 0"},
        {"id": "other", "expression": "wer", "runner": "embedding_text"},
    )
    done = judged(case("a", {"wer": 0.5}), named)
    assert {name: metric.value for name, metric in done.metrics.items()} == {
        "wer": 0.5,
        "balance": 1.0,
        "impossible": None,
    }
    assert done.metric_errors == {"impossible": "wer / 0: division by zero"}


def test_judging_leaves_a_case_that_was_skipped_as_it_is() -> None:
    result = case("a", {}, status="skipped")
    assert judged(result, criteria({"metric": "wer", "max": 1})) == result


def test_of_a_case_that_went_wrong_only_bounds_with_a_value_are_judged() -> None:
    named = criteria({"metric": "wer", "max": 0.1}, {"metric": "cer", "max": 0.1})
    done = judged(case("a", {"wer": 0.5}, status="error"), named)
    assert [(check.what, check.outcome) for check in done.bounds] == [("wer", "failed")]
