"""The rule at a look, and the looks at a series."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from simulated_launches import procedure, question

from pytest_modelbench.judge.paired.decision import Found, Levels, Seen, look_through
from pytest_modelbench.judge.paired.estimate import Estimate
from pytest_modelbench.judge.paired.looks import (
    level_of_a_look,
    level_to_confirm,
    looks_at,
    planned_looks,
)
from pytest_modelbench.judge.paired.measure import Measure, View

LEVEL = 0.01
REACH = Estimate(0, 1, 7, ()).quantile(LEVEL)


def seen(center: float, reach: float, by_launch: tuple[float, ...] = (1, 1), **fields: Any) -> Seen:
    """An estimate whose interval ends `reach` from it."""
    estimates = (Estimate(center, reach / REACH, 7, by_launch), *fields.get("others", ()))
    tolerance = fields.get("tolerance", 0.05)
    return Seen(len(by_launch), estimates, tolerance, fields.get("plain", center))


@pytest.mark.parametrize(
    ("center", "reach", "is_last", "expected"),
    [
        (0.06, 0.034, False, True),
        (0.049, 0.001, False, False),  # not over the tolerance, however sure
        (0.06, 0.036, False, False),  # may be less than half of it: a later look will tell
        (0.06, 0.036, True, True),
        (0.06, 0.061, True, False),  # may be nothing
        (-0.06, 0.01, True, False),
    ],
)
def test_a_regression_is_over_the_tolerance_and_surely_a_change(
    center: float, reach: float, is_last: bool, expected: bool
) -> None:
    shown = seen(center, reach).shows_regression(LEVEL, is_last)
    assert bool(shown) == expected


@pytest.mark.parametrize(
    ("by_launch", "expected"),
    [((1, 1, 1, -1), True), ((1, 1, -1, -1), False), ((1, 1, 0), False), ((1,), True)],
)
def test_most_launches_must_show_it_by_themselves(
    by_launch: tuple[float, ...], expected: bool
) -> None:
    assert bool(seen(0.06, 0.01, by_launch).shows_regression(LEVEL, True)) == expected


def test_a_pass_is_surely_within_the_tolerance() -> None:
    assert seen(0.03, 0.019).passes(LEVEL)
    assert not seen(0.03, 0.021).passes(LEVEL)
    assert seen(0.05, 0.0).passes(LEVEL), "equal to the tolerance is within it"
    assert seen(0.0, 0.0, tolerance=0.0).passes(LEVEL)


def test_a_pass_needs_every_view_and_a_regression_any() -> None:
    slower = Estimate(0.06, 0.001, 7, (0.06, 0.06))
    unsure = Estimate(0.06, 0.5, 7, (0.06, 0.06))
    assert not seen(0.0, 0.01, others=[unsure]).passes(LEVEL)
    assert seen(0.0, 0.01, others=[unsure], plain=0.06).shows_regression(LEVEL, True) == ()
    assert seen(0.0, 0.01, others=[slower], plain=0.06).shows_regression(LEVEL, False) == (1,)


def test_a_pass_needs_the_intervals_of_guards_and_of_others_the_estimate() -> None:
    unsure = Estimate(0.0, 0.5, 7, (0.0, 0.0))
    assert seen(0.0, 0.01, others=[unsure]).passes(LEVEL)
    assert not replace(seen(0.0, 0.01, others=[unsure]), guards=(0, 1)).passes(LEVEL)


def test_what_the_metric_itself_contradicts_is_neither_a_pass_nor_a_regression() -> None:
    assert not seen(0.0, 0.01, plain=0.06).passes(LEVEL)
    assert seen(0.0, 0.01, plain=0.05).passes(LEVEL)
    for is_last in (False, True):
        assert seen(0.06, 0.01, plain=0.026).shows_regression(LEVEL, is_last) == (0,)
        assert seen(0.06, 0.01, plain=0.024).shows_regression(LEVEL, is_last) == ()
    assert seen(0.06, 0.01, plain=0.001, tolerance=0.0).shows_regression(LEVEL, True) == (0,)
    assert seen(0.06, 0.01, plain=0.0, tolerance=0.0).shows_regression(LEVEL, True) == ()


def test_what_only_a_later_view_shows_must_be_in_the_metric_itself() -> None:
    slower = Estimate(0.08, 0.001, 7, (0.08, 0.08))
    assert seen(0.0, 0.01, others=[slower], plain=0.04).shows_regression(LEVEL, True) == ()
    assert seen(0.0, 0.01, others=[slower], plain=0.06).shows_regression(LEVEL, True) == (1,)
    assert seen(0.06, 0.5, others=[slower], plain=0.04).shows_regression(LEVEL, True) == (1,)


def test_looks_share_what_they_may_err() -> None:
    assert level_of_a_look(procedure()) == pytest.approx(0.01)
    assert level_of_a_look(procedure(most_launches=2)) == pytest.approx(0.03)
    assert level_of_a_look(procedure(most_launches=20)) == pytest.approx(0.003)
    assert level_of_a_look(procedure(most_launches=1)) == pytest.approx(0.03)
    assert level_to_confirm(procedure(verdict_count=20)) == pytest.approx(0.0005)


@pytest.mark.parametrize("most", range(1, 12))
def test_there_are_never_more_looks_than_planned(most: int) -> None:
    for launches in range(most + 1):
        assert len(looks_at(launches, most, is_over=True)) <= max(1, len(planned_looks(most)))
        assert set(looks_at(launches, most, is_over=False)) <= set(planned_looks(most))


class Series:
    """Stands for launches: what is seen after each number of them."""

    def __init__(self, *after: tuple[float, float]) -> None:
        self.after = after

    def look(self, is_over: bool = True, most: int = 6, tolerance: str = "5%") -> Found:
        measure = Measure("blocks", (View("all", self._estimate),), self._values)
        launches: Any = list(range(len(self.after)))
        return look_through(
            measure,
            question(tolerance=tolerance),
            launches,
            most_launches=most,
            levels=Levels(LEVEL, LEVEL),
            is_over=is_over,
        )

    def _estimate(self, launches: Any) -> Estimate:
        center, reach = self.after[len(launches) - 1]
        return Estimate(center, reach / REACH, 7, (center,) * len(launches))

    def _values(self, launches: Any) -> tuple[float, float]:
        return 1.0, math.exp(self.after[len(launches) - 1][0])


UNSURE, SAME, SLOWER = (0.04, 0.5), (0.0, 0.01), (0.08, 0.01)


@pytest.mark.parametrize(
    ("after", "shows", "decided_after"),
    [
        ([UNSURE, SLOWER], "regression", 2),
        ([UNSURE, SAME], "pass", 2),
        ([UNSURE] * 6, "nothing", None),
        ([UNSURE] * 5 + [SLOWER], "regression", 6),
        ([UNSURE, UNSURE, SLOWER], "regression", 3),
        ([SLOWER], "nothing", None),
        ([], "nothing", None),
    ],
)
def test_the_first_look_that_decides_decides(
    after: list[tuple[float, float]], shows: str, decided_after: int | None
) -> None:
    found = Series(*after).look()
    assert found.shows == shows
    assert (found.decided.launches if found.decided else None) == decided_after
    assert not found.is_contradicted


def test_a_look_that_was_not_planned_is_only_taken_at_the_end() -> None:
    series = Series(UNSURE, UNSURE, SLOWER)
    assert series.look(is_over=False).shows == "nothing"
    assert series.look(is_over=True).looks == (2, 3)


def test_the_last_look_settles_for_surely_above_nothing() -> None:
    barely = (0.06, 0.05)
    assert Series(UNSURE, barely).look(is_over=False).shows == "nothing"
    assert Series(UNSURE, barely).look(is_over=True).shows == "regression"
    assert Series(*[UNSURE] * 5, barely).look(is_over=False).shows == "regression"
    assert Series(UNSURE, barely, UNSURE, UNSURE).look().shows == "nothing"


@pytest.mark.parametrize(
    ("after", "shows", "contradicted"),
    [
        ([UNSURE, SAME, UNSURE, (0.03, 0.5)], "pass", False),
        ([UNSURE, SAME, UNSURE, (0.051, 0.5)], "pass", True),
        ([UNSURE, SAME, UNSURE, SLOWER], "pass", True),
        ([UNSURE, SLOWER, UNSURE, (0.06, 0.05)], "regression", False),
        ([UNSURE, SLOWER, UNSURE, (0.048, 0.01)], "regression", True),
        ([UNSURE, SLOWER, UNSURE, (0.06, 0.07)], "regression", True),
        ([UNSURE, SLOWER, UNSURE, SAME], "regression", True),
    ],
)
def test_all_launches_can_take_a_decision_back_but_make_no_other(
    after: list[tuple[float, float]], shows: str, contradicted: bool
) -> None:
    found = Series(*after).look()
    assert (found.shows, found.is_contradicted) == (shows, contradicted)
