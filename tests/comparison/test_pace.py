"""How many calls, repeats and blocks there are for calls of a given length."""

from __future__ import annotations

import pytest

from pytest_modelbench.comparison.pace import FEWEST_BLOCKS, Pace, pace_for
from pytest_modelbench.suite.compare import Compare

MICROSECOND, MILLISECOND, SECOND = 1_000, 1_000_000, 1_000_000_000


def pace(*usual_ns: int, in_flight: int = 1, **settings: float) -> Pace:
    return pace_for(list(usual_ns), in_flight, Compare.model_validate(settings))


def test_calls_of_a_millisecond_are_timed_three_to_a_segment_and_by_themselves() -> None:
    found = pace(MILLISECOND, MILLISECOND)
    assert (found.calls, found.repeats, found.blocks) == (3, 1, 20)


def test_one_long_call_makes_a_segment_and_the_longest_side_decides() -> None:
    assert pace(99 * MILLISECOND, 101 * MILLISECOND).calls == 1
    assert pace(99 * MILLISECOND, 99 * MILLISECOND).calls == 3


@pytest.mark.parametrize(
    ("usual_ns", "repeats"), [(100 * MICROSECOND, 1), (50 * MICROSECOND, 20), (300, 3334)]
)
def test_short_calls_are_repeated_until_they_take_a_millisecond(
    usual_ns: int, repeats: int
) -> None:
    assert pace(usual_ns, usual_ns).repeats == repeats


def test_a_slow_side_is_not_repeated_as_often_as_a_short_one_would_need() -> None:
    assert pace(8 * MICROSECOND, 30 * MILLISECOND).repeats == 1
    assert pace(8 * MICROSECOND, MILLISECOND).repeats == 50


def test_calls_in_flight_are_timed_several_rounds_at_once() -> None:
    assert pace(5 * MILLISECOND, 5 * MILLISECOND, in_flight=4).repeats == 16
    assert pace(MICROSECOND, MICROSECOND, in_flight=4).repeats == 1000


def test_blocks_become_fewer_where_all_launches_would_take_too_long() -> None:
    found = pace(SECOND, SECOND, max_seconds=120.0, launches=6)
    assert found.blocks == 4  # a block is 4 s, and each launch has 20, 3 of them for warming up
    assert found.most_seconds == pytest.approx(20.0)
    assert pace(SECOND, SECOND, max_seconds=1.0).blocks == FEWEST_BLOCKS
    assert pace(MILLISECOND, MILLISECOND, max_seconds=1e4, blocks=50).blocks == 50
