"""Which interval a metric is judged on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from pytest_modelbench.execution.latency import latency_metrics, rate_metrics
from pytest_modelbench.judge import launch_noise
from pytest_modelbench.judge.bounds.intervals import judged_interval, sample_interval
from pytest_modelbench.judge.launch_noise import launch_floor, widened
from pytest_modelbench.results.metric import Metric, measured


def timed(durations_ms: list[float], items: float | None = None) -> dict[str, Metric]:
    durations_ns = [1e6 * one for one in durations_ms]
    seconds = sum(durations_ns) / 1e9
    return {
        **latency_metrics(durations_ns),
        **rate_metrics(items or len(durations_ms), seconds, samples=len(durations_ms)),
        "first_latency_ms": measured(9.0, "ms"),
        "model_load_seconds": measured(1.0, "s"),
    }


def test_launches_differ_by_one_percent_unless_this_machine_was_calibrated() -> None:
    assert launch_floor() == (0.01, "default")


def test_both_kinds_of_noise_are_added_as_variances() -> None:
    low, high = widened(100.0, 96.0, 105.0)
    assert low is not None
    assert high is not None
    assert math.log(high / 100) == pytest.approx(math.hypot(math.log(1.05), 0.0196), rel=1e-4)
    assert math.log(100 / low) == pytest.approx(math.hypot(math.log(100 / 96), 0.0196), rel=1e-4)


def test_an_end_that_is_not_known_stays_so_and_zero_stays_zero() -> None:
    assert widened(10.0, None, None) == (None, None)
    assert widened(0.0, 0.0, 0.0) == (0.0, 0.0)
    assert widened(10.0, 0.0, None) == (0.0, None)


def test_a_calibrated_floor_counts_wherever_launches_do(monkeypatch: pytest.MonkeyPatch) -> None:
    before = judged_interval("p50_latency_ms", timed([10.0] * 200))
    monkeypatch.setattr(launch_noise, "launch_floor", lambda: (0.05, "calibrated"))
    after = judged_interval("p50_latency_ms", timed([10.0] * 200))
    assert before == pytest.approx((9.806, 10.198), abs=1e-3)
    assert after == pytest.approx((9.066, 11.030), abs=1e-3)


@pytest.mark.parametrize(
    "name",
    [
        "latency_ms",
        "p50_latency_ms",
        "mean_latency_ms",
        "throughput_items_per_second",
        "inference_seconds",
    ],
)
def test_every_duration_and_rate_of_timed_calls_has_one_launch_s_noise_at_least(name: str) -> None:
    metrics = timed([10.0] * 200)
    value = metrics[name].value
    assert value is not None
    low, high = judged_interval(name, metrics) or (None, None)
    assert low == pytest.approx(value * 0.98059, rel=1e-4)
    assert high == pytest.approx(value * 1.01979, rel=1e-4)
    named = {f"long_{key}": metric for key, metric in metrics.items()}
    assert judged_interval(f"long_{name}", named) == (low, high)


@pytest.mark.parametrize("name", ["first_latency_ms", "max_latency_ms", "model_load_seconds"])
def test_what_happens_once_has_no_interval(name: str) -> None:
    metrics = timed([10.0, 11.0, 12.0] * 50)
    assert judged_interval(name, metrics) is None
    named = {f"long_{key}": metric for key, metric in metrics.items()}
    assert judged_interval(f"long_{name}", named) is None


def test_a_number_that_nobody_timed_is_no_timing_whatever_it_is_called() -> None:
    assert judged_interval("p50_latency_ms", {"p50_latency_ms": measured(5.0, "ms")}) is None


def test_a_single_call_says_nothing_of_the_next() -> None:
    metrics = timed([10.0])
    assert sample_interval("mean_latency_ms", metrics) == (0.0, None)
    assert sample_interval("throughput_items_per_second", metrics) == (0.0, None)


def test_few_calls_have_student_s_interval() -> None:
    """By hand: the mean of 9, 10, 11 is 10 +- 4.303 * 1 / sqrt(3)."""
    metrics = timed([9.0, 10.0, 11.0])
    assert sample_interval("mean_latency_ms", metrics) == pytest.approx((7.516, 12.484), abs=1e-3)


@pytest.mark.parametrize("count", [2, 3, 5, 12, 31, 32, 60, 129, 130, 1000])
def test_the_quantile_is_scipy_s_or_that_of_somewhat_fewer_calls(count: int) -> None:
    exact = float(stats.t.ppf(0.975, count - 1))
    spread = [0.0, 20.0] * (count // 2) + [10.0] * (count % 2)
    _, high = sample_interval("mean_latency_ms", timed(spread)) or (None, None)
    assert high is not None
    half = exact * float(np.std(spread, ddof=1)) / math.sqrt(count)
    assert -0.011 <= (high - 10) / half - 1 <= 0.043


def test_a_rate_s_interval_is_that_of_the_mean_turned_round() -> None:
    metrics = timed([9.0, 10.0, 11.0])
    low, high = sample_interval("throughput_items_per_second", metrics) or (0, 0)
    assert (low, high) == pytest.approx((1000 / 12.484, 1000 / 7.516), rel=1e-3)


@pytest.mark.parametrize("calls", [5, 30, 130, 400])
@pytest.mark.parametrize("name", ["mean_latency_ms", "throughput_items_per_second"])
def test_intervals_of_means_and_rates_cover_at_their_rate(name: str, calls: int) -> None:
    """Skewed latencies: 10 ms and a gamma-distributed tail, whose mean is 12 ms."""
    draw = np.random.default_rng(calls)
    truth = 12.0 if name == "mean_latency_ms" else 1000 / 12.0
    held = 0
    for _ in range(1000):
        metrics = timed([float(one) for one in 10 + draw.gamma(4.0, 0.5, calls)])
        low, high = sample_interval(name, metrics) or (None, None)
        held += (low is None or low <= truth) and (high is None or truth <= high)
    assert 0.92 <= held / 1000 <= 0.985
