"""When requests of an open loop are to be sent."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from pytest_modelbench.load.arrivals import Arrivals, arrivals
from pytest_modelbench.load.spec import LoadSpec


def made(rate: float = 100.0, samples: int = 1, **fields: object) -> Arrivals:
    return arrivals(LoadSpec.model_validate({"rate": rate, **fields}), rate, samples)


def dispersion(offsets_ns: np.ndarray, window_ns: int) -> float:
    """The variance of the counts in windows of equal length, divided by their mean."""
    counts = np.bincount(offsets_ns // window_ns)[:-1]
    return float(counts.var(ddof=1) / counts.mean())


def test_constant_ones_come_at_once_and_then_exactly_on_time() -> None:
    assert made(rate=4, requests=5).offsets_ns.tolist() == [
        0,
        250_000_000,
        500_000_000,
        750_000_000,
        1_000_000_000,
    ]


@pytest.mark.parametrize("seconds", [0.5, 1.0, 3.0])
def test_constant_ones_are_as_many_as_fit_into_the_time(seconds: float) -> None:
    assert made(rate=100, seconds=seconds).measured == 100 * seconds


def test_whichever_bound_is_met_first_ends_them() -> None:
    assert made(rate=100, seconds=1, requests=30).measured == 30
    assert made(rate=100, seconds=1, requests=3000).measured == 100


def test_without_a_bound_every_sample_is_asked_once() -> None:
    assert made(samples=17).measured == 17


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"arrival": "poisson"}, 1.0),
        ({"arrival": "gamma", "burstiness": 0.25}, 4.0),
        ({"arrival": "gamma", "burstiness": 4.0}, 0.25),
    ],
)
def test_random_ones_have_their_mean_and_their_dispersion(
    fields: dict[str, object], expected: float
) -> None:
    """The index of dispersion of long windows is the squared variation of the gaps: 1 / shape."""
    found = made(rate=1000, requests=200_000, seed=3, **fields).offsets_ns
    gaps = np.diff(found, prepend=0) / 1e6
    deviation = 1.0 / np.sqrt(200_000 * (1 / expected))  # of the mean gap, in ms
    assert abs(gaps.mean() - 1.0) < 4 * deviation
    assert gaps.var() == pytest.approx(expected, rel=0.05)
    assert dispersion(found, 200_000_000) == pytest.approx(expected, rel=0.2)
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < 4 / np.sqrt(200_000)


@pytest.mark.parametrize("arrival", ["poisson", "gamma"])
@pytest.mark.parametrize(("rate", "seconds"), [(4, 4), (10, 30), (500, 10)])
def test_random_ones_take_as_long_as_their_rate_says(
    arrival: str, rate: float, seconds: float
) -> None:
    more = {"burstiness": 0.5} if arrival == "gamma" else {}
    given = {"rate": rate, "seconds": seconds, "warmup_requests": 5, "arrival": arrival, **more}
    found = made(**given)
    before, *measured = found.offsets_ns[found.before - 1 :]
    assert len(measured) == rate * seconds
    assert measured[-1] - before == pytest.approx(seconds * 1e9, abs=1)


def test_gamma_gaps_of_shape_one_are_those_of_a_poisson_process() -> None:
    found = made(requests=20_000, arrival="gamma", burstiness=1.0).offsets_ns
    gaps = np.diff(found)
    assert (gaps > gaps.mean()).mean() == pytest.approx(np.exp(-1), abs=0.02)


def test_the_seed_decides() -> None:
    one, same, other = (made(requests=50, arrival="poisson", seed=seed) for seed in (1, 1, 2))
    assert (one.offsets_ns == same.offsets_ns).all()
    assert (one.offsets_ns != other.offsets_ns).any()


def test_more_of_them_come_in_the_same_proportions() -> None:
    few = np.diff(made(requests=10, arrival="poisson").offsets_ns)
    many = np.diff(made(requests=100_000, arrival="poisson").offsets_ns)
    assert few / few[0] == pytest.approx(many[:9] / many[0], rel=1e-3)


def test_the_warm_up_comes_before_what_is_measured_in_the_same_process() -> None:
    found = made(rate=10, requests=3, warmup_requests=2)
    assert found.offsets_ns.tolist() == [at * 100_000_000 for at in range(5)]
    assert [found.part(at) for at in range(5)] == ["warmup"] * 2 + ["measured"] * 3


def test_the_time_counts_from_the_end_of_the_warm_up() -> None:
    assert made(rate=10, seconds=2, warmup_requests=7).measured == 20


def test_in_the_ramp_the_rate_rises_in_proportion_to_the_time() -> None:
    found = made(rate=1000, requests=1000, ramp_seconds=2.0)
    assert found.ramp == 1000  # half of what the full rate would send in 2 s
    seconds = found.offsets_ns / 1e9
    for share in (0.25, 0.5, 0.75):  # by t, rate t^2 / (2 ramp) have come
        assert (seconds < 2 * share).sum() == pytest.approx(1000 * share**2, abs=1)
    assert seconds[found.before] == pytest.approx(2.0, abs=0.001)
    assert np.diff(seconds[found.before :]) == pytest.approx(0.001, abs=1e-6)
    assert (np.diff(seconds) > 0).all()


def test_ramp_warm_up_and_measured_ones_follow_each_other() -> None:
    found = made(rate=100, seconds=1, ramp_seconds=1, warmup_requests=10, arrival="poisson")
    parts = [found.part(at) for at in range(len(found.offsets_ns))]
    assert parts == ["ramp"] * found.ramp + ["warmup"] * 10 + ["measured"] * found.measured
    assert found.ramp > 0
    measured = found.offsets_ns[found.before :]
    assert measured[-1] - found.offsets_ns[found.before - 1] == pytest.approx(1e9, abs=1)


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({"seconds": 100.0}, True),
        ({"seconds": 101.0}, False),
        ({"seconds": 101.0, "requests": 10}, True),
        ({"seconds": 50.0, "ramp_seconds": 101.0}, False),
    ],
)
def test_more_arrivals_than_memory_should_hold_are_refused(
    fields: dict[str, object], fits: bool
) -> None:
    given = {"rate": 1e5, **fields}
    if fits:
        LoadSpec.model_validate(given)
    else:
        with pytest.raises(ValidationError):
            LoadSpec.model_validate(given)
    found = list(LoadSpec.conflicts(given))
    assert [text.partition(" requests, more than 10,000,000")[1] != "" for text in found] == (
        [] if fits else [True]
    )
    assert list(LoadSpec.conflicts({**given, "seconds": "long"})) == []
