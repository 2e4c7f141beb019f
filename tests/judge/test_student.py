"""Student's t without SciPy is SciPy's."""

from __future__ import annotations

import pytest
from scipy.special import stdtr, stdtrit

from pytest_modelbench.judge.student import student_quantile, upper_tail


@pytest.mark.parametrize("degrees", [1.0, 1.5, 2.0, 4.0, 4.6, 9.4, 10.0, 29.0, 300.0])
@pytest.mark.parametrize("tail", [0.4, 0.025, 0.025 / 7, 0.025 / 10_000, 1e-9])
def test_quantiles_are_those_of_scipy(degrees: float, tail: float) -> None:
    assert student_quantile(degrees, tail) == pytest.approx(-stdtrit(degrees, tail), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 1e-9, 0.3, 1.0, 2.5, 40.0, 1e6])
def test_tails_are_those_of_scipy(value: float) -> None:
    for degrees in (1.0, 4.6, 30.0):
        assert upper_tail(degrees, value) == pytest.approx(stdtr(degrees, -value), rel=1e-9)
