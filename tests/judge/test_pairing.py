"""Samples of two sides are paired by what they are, not by where they stand."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sample_cases import answered_case

from pytest_modelbench.judge.by_sample.pairing import Pairing, pair_samples


def pairing(ours: list[int], theirs: list[int]) -> Pairing:
    before, after = answered_case(ours).samples, answered_case(theirs).samples
    assert before is not None
    assert after is not None
    return pair_samples(before, after)


def places(found: Pairing) -> list[tuple[int, int]]:
    return list(zip(found.baseline.tolist(), found.candidate.tolist(), strict=True))


def test_the_same_samples_in_the_same_order_are_paired_one_by_one() -> None:
    found = pairing([5, 7, 5], [5, 7, 5])
    assert places(found) == [(0, 0), (1, 1), (2, 2)]
    assert (found.left_out, len(found)) == (None, 3)


def test_samples_in_another_order_are_found_again() -> None:
    draw = random.Random(3)
    ours = [draw.getrandbits(63) - 2**62 for _ in range(500)]
    theirs = draw.sample(ours, 500)
    found = pairing(ours, theirs)
    assert [(ours[one], one) for one, _ in places(found)] == [
        (theirs[other], one) for one, other in places(found)
    ]
    assert found.baseline.tolist() == list(range(500))
    assert found.left_out is None


def test_samples_of_one_side_alone_are_left_out_and_counted() -> None:
    found = pairing([1, 2, 3, 4], [9, 4, 2])
    assert places(found) == [(1, 2), (3, 1)]
    assert (found.only_baseline, found.only_candidate) == (2, 1)
    assert found.left_out == (
        "2 of the baseline's samples and 1 of the candidate's were not asked of the other and are "
        "left out"
    )
    assert len(pairing([1, 2], [3])) == 0


def test_equal_samples_are_paired_in_their_order_as_far_as_both_have_them() -> None:
    found = pairing([8, 1, 8, 8], [1, 8, 8])
    assert places(found) == [(0, 1), (1, 0), (2, 2)]
    assert (found.only_baseline, found.only_candidate) == (1, 0)


@pytest.mark.parametrize("seed", range(3))
def test_as_many_are_paired_as_both_have(seed: int) -> None:
    draw = random.Random(seed)
    ours, theirs = [[draw.randrange(30) for _ in range(60)] for _ in range(2)]
    found = pairing(ours, theirs)
    common = sum(min(ours.count(one), theirs.count(one)) for one in range(30))
    assert len(found) == common == 60 - found.only_baseline == 60 - found.only_candidate
    assert np.array_equal(np.array(ours)[found.baseline], np.array(theirs)[found.candidate])
    assert len(set(found.candidate.tolist())) == common
