"""The stop rule: what is given, and how defaults yield to it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_modelbench.measure.spec import MeasureSpec


def limits(given: dict[str, Any]) -> tuple[int, int, float, float]:
    made = MeasureSpec.completed(given)
    return made.min_samples, made.max_samples, made.min_seconds, made.max_seconds


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, (130, 10_000, 0.5, 10)),
        ({"max_samples": 50}, (50, 50, 0.5, 10)),
        ({"max_samples": 200}, (130, 200, 0.5, 10)),
        ({"min_samples": 20_000}, (20_000, 20_000, 0.5, 10)),
        ({"max_seconds": 0.2}, (130, 10_000, 0.2, 0.2)),
        ({"min_seconds": 60}, (130, 10_000, 60, 60)),
        ({"max_samples": 50, "max_seconds": 0.2}, (50, 50, 0.2, 0.2)),
    ],
)
def test_a_default_yields_to_what_was_given(given: dict[str, Any], wanted: Any) -> None:
    assert limits(given) == wanted


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (
            {"min_samples": 130, "max_samples": 50},
            "'min_samples' (130) is more than 'max_samples' (50)",
        ),
        (
            {"min_seconds": 0.5, "max_seconds": 0.2},
            "'min_seconds' (0.5) is more than 'max_seconds' (0.2)",
        ),
    ],
)
def test_what_was_given_twice_still_conflicts(given: dict[str, Any], fault: str) -> None:
    """Also where one of the two happens to be the default."""
    with pytest.raises(ValueError) as caught:
        MeasureSpec.completed(given)
    assert str(caught.value) == fault
