"""What so many samples cannot rule out."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from pytest_modelbench.quality.unseen import times_as_many, unseen_share


@pytest.mark.parametrize("count", [1, 5, 24, 370])
def test_it_is_the_exact_interval_of_none_in_so_many(count: int) -> None:
    exact = binomtest(0, count).proportion_ci(0.95, method="exact")
    assert unseen_share(count) == pytest.approx(exact.high)


@pytest.mark.parametrize("count", [1, 24, 100])
@pytest.mark.parametrize("wanted", [0.01, 0.2])
def test_as_many_samples_as_are_said_leave_what_is_wanted(count: int, wanted: float) -> None:
    needed = count * times_as_many(unseen_share(count), wanted)
    assert unseen_share(round(needed)) == pytest.approx(wanted, rel=0.05)
