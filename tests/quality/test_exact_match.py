"""Exact match."""

from __future__ import annotations

import pytest

from pytest_modelbench.quality.exact_match import exact_match, wilson_interval


def test_the_share_of_equal_answers() -> None:
    """A missing one is wrong, and nothing is normalised."""
    metric = exact_match(["a", "B", None, 5, "5"], ["a", "b", None, 5, 5])
    assert metric.value == pytest.approx(2 / 5)
    assert metric.metadata["samples"] == 5
    assert metric.metadata["method"] == "Wilson score"


@pytest.mark.parametrize(
    ("right", "count", "expected"),
    [(0, 10, [0.0, 0.2775]), (10, 10, [0.7225, 1.0]), (81, 263, [0.2553, 0.3662])],
)
def test_the_interval_is_wilsons(right: int, count: int, expected: list[float]) -> None:
    """As in Newcombe (1998), table I, for 81 of 263."""
    assert wilson_interval(right, count) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("count", [1, 5, 7, 10, 20])
def test_an_interval_that_ends_where_shares_do_says_so_exactly(count: int) -> None:
    assert wilson_interval(0, count)[0] == 0
    assert wilson_interval(count, count)[1] == 1


def test_nothing_to_compare_is_an_error() -> None:
    """As are lists of unequal length."""
    assert exact_match([], []).error_message == "there are no samples to score"
    assert exact_match(["a"], []).error_message == "1 predictions for 0 references"
