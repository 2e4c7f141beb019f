"""Intervals by resampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_modelbench.quality import bootstrap
from pytest_modelbench.quality.bootstrap import bootstrap_interval


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    """1.96 standard errors on either side, for many samples."""
    values = np.random.default_rng(1).normal(10, 2, 2_000)
    interval = bootstrap_interval(lambda indices: values[indices].mean(axis=1), len(values))
    error = 1.96 * values.std() / np.sqrt(len(values))
    assert interval == pytest.approx([values.mean() - error, values.mean() + error], abs=0.01)


def test_the_same_data_give_the_same_interval_in_blocks_of_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seeded, and bounded in memory for many samples."""
    values = np.arange(50.0)

    def interval() -> Any:
        return bootstrap_interval(lambda indices: values[indices].mean(axis=1), len(values))

    at_once = interval()
    monkeypatch.setattr(bootstrap, "_INDICES_AT_ONCE", 120)
    assert interval() == at_once


def test_one_sample_or_no_figure_has_no_interval() -> None:
    """Null, never a width of zero."""
    assert bootstrap_interval(lambda indices: np.zeros(len(indices)), 1) is None
    assert bootstrap_interval(lambda indices: np.full(len(indices), np.nan), 5) is None


def test_very_many_samples_are_drawn_in_part_and_the_interval_is_that_of_all() -> None:
    """As wide as theory has it for all of them, within a tenth."""
    values = np.random.default_rng(1).exponential(3, 400_000)
    drawn: list[Any] = []

    def mean(indices: Any) -> Any:
        drawn.append(indices.shape)
        return values[indices].mean(axis=1)

    low, high = bootstrap_interval(mean, len(values)) or (0.0, 0.0)
    error = 1.96 * values.std() / np.sqrt(len(values))
    assert [low, high] == pytest.approx(
        [values.mean() - error, values.mean() + error], abs=error / 10
    )
    assert sum(count * size for count, size in drawn) < 5_000_000
