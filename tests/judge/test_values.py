"""The value of a criterion for a case, or the reason why it has none."""

from __future__ import annotations

import pytest

from pytest_modelbench.judge.values import criterion_value, expression_value
from pytest_modelbench.results.metric import failed, measured, skipped
from pytest_modelbench.suite.document import Criterion

METRICS = {
    "wer": measured(0.25),
    "x_realtime": measured(10.0, "x"),
    "zero": measured(0.0),
    "peak_vram_mb": skipped("no NVIDIA driver", "MB"),
    "cer": failed("jiwer broke"),
}


def test_a_metric_s_value_is_taken_with_all_that_is_known_of_it() -> None:
    assert criterion_value(Criterion(metric="x_realtime"), METRICS) is METRICS["x_realtime"]


def test_a_metric_that_was_not_measured_gives_its_own_reason() -> None:
    assert criterion_value(Criterion(metric="peak_vram_mb"), METRICS) == METRICS["peak_vram_mb"]


def test_a_metric_that_is_not_there_is_an_error_with_its_unit() -> None:
    value = criterion_value(Criterion(metric="p95_latency_ms"), METRICS)
    assert (value.status, value.unit) == ("error", "ms")
    assert value.error_message == "there is no metric 'p95_latency_ms'"


def test_an_expression_is_computed_and_says_of_what() -> None:
    value = criterion_value(Criterion(expression="x_realtime / (1 + wer)"), METRICS)
    assert value.value == 8.0
    assert value.metadata == {"expression": "x_realtime / (1 + wer)"}


def test_an_expression_has_the_interval_that_its_metrics_give_it() -> None:
    metrics = {
        "x_realtime": measured(10.0, "x"),
        "wer": measured(0.25, interval=[0.0, 0.6], confidence=0.9),
        "cer": measured(0.1, interval=[0.0, None], confidence=0.95),
    }
    value = expression_value("x_realtime / (1 + wer)", metrics)
    assert (value.value, value.interval) == (8.0, (6.25, 10.0))
    assert value.metadata["confidence"] == 0.9
    assert value.metadata["method"] == "interval arithmetic over its metrics"
    assert expression_value("cer + wer", metrics).interval == (0.0, None)
    assert expression_value("x_realtime * 2", metrics).interval is None


@pytest.mark.parametrize(
    ("expression", "status", "reason"),
    [
        ("wer + nothing", "error", "there is no metric 'nothing'"),
        ("wer + cer", "error", "cer: jiwer broke"),
        ("wer + peak_vram_mb", "skipped", "peak_vram_mb: no NVIDIA driver"),
        ("x_realtime / zero", "error", "division by zero"),
        ("sqrt(-wer)", "error", "sqrt(-0.25) is not defined"),
        ("x_realtime ** 99", "error", "exponent 99 is beyond +-64"),
        ("wer.real", "error", "is not allowed"),
    ],
)
def test_an_expression_without_a_value_says_why_and_is_never_null(
    expression: str, status: str, reason: str
) -> None:
    value = expression_value(expression, METRICS)
    assert (value.status, value.value) == (status, None)
    assert reason in str(value.error_message)


def test_what_is_the_client_s_fault_stays_that_whatever_else_lacks_samples() -> None:
    metrics = {
        "late": measured(9.0, "ms", flag="client_limited", samples=500, samples_needed=662),
        "few": measured(9.0, "ms", flag="too_few_samples", samples=50, samples_needed=662),
    }
    assert expression_value("late + few", metrics).metadata["flag"] == "client_limited"
