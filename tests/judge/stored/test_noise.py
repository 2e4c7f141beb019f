"""How much sessions of equal code differ: assumed at first, then learnt."""

from __future__ import annotations

import math
import statistics

import pytest

from pytest_modelbench.catalogue import CATALOGUE
from pytest_modelbench.judge.stored.noise import (
    DEGREES,
    MEAN,
    MEDIAN,
    MEMORY,
    ONCE,
    SESSIONS_TO_FORGET,
    TAIL,
    Kind,
    Prior,
    is_one_event,
    kind_of,
    noise_between,
    own_error,
    prior_of,
)

PRIOR = Prior(0.06)


def test_without_history_it_is_what_is_assumed() -> None:
    for values in ([], [12.0]):
        noise = noise_between(values, PRIOR)
        assert (noise.sigma, noise.degrees) == (0.06, DEGREES)


def test_some_history_and_what_is_assumed_count_by_their_degrees_of_freedom() -> None:
    values = [10.0, 10.1, 9.9, 10.0, 10.2, 9.8]
    seen = statistics.stdev(map(math.log, values))
    noise = noise_between(values, PRIOR)
    assumed = DEGREES / 2  # half of the sessions after which nothing is assumed any more
    assert noise.degrees == assumed + 5
    assert noise.sigma**2 == pytest.approx((assumed * 0.06**2 + 5 * seen**2) / (assumed + 5))


def test_much_history_speaks_alone() -> None:
    values = [10.0 + number % 3 for number in range(SESSIONS_TO_FORGET + 1)]
    noise = noise_between(values, PRIOR)
    assert noise.degrees == SESSIONS_TO_FORGET
    assert noise.sigma == pytest.approx(statistics.stdev(map(math.log, values)))


def test_a_noisy_history_raises_it_at_once() -> None:
    assert noise_between([10.0, 15.0], PRIOR).sigma > 0.12


def test_an_unknown_kind_of_metric_has_nothing_but_its_history() -> None:
    prior = prior_of(None, "bleu", None, is_disturbed=False)
    assert noise_between([0.5], prior).degrees == 0
    noise = noise_between([0.5, 0.7], prior)
    assert (noise.degrees, noise.is_log) == (1, False)
    assert noise.sigma == pytest.approx(statistics.stdev([0.5, 0.7]))


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("latency_ms", MEDIAN),
        ("p50_latency_ms", MEDIAN),
        ("p95_latency_ms", TAIL),
        ("max_latency_ms", TAIL),
        ("mean_latency_ms", MEAN),
        ("throughput_items_per_second", MEAN),
        ("tokens_per_sec", MEAN),
        ("real_time_factor", MEAN),
        ("x_realtime", MEAN),
        ("cpu_joules_per_item", MEAN),
        ("model_load_seconds", ONCE),
        ("first_latency_ms", ONCE),
        ("peak_ram_mb", MEMORY),
        ("torch_peak_allocated_mb", MEMORY),
        ("wer", None),
        ("spearman", None),
        ("exact_match", None),
        ("retrieval_score", None),
        ("sample_count", None),
    ],
)
def test_each_metric_of_the_catalogue_has_its_kind(metric: str, kind: Kind | None) -> None:
    assert kind_of(metric, CATALOGUE[metric].unit) == kind


def test_a_metric_of_a_test_s_own_has_the_kind_of_its_unit() -> None:
    assert kind_of("parse_ms", "ms") == MEAN
    assert kind_of("rows", "rows/s") == MEAN
    assert kind_of("arena", "MB") == MEMORY
    assert kind_of("accuracy", "") is None
    assert kind_of("p95_parse_ms", "ms") == TAIL


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("p99_ttft_ms", TAIL),
        ("p95_itl_ms", TAIL),
        ("max_service_latency_ms", TAIL),
        ("p50_ttft_ms", MEAN),
        ("long_p99_latency_ms", TAIL),
        ("long_p50_latency_ms", MEDIAN),
        ("long_first_latency_ms", ONCE),
    ],
)
def test_tails_are_those_of_requests_and_of_named_measurements_too(metric: str, kind: Kind) -> None:
    assert kind_of(metric, "ms") == kind
    assert is_one_event(metric, kind) == (kind == ONCE or "max_" in metric)


def test_more_is_assumed_where_something_disturbed() -> None:
    quiet, disturbed = (
        prior_of(MEDIAN, "p50_latency_ms", None, is_disturbed=one).sigma for one in (False, True)
    )
    assert (quiet, disturbed) == (0.06, 0.20)


def test_an_increase_of_memory_is_as_uncertain_as_the_peak_it_is_part_of() -> None:
    prior = prior_of(MEMORY, "ram_increase_mb", 200.0, is_disturbed=False)
    assert (prior.sigma, prior.is_log) == (2.0, False)


@pytest.mark.parametrize(
    ("low", "high", "is_log", "error"),
    [
        (8.0, 12.0, False, 4 / 3.92),
        (None, 12.0, False, 4 / 3.92),
        (8.0, 12.5, True, math.log(12.5 / 8.0) / 3.92),
        # An end at 0 has no logarithm, and a rate of few calls no upper end.
        (0.0, 20.0, True, 2 * 1.0 / 3.92),
        (5.0, None, True, 2 * 1.0 / 3.92),
        (0.0, None, True, None),
        (None, None, False, None),
    ],
)
def test_a_value_s_own_error_is_told_by_any_end_of_its_interval(
    low: float | None, high: float | None, is_log: bool, error: float | None
) -> None:
    found = own_error(10.0, low, high, is_log=is_log)
    assert found == (None if error is None else pytest.approx(error, rel=1e-3))
