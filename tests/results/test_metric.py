"""A metric is a finite number with its unit, or the reason why there is none."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from pytest_modelbench.results.metric import Metric, MetricStatus, failed, measured, skipped


def test_a_measured_number_says_its_unit_and_what_it_rests_on() -> None:
    metric = measured(3, "ms", samples=24, interval=[2.5, None])
    assert (metric.status, metric.value, metric.unit) == ("ok", 3.0, "ms")
    assert metric.error_message is None
    assert metric.interval == (2.5, None)
    assert metric.is_ok


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_computed_value_that_is_no_number_is_an_error_never_a_nan(value: float) -> None:
    metric = measured(value, "ms", samples=3)
    assert (metric.status, metric.value, metric.unit) == (MetricStatus.ERROR, None, "ms")
    assert metric.error_message == f"the computed value is {value}, not a finite number"


@pytest.mark.parametrize(("make", "status"), [(skipped, "skipped"), (failed, "error")])
def test_what_was_not_measured_has_a_reason_and_no_value(make: Any, status: str) -> None:
    metric = make("no such device", "MB")
    assert (metric.status, metric.value, metric.unit) == (status, None, "MB")
    assert metric.error_message == "no such device"
    assert not metric.is_ok
    assert metric.interval is None


@pytest.mark.parametrize("make", [skipped, failed])
def test_a_reason_is_never_empty(make: Any) -> None:
    with pytest.raises(ValidationError):
        make("")


@pytest.mark.parametrize(
    ("status", "value", "error_message"),
    [
        ("ok", None, None),
        ("ok", 1.0, "but"),
        ("skipped", 1.0, None),
        ("skipped", None, None),
        ("error", 0.0, "cause"),
        ("error", None, None),
        ("ok", math.nan, None),
        ("ok", True, None),
        ("ok", "1", None),
    ],
)
def test_status_value_and_reason_never_contradict_each_other(
    status: str, value: Any, error_message: str | None
) -> None:
    with pytest.raises(ValidationError):
        Metric(status=status, value=value, unit="", error_message=error_message, metadata={})  # type: ignore[arg-type]


def test_a_metric_cannot_be_changed() -> None:
    metric = measured(1.0)
    with pytest.raises(ValidationError):
        metric.value = 2.0  # type: ignore[misc]


@pytest.mark.parametrize("given", [[1], "x", [1, 2, 3], {}, 5, []])
def test_an_interval_that_is_none_counts_as_none(given: object) -> None:
    metric = measured(1.0).model_copy(update={"metadata": {"interval": given}})
    assert metric.interval is None


def test_an_end_that_is_no_number_is_not_known() -> None:
    metric = measured(1.0).model_copy(update={"metadata": {"interval": ["a", 2]}})
    assert metric.interval == (None, 2.0)
