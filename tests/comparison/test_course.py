"""When a series of launches has no time left."""

from __future__ import annotations

from pytest_modelbench.comparison.course import Budget


def test_the_first_two_launches_are_made_however_long_they_take() -> None:
    budget = Budget(10.0)
    budget.spend(25.0)
    assert budget.left > 0
    budget.spend(25.0)
    assert budget.left == 0.0


def test_a_launch_that_would_not_fit_is_not_begun() -> None:
    budget = Budget(10.0)
    for _ in range(3):
        budget.spend(2.0)
    assert budget.left == 4.0
    budget.spend(2.5)
    assert budget.left == 0.0  # 1.5 s are left, and the longest took 2.5
