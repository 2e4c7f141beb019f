"""Correlations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from pytest_modelbench.quality import similarity
from pytest_modelbench.quality.similarity import pearson, spearman


@pytest.fixture
def pairs() -> tuple[list[float], list[float]]:
    draw = np.random.default_rng(3)
    references = draw.integers(0, 6, 60).astype(float)
    return list(references + draw.normal(0, 1, 60)), list(references)


def test_the_values_are_those_of_scipy(pairs: tuple[list[float], list[float]]) -> None:
    """Ties in the references included."""
    assert spearman(*pairs).value == pytest.approx(stats.spearmanr(*pairs).statistic)
    assert pearson(*pairs).value == pytest.approx(stats.pearsonr(*pairs).statistic)


@pytest.mark.parametrize("metric", [spearman, pearson])
def test_the_interval_holds_the_value(pairs: tuple[list[float], list[float]], metric: Any) -> None:
    """Close to that of Fisher's transformation, for a linear relation of 60 pairs."""
    result = metric(*pairs)
    low, high = result.metadata["interval"]
    assert low < result.value < high
    expected = np.tanh(np.arctanh(result.value) + np.array([-1.96, 1.96]) / np.sqrt(57))
    assert [low, high] == pytest.approx(list(expected), abs=0.06)
    assert result.metadata["samples"] == 60
    assert "missing" not in result.metadata


def test_rows_are_correlated_as_scipy_does() -> None:
    """The vectorised form, with a constant row that has no correlation."""
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(5, 20)), draw.normal(size=(5, 20))
    x[4] = 1.5
    rows = similarity._row_correlations(x, y)
    assert rows[:4] == pytest.approx(
        [stats.pearsonr(a, b).statistic for a, b in zip(x[:4], y[:4], strict=True)]
    )
    assert np.isnan(rows[4])


def test_missing_predictions_are_left_out_and_counted() -> None:
    """And said in the metadata."""
    result = spearman([1.0, None, 2.0, 3.0], [1, 9, 2, 3])
    assert result.value == pytest.approx(1)
    assert (result.metadata["samples"], result.metadata["missing"]) == (3, 1)


@pytest.mark.parametrize("metric", [spearman, pearson])
@pytest.mark.parametrize(
    ("predictions", "references", "message"),
    [
        ([1, 1, 1], [1, 2, 3], "all predictions are 1: a constant correlates with nothing"),
        ([1, 2, 3], [4.5, 4.5, 4.5], "all references are 4.5: a constant"),
        ([1, "a"], [1, 2], "prediction 1 is of type str, not a number"),
        ([1, 2], [1, None], "reference 1 is of type NoneType, not a number"),
        ([True, False], [1, 2], "prediction 0 is of type bool, not a number"),
        ([1, float("nan")], [1, 2], "prediction 1 is nan, not a finite number"),
        ([1], [1, 2], "1 predictions for 2 references"),
        ([1, None], [1, 2], "needs two pairs or more; there are 1"),
        ([], [], "needs two pairs or more; there are 0"),
    ],
)
def test_what_has_no_correlation_is_an_error(
    metric: Any, predictions: list[Any], references: list[Any], message: str
) -> None:
    """In one sentence."""
    result = metric(predictions, references)
    assert result.value is None
    assert message in result.error_message


def test_numbers_of_numpy_are_numbers() -> None:
    """Of any precision."""
    assert pearson(list(np.float32([1, 2, 4])), [1, 2, 4]).value == pytest.approx(1)
