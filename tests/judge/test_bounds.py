"""The gate: a criterion's bounds held against a case, told in one line."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_modelbench.judge.bounds import check_bounds
from pytest_modelbench.results.metric import Metric, failed, measured, skipped
from pytest_modelbench.results.run import BoundCheck
from pytest_modelbench.suite.document import Criterion


def check(metric: Metric, **fields: Any) -> BoundCheck:
    criterion = Criterion.model_validate({"metric": "p95_latency_ms", **fields})
    (done,) = check_bounds([("fast", criterion)], "whisper_asr", {"p95_latency_ms": metric})
    return done


@pytest.mark.parametrize(
    ("value", "bounds", "outcome", "message"),
    [
        (5.0, {"max": 9}, "passed", "p95_latency_ms is 5 ms, within max 9"),
        (9.0, {"max": 9}, "passed", "p95_latency_ms is 9 ms, within max 9"),
        (9.0, {"min": 9}, "passed", "p95_latency_ms is 9 ms, within min 9"),
        (5.0, {"min": 1, "max": 9}, "passed", "p95_latency_ms is 5 ms, within min 1, max 9"),
        (12.5, {"max": 9}, "failed", "p95_latency_ms is 12.5 ms, above its max 9 ms"),
        (0.5, {"min": 1}, "failed", "p95_latency_ms is 0.5 ms, below its min 1 ms"),
        (0.5, {"min": 1, "max": 9}, "failed", "p95_latency_ms is 0.5 ms, below its min 1 ms"),
        (-1.0, {"max": -2}, "failed", "p95_latency_ms is -1 ms, above its max -2 ms"),
        (12345.6789, {"max": 9}, "failed", "p95_latency_ms is 12345.7 ms, above its max 9 ms"),
        (0.0, {"max": 0}, "passed", "p95_latency_ms is 0 ms, within max 0"),
        (
            0.100001,
            {"max": 0.1},
            "failed",
            "p95_latency_ms is 0.100001 ms, above its max 0.1 ms",
        ),
    ],
)
def test_a_value_is_within_its_bounds_or_fails_with_metric_value_and_bound(
    value: float, bounds: dict[str, float], outcome: str, message: str
) -> None:
    done = check(measured(value, "ms", samples=200), **bounds)
    assert (done.outcome, done.message) == (outcome, message)
    assert (done.criterion, done.what, done.value, done.unit) == (
        "fast",
        "p95_latency_ms",
        value,
        "ms",
    )
    assert (done.min, done.max) == (bounds.get("min"), bounds.get("max"))


@pytest.mark.parametrize("metric", [skipped("no device", "ms"), failed("it broke", "ms")])
def test_what_was_not_measured_can_be_neither_within_nor_outside(metric: Metric) -> None:
    done = check(metric, max=9)
    assert (done.outcome, done.value) == ("inconclusive", None)
    assert done.message == f"p95_latency_ms has no value ({metric.error_message}): max 9"


def test_a_percentile_of_too_few_samples_passes_no_bound() -> None:
    few = {"samples": 24, "flag": "too_few_samples", "samples_needed": 130}
    done = check(measured(5.0, "ms", **few), max=9)
    assert done.outcome == "inconclusive"
    assert done.message == "p95_latency_ms is 5 ms, but rests on 24 calls and needs 130"


def test_a_bound_that_is_broken_anyway_is_broken_however_few_the_samples() -> None:
    few = {"samples": 24, "flag": "too_few_samples", "samples_needed": 130}
    assert check(measured(12.0, "ms", **few), max=9).outcome == "failed"


def test_only_criteria_with_bounds_in_the_scope_of_the_runner_are_checked() -> None:
    criteria = [
        ("free", Criterion(metric="wer")),
        ("mine", Criterion(metric="wer", max=1, runners=["whisper_asr"])),
        ("other", Criterion(metric="wer", max=1, runner="embedding_text")),
    ]
    done = check_bounds(criteria, "whisper_asr", {"wer": measured(0.5)})
    assert [one.criterion for one in done] == ["mine"]


def test_an_expression_is_held_against_its_bounds_too() -> None:
    criterion = Criterion(expression="wer * 100", max=10)
    (done,) = check_bounds([("share", criterion)], "any", {"wer": measured(0.25)})
    assert (done.outcome, done.message) == ("failed", "wer * 100 is 25, above its max 10")
