"""Portions give every sample once and in order, hold little, and end with enough to go on with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.datasets.portions import MOST_BYTES, MOST_SAMPLES, divided, portions
from pytest_modelbench.datasets.samples import Audio, Sample


def samples(inputs: list[Any]) -> list[Sample]:
    return [Sample(str(number), one) for number, one in enumerate(inputs)]


def sizes(parts: Any) -> list[int]:
    return [len(part) for part, _ in parts]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8, 9, 30])
def test_every_sample_comes_once_in_order_and_only_the_end_is_the_last(count: int) -> None:
    given = samples([*range(count)])
    parts = list(portions(given, most_samples=3))
    assert [sample for part, _ in parts for sample in part] == given
    assert [last for _, last in parts] == [False] * (len(parts) - 1) + [True]
    assert sizes(parts[:-1]) == [3] * (len(parts) - 1)


@pytest.mark.parametrize(
    ("count", "last"), [(2, 2), (3, 3), (4, 4), (6, 6), (7, 4), (9, 6), (10, 4), (11, 5), (12, 6)]
)
def test_the_last_portion_is_a_whole_one_or_more_wherever_there_are_so_many(
    count: int, last: int
) -> None:
    """Calls go on with it: a rest of one sample would be measured again and again."""
    assert sizes(portions(samples([*range(count)]), most_samples=3))[-1] == last


def test_of_nothing_there_is_no_portion() -> None:
    assert list(portions([])) == []


@pytest.mark.parametrize(
    ("one", "held"),
    [
        ("x" * 1000, 1000),
        (b"x" * 1000, 1000),
        (("x" * 400, "y" * 600), 1000),
        (np.zeros(250, np.float32), 1000),
        (Audio(np.zeros(250, np.float32), 16_000), 1000),
        ({"a": 1}, 64),
    ],
)
def test_a_portion_ends_before_it_holds_too_many_bytes(one: Any, held: int) -> None:
    parts = portions(samples([one] * 8), most_bytes=3 * held)
    assert sizes(parts) == [3, 5]


def test_a_sample_larger_than_a_portion_is_one_by_itself() -> None:
    parts = portions(samples(["x" * 10, "y" * 5000, "z" * 10, "u" * 10]), most_bytes=100)
    assert sizes(parts) == [1, 3]


def test_no_more_is_read_than_two_portions_and_the_sample_that_shows_there_is_more() -> None:
    read: list[int] = []

    def endless() -> Iterator[Sample]:
        while True:
            read.append(1)
            yield Sample(str(len(read)), len(read))

    parts = portions(endless(), most_samples=10)
    for number in (1, 2, 3):
        next(parts)
        assert len(read) == 10 * (number + 1) + 1


def test_a_usual_portion_is_as_large_as_the_constants_say() -> None:
    given = samples(["x"] * (2 * MOST_SAMPLES + 1))
    assert sizes(portions(given)) == [MOST_SAMPLES, MOST_SAMPLES + 1]
    large = Sample("0", np.zeros(MOST_BYTES // 4, np.uint8))
    assert sizes(portions([large] * 9)) == [4, 5]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 30])
@pytest.mark.parametrize(("each", "most"), [(None, 30), (0, 30), (100, 3), (150, 2), (1000, 1)])
def test_parts_hold_what_fits_once_it_is_prepared_and_none_is_a_small_rest(
    count: int, each: int | None, most: int
) -> None:
    given = samples([*range(count)])
    parts = list(divided(given, each, most_bytes=300))
    assert [sample for part in parts for sample in part] == given
    lengths = [len(part) for part in parts]
    assert max(lengths) <= most
    assert max(lengths) - min(lengths) <= 1
    assert len(parts) == -(-count // most)
