"""The gate: a criterion's bounds held against the interval of a case's value, told in one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_modelbench.judge.bounds.check import check_bounds
from pytest_modelbench.quality.rate_interval import rate_interval
from pytest_modelbench.quality.similarity import spearman
from pytest_modelbench.results.judgement import BoundCheck
from pytest_modelbench.results.metric import Metric, failed, measured, skipped
from pytest_modelbench.suite.document import Criterion


def check(metric: Metric, name: str = "wer", **fields: Any) -> BoundCheck:
    criterion = Criterion.model_validate({"metric": name, **fields})
    (done,) = check_bounds([("mine", criterion)], "whisper_asr", {name: metric})
    return done


def wer(value: float, low: float | None, high: float | None, samples: int = 24) -> Metric:
    return measured(value, samples=samples, interval=[low, high], confidence=0.95)


@pytest.mark.parametrize(
    ("value", "bounds", "outcome", "message"),
    [
        (5.0, {"max": 9}, "passed", "file_size_mb is 5 MB, within max 9 MB"),
        (9.0, {"max": 9}, "passed", "file_size_mb is 9 MB, within max 9 MB"),
        (9.0, {"min": 9}, "passed", "file_size_mb is 9 MB, within min 9 MB"),
        (5.0, {"min": 1, "max": 9}, "passed", "file_size_mb is 5 MB, within min 1 MB, max 9 MB"),
        (12.5, {"max": 9}, "failed", "broken: file_size_mb is 12.5 MB, above its max 9 MB"),
        (0.5, {"min": 1}, "failed", "broken: file_size_mb is 0.5 MB, below its min 1 MB"),
        (0.5, {"min": 1, "max": 9}, "failed", "broken: file_size_mb is 0.5 MB, below its min 1 MB"),
        (-1.0, {"max": -2}, "failed", "broken: file_size_mb is -1 MB, above its max -2 MB"),
        (
            12345.6789,
            {"max": 9},
            "failed",
            "broken: file_size_mb is 12345.7 MB, above its max 9 MB",
        ),
        (0.0, {"max": 0}, "passed", "file_size_mb is 0 MB, within max 0 MB"),
        (
            0.100001,
            {"max": 0.1},
            "failed",
            "broken: file_size_mb is 0.100001 MB, above its max 0.1 MB",
        ),
        (
            0.100000001,
            {"max": 0.1},
            "failed",
            "broken: file_size_mb is 0.100000001 MB, above its max 0.1 MB",
        ),
        # What floats make of 1 - 95/100 is no more than 0.05.
        (1 - 0.95, {"max": 0.05}, "passed", "file_size_mb is 0.05 MB, within max 0.05 MB"),
        (0.95 - 1, {"min": -0.05}, "passed", "file_size_mb is -0.05 MB, within min -0.05 MB"),
    ],
)  # fmt: skip
def test_what_was_counted_is_judged_on_its_value(
    value: float, bounds: dict[str, float], outcome: str, message: str
) -> None:
    done = check(measured(value, "MB"), "file_size_mb", **bounds)
    assert (done.outcome, done.message) == (outcome, message)
    assert (done.criterion, done.what, done.value, done.interval, done.unit) == (
        "mine",
        "file_size_mb",
        value,
        None,
        "MB",
    )
    assert (done.min, done.max) == (bounds.get("min"), bounds.get("max"))


@pytest.mark.parametrize(
    ("low", "high", "bounds", "outcome", "words"),
    [
        (0.02, 0.09, {"max": 0.1}, "passed", "[0.02, 0.09], within max 0.1"),
        (0.02, 0.1, {"max": 0.1}, "passed", "[0.02, 0.1], within max 0.1"),
        (0.05, 0.09, {"min": 0.05}, "passed", "[0.05, 0.09], within min 0.05"),
        (0.02, 0.12, {"max": 0.1}, "inconclusive", ": its interval straddles max 0.1"),
        (0.02, 0.12, {"min": 0.05}, "inconclusive", ": its interval straddles min 0.05"),
        (0.02, 0.12, {"max": 0.05}, "inconclusive", ": its interval straddles max 0.05"),
        (0.02, 0.12, {"min": 0.1}, "inconclusive", ": its interval straddles min 0.1"),
        (
            0.02,
            0.12,
            {"min": 0.05, "max": 0.1},
            "inconclusive",
            ": its interval straddles min 0.05 and max 0.1",
        ),
        (0.05, 0.12, {"max": 0.04}, "failed", "[0.05, 0.12], above its max 0.04"),
        (0.05, 0.12, {"min": 0.13}, "failed", "[0.05, 0.12], below its min 0.13"),
        (None, 0.09, {"max": 0.1}, "passed", "[?, 0.09], within max 0.1"),
        (0.02, None, {"max": 0.01}, "failed", "[0.02, ?], above its max 0.01"),
        (0.02, None, {"max": 0.1}, "inconclusive", ": its interval has no known end short of max"),
        (None, 0.09, {"min": 0.01}, "inconclusive", ": its interval has no known end short of min"),
        (None, 0.09, {"max": 0.05}, "inconclusive", ": its interval has no known end short of max"),
        (None, 0.09, {"min": 0.08}, "inconclusive", ": its interval straddles min 0.08"),
        (None, None, {"max": 9}, "inconclusive", "[?, ?]: its interval has no known end"),
    ],
)
def test_a_bound_is_judged_on_the_whole_interval(
    low: float | None, high: float | None, bounds: dict[str, float], outcome: str, words: str
) -> None:
    done = check(wer(0.07, low, high), **bounds)
    assert (done.outcome, done.interval) == (outcome, [low, high])
    assert words in done.message
    assert done.message.startswith("broken: wer is " if outcome == "failed" else "wer is ")
    assert "\n" not in done.message


def test_a_straddled_bound_says_how_many_samples_would_settle_it() -> None:
    """By hand: 24 * ((0.124 - 0.0702) / (0.1 - 0.0702)) ** 2 = 78.2."""
    done = check(wer(0.0702, 0.0194, 0.124), max=0.1)
    assert done.message == (
        "wer is 0.0702 [0.0194, 0.124]: its interval straddles max 0.1; "
        "about 79 samples instead of 24 would settle it"
    )


@pytest.mark.parametrize(
    ("metric", "bounds", "clause"),
    [
        (wer(0.5, 0.3, 0.7, samples=100), {"max": 0.6}, "; about 400 samples instead of 100"),
        (wer(0.5, 0.3, 0.7, samples=100), {"max": 0.4}, "; about 400 samples instead of 100"),
        (wer(0.5, 0.3, 0.7, samples=1234), {"max": 0.6}, "; about 5,000 samples instead of 1,234"),
        (wer(0.5, 0.3, 0.7, samples=100), {"min": 0.4, "max": 0.65}, "; about 400 samples"),
        (wer(0.5, 0.3, 0.7, samples=100), {"max": 0.505}, "; over 1,000 times as many samples"),
        (wer(0.5, 0.3, 0.7, samples=100), {"max": 0.5}, None),
        (wer(0.5, 0.3, 0.7, samples=100), {"min": 0.4, "max": 0.5}, None),
        (wer(0.5, 0.3, None, samples=100), {"max": 0.6}, None),
        (
            wer(0.5, 0.3, 0.7, samples=3),
            {"max": 0.6},
            "; at least 10 samples instead of 3 are needed",
        ),
        (
            wer(0.0, 0.0, 0.142, samples=24),
            {"max": 0.01},
            "; about 370 samples instead of 24 would",
        ),
        (wer(1.0, 0.8, 1.0, samples=15), {"min": 0.9}, "; about 32 samples instead of 15 would"),
        (wer(0.0, 0.0, 30.0, samples=24), {"max": 10}, "; about 220 samples instead of 24 would"),
        (measured(0.5, interval=[0.3, 0.7]), {"max": 0.6}, None),
        (measured(0.5, interval=[0.3, 0.7], samples="many"), {"max": 0.6}, None),
    ],
)
def test_no_more_is_promised_than_is_known(
    metric: Metric, bounds: dict[str, float], clause: str | None
) -> None:
    done = check(metric, **bounds)
    assert done.outcome == "inconclusive"
    assert ";" not in done.message if clause is None else clause in done.message


def latency(value: float, low: float, high: float) -> Metric:
    return measured(value, "ms", samples=200, interval=[low, high], confidence=0.95)


def test_a_latency_has_a_wider_interval_because_launches_differ() -> None:
    """By hand: 100 * exp(+-hypot(log(1.03), 1.96 * 0.01)) and the like."""
    done = check(latency(100.0, 99.0, 103.0), "p50_latency_ms", max=103.2)
    assert done.outcome == "inconclusive"
    assert done.interval == pytest.approx([97.821, 103.610], abs=0.001)
    assert done.message.startswith(
        "p50_latency_ms is 100 [97.82, 103.6] ms: its interval straddles"
    )
    assert check(latency(100.0, 99.0, 103.0), "p50_latency_ms", max=103.7).outcome == "passed"
    assert check(latency(100.0, 99.0, 103.0), "p50_latency_ms", max=97.8).outcome == "failed"
    assert check(latency(100.0, 99.0, 103.0), "p50_latency_ms", max=98.5).outcome == "inconclusive"


def test_of_calls_only_their_own_spread_shrinks() -> None:
    """By hand: 200 * (log(1.1)^2) / (log(1.05)^2 - (1.96 * 0.01)^2) = 912."""
    done = check(latency(100.0, 90.0, 110.0), "p50_latency_ms", max=105)
    assert done.message.endswith(
        "straddles max 105 ms; about 920 calls instead of 200 would settle it"
    )
    done = check(latency(100.0, 90.0, 110.0), "p50_latency_ms", max=101)
    assert done.message.endswith(
        "straddles max 101 ms; more calls would not settle it, "
        "launches of the same code differ by 1 % (SD)"
    )


def test_a_mean_and_a_rate_of_calls_have_the_interval_of_the_mean() -> None:
    """By hand: 1.96 * 10 / sqrt(400) = 0.98 of 100 ms, and 1.96 % for launches."""
    metrics = {
        "mean_latency_ms": measured(100.0, "ms", samples=400, standard_deviation=10.0),
        "throughput_items_per_second": measured(10.0, "items/s", samples=400),
    }
    for name, bound, outcome in (
        ("mean_latency_ms", 102.3, "passed"),
        ("mean_latency_ms", 102.1, "inconclusive"),
        ("mean_latency_ms", 97.9, "inconclusive"),
        ("mean_latency_ms", 97.7, "failed"),
        ("throughput_items_per_second", 9.77, "failed"),
        ("throughput_items_per_second", 9.79, "inconclusive"),
        ("throughput_items_per_second", 10.21, "inconclusive"),
        ("throughput_items_per_second", 10.23, "passed"),
    ):
        criterion = Criterion(metric=name, max=bound)
        (done,) = check_bounds([("c", criterion)], "any", metrics)
        assert done.outcome == outcome, f"{name} {bound}: {done.message}"


@pytest.mark.parametrize("metric", [skipped("no device", "ms"), failed("it broke", "ms")])
def test_what_was_not_measured_can_be_neither_within_nor_outside(metric: Metric) -> None:
    done = check(metric, "p95_latency_ms", max=9)
    assert (done.outcome, done.value, done.interval) == ("inconclusive", None, None)
    assert done.message == f"p95_latency_ms has no value ({metric.error_message}): max 9 ms"


FEW = {"samples": 24, "flag": "too_few_samples", "samples_needed": 130}


def test_a_percentile_of_too_few_samples_passes_no_bound() -> None:
    done = check(measured(5.0, "ms", interval=[4.0, 6.0], **FEW), "p95_latency_ms", max=9)
    assert done.outcome == "inconclusive"
    assert done.message == (
        "p95_latency_ms is 5 [3.997, 6.006] ms, but rests on 24 calls and needs 130: max 9 ms"
    )


def test_a_bound_that_all_of_the_interval_is_beyond_is_broken_however_few_the_samples() -> None:
    few = measured(12.0, "ms", interval=[11.0, None], **FEW)
    done = check(few, "p95_latency_ms", max=9)
    assert (done.outcome, done.message) == (
        "failed",
        "broken: p95_latency_ms is 12 [10.98, ?] ms, above its max 9 ms",
    )
    assert check(few, "p95_latency_ms", max=11.5).outcome == "inconclusive"


def test_of_rounds_of_several_calls_a_bound_is_never_passed() -> None:
    rounds = {"samples": 200, "flag": "means_of_calls", "samples_needed": 130}
    metric = measured(12.0, "ms", interval=[11.0, 13.0], **rounds)
    within = check(metric, "p95_latency_ms", max=20)
    assert within.outcome == "inconclusive"
    assert within.message.endswith("ms, but that is of rounds of several calls, not of calls")
    beyond = check(metric, "p95_latency_ms", max=9)
    assert beyond.outcome == "failed"
    assert beyond.message.endswith(" ms, of rounds of several calls, above its max 9 ms")


def test_a_bound_at_the_limit_of_a_metric_asks_about_these_samples() -> None:
    """No number of right answers proves that there is never a wrong one."""
    assert check(wer(1.0, 0.86, 1.0), "exact_match", min=1).outcome == "passed"
    assert check(wer(0.0, 0.0, 0.2), "exact_match", max=0).outcome == "passed"
    assert check(wer(0.96, 0.8, 0.993), "exact_match", min=1).outcome == "failed"
    assert check(wer(0.9, 0.8, 0.95), "exact_match", min=0.9).outcome == "inconclusive"


def test_an_interval_that_leaves_out_its_value_is_stretched_to_it() -> None:
    done = check(measured(0.5, interval=[0.6, 0.8]), "spearman", min=0.55)
    assert (done.outcome, done.interval) == ("inconclusive", [0.5, 0.8])


@pytest.mark.parametrize("interval", [[0.1], "wide", [None, "0.2"], [0.1, 0.2, 0.3], {}])
def test_what_is_no_interval_in_a_metric_of_ones_own_is_none(interval: Any) -> None:
    done = check(measured(0.5, interval=interval), "spearman", min=0.4)
    assert (done.outcome, done.interval) == ("passed", None)


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
    assert (done.outcome, done.message) == ("failed", "broken: wer * 100 is 25, above its max 10")


@pytest.mark.parametrize(
    ("bound", "outcome"),
    [(11, "passed"), (9, "inconclusive"), (5.5, "inconclusive"), (4, "failed")],
)
def test_an_expression_is_judged_on_what_its_metrics_can_be(bound: float, outcome: str) -> None:
    """wer * 100 lies in 5 to 10, and so do its bounds; launches do not move it."""
    criterion = Criterion(expression="wer * 100", max=bound)
    (done,) = check_bounds([("c", criterion)], "any", {"wer": wer(0.07, 0.05, 0.1)})
    assert done.outcome == outcome
    assert done.interval == pytest.approx([5, 10])


def test_launches_move_the_latency_in_an_expression() -> None:
    criterion = Criterion(expression="p50_latency_ms / 10", max=10.1)
    metrics = {"p50_latency_ms": latency(100.0, 100.0, 100.0)}
    (done,) = check_bounds([("c", criterion)], "any", metrics)
    assert done.outcome == "inconclusive"
    assert done.interval == pytest.approx([9.8059, 10.1979], abs=1e-3)


def test_what_few_samples_cannot_show_passes_no_bound() -> None:
    """A corpus without an error, and ranks that all agree, say little where they are few."""
    for count in (1, 2, 5, 24):
        flawless = rate_interval(np.zeros(count, int), np.full(count, 10))[0]
        done = check(measured(0.0, samples=count, interval=flawless), max=0.01)
        assert done.outcome == "inconclusive"
        assert done.message.endswith(f"about 370 samples instead of {count} would settle it")
    assert check(measured(0.0, samples=370, interval=[0, 0.00997]), max=0.01).outcome == "passed"
    for count in (2, 3, 4, 8, 24):
        agreeing = spearman(list(range(count)), list(range(count)))
        done = check(agreeing, "spearman", min=0.95)
        assert (done.outcome, done.value) == ("inconclusive", pytest.approx(1))
        needed = "at least 10 samples" if count < 5 else "about 72 samples"
        assert f"; {needed} instead of {count}" in done.message
    assert check(spearman(list(range(74)), list(range(74))), "spearman", min=0.95).outcome == (
        "passed"
    )
