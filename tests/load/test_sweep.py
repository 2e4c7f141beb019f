"""The search for the highest rate that an endpoint stands."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import pytest
from truth_endpoint import Blocks, BlocksOnce, TruthEndpoint

from pytest_modelbench.endpoints.contract import Endpoint
from pytest_modelbench.load import sweep as sweep_module
from pytest_modelbench.load.health import LoopHealth
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.load.sweep import Stage, Sweeping, sweep
from pytest_modelbench.load.window import Window

MS = 1_000_000


def served(
    rate: float, capacity: float, late_ms: float = 0, requests: int = 200, slots: int = 1
) -> Window:
    """What requests see of a server of so many places that answer `capacity` a second together."""
    window, free_at, service_ns = Window(), [0] * slots, int(slots * 1e9 / capacity)
    for number in range(requests):
        intended = int(number * 1e9 / rate)
        free_ns = max(free_at[number % slots], intended) + service_ns
        free_at[number % slots] = free_ns
        tokens = array("q", [free_ns])
        window.add(
            Reply(
                place=number,
                part="measured",
                intended_ns=intended + 1,
                sent_ns=intended + 1,
                first_sent_ns=intended + 1,
                ended_ns=free_ns,
                attempts=1,
                late_ns=int(late_ms * MS),
                token_ns=tokens,
            )
        )
    return window


def search(
    monkeypatch: pytest.MonkeyPatch,
    capacity: float,
    client_until: float = 1e9,
    slots: int = 1,
    late_once: bool = False,
    **fields: Any,
) -> Sweeping:
    """A sweep over a server of that capacity, with a client that is late beyond some rate, or at
    each of these the first time only."""
    were_late = set[float]()

    def drive(*_: Any, drain_seconds: float, **__: Any) -> Window:
        spec = _[2]
        assert drain_seconds >= 10
        is_late = spec.rate > client_until and not (late_once and spec.rate in were_late)
        were_late.add(spec.rate)
        requests = min(spec.requests or 10**9, int((spec.seconds or 1e9) * spec.rate + 1e-9))
        return served(spec.rate, capacity, 1e6 if is_late else 0.0, requests, slots)

    monkeypatch.setattr(sweep_module, "drive", drive)
    spec = LoadSpec.model_validate({"requests": 200, **fields})
    return sweep(Endpoint(), [], spec)


def rates(found: Sweeping) -> list[float]:
    return [stage.rate for stage in found.stages]


def best(found: Sweeping) -> float | None:
    return None if found.best is None else found.stages[found.best].rate


def test_rates_are_doubled_until_the_knee_is_passed_and_then_it_is_bracketed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = search(monkeypatch, capacity=100, sweep={"start": 10, "refine": 4})
    assert rates(found) == [10, 20, 40, 80, 160, 120, 100, 110, 105]
    # At 105 a second 95.2 % are answered as they come: within what counts as keeping pace.
    assert best(found) == 105
    assert not found.ended
    [beyond] = [stage for stage in found.stages if stage.rate == 160]
    assert beyond.detail.startswith("requests were answered at 62% of the rate at which they came")


def test_the_slo_may_be_broken_before_the_knee(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"slo": {"p99_ttft_ms": 10.5}, "sweep": {"start": 10, "refine": 3}}
    found = search(monkeypatch, capacity=100, **given)
    assert best(found) == 100
    assert "p99_ttft_ms is" in found.stages[4].detail


def test_given_rates_are_all_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    found = search(monkeypatch, capacity=100, sweep={"rates": [50.0, 200.0, 90.0]})
    assert rates(found) == [50, 200, 90]
    assert best(found) == 90


def test_an_endpoint_that_stands_every_rate_is_known_by_the_highest_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = search(monkeypatch, capacity=1000, sweep={"start": 10, "max_rate": 50})
    assert rates(found) == [10, 20, 40, 50]
    assert found.ended == "max_rate, 50 requests/s, is met: the knee is higher"


def test_where_no_rate_is_met_lower_ones_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = search(monkeypatch, capacity=10, sweep={"start": 64, "refine": 3})
    assert rates(found) == [64, 32, 16, 8]
    assert best(found) == 8
    none = search(monkeypatch, capacity=1, sweep={"start": 64, "refine": 2})
    assert none.best is None
    assert none.ended.startswith("no rate was met, not even 16 requests/s: requests were answered")


def test_a_rate_at_which_the_client_is_late_ends_it_and_is_not_the_endpoints(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = search(monkeypatch, capacity=1000, client_until=50, sweep={"start": 10})
    assert rates(found) == [10, 20, 40, 80, 80]
    assert best(found) == 40
    assert found.ended.startswith(
        "at 80 requests/s the client was the bottleneck, so from there on nothing is known of the "
        "endpoint: the client was late: "
    )
    assert found.stages[-1].metrics["p50_ttft_ms"].metadata["flag"] == "client_limited"


def test_of_given_rates_none_is_tried_beyond_one_at_which_the_client_is_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"rates": [20.0, 80.0, 160.0, 30.0]}
    found = search(monkeypatch, capacity=1000, client_until=50, sweep=given)
    assert rates(found) == [20, 80, 80, 30]
    assert best(found) == 30
    assert found.ended.startswith("at 80 requests/s the client was the bottleneck")


def test_bounds_that_hold_with_all_that_a_late_client_adds_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"start": 10, "max_rate": 160}
    wide = {"capacity": 1000.0, "client_until": 50.0, "sweep": given}
    found = search(monkeypatch, **wide, slo={"p95_ttft_ms": 500.0})
    assert rates(found) == [10, 20, 40, 80, 160]
    assert best(found) == 160
    # What is beyond its bound may be the client's doing, and gaps may be shorter by it.
    for slo in ({"p95_ttft_ms": 0.1}, {"mean_tpot_ms": 500.0}):
        found = search(monkeypatch, **{**wide, "client_until": 5.0}, slo=slo)
        assert found.best is None
        assert found.stages[-1].is_client_limited


@pytest.mark.slow
def test_the_capacity_of_a_real_server_is_found(
    truth: Callable[..., Any], asked: Callable[..., Any]
) -> None:
    """Two places and 50 ms an answer: never more than 40 requests a second."""
    endpoint = TruthEndpoint(truth(slots=2, ttft=0.05, tokens=1).port)
    spec = LoadSpec.model_validate(
        {"seconds": 1.0, "sweep": {"start": 10.0, "max_rate": 160.0, "refine": 2}}
    )
    replies = list[Reply]()
    found = sweep(endpoint, asked(endpoint, 20), spec, on_reply=replies.append)
    assert len(replies) == sum(stage.window.requests for stage in found.stages)
    met = [stage.rate for stage in found.stages if stage.is_met]
    assert all(rate < 40 / 0.95 * 1.1 for rate in met)
    assert max(rates(found)) >= 40 or found.ended


def test_a_client_that_is_kept_ends_a_real_sweep(
    truth: Callable[..., Any], asked: Callable[..., Any]
) -> None:
    endpoint = Blocks(truth(ttft=0.02, tokens=1).port, every=5, seconds=0.1)
    spec = LoadSpec.model_validate({"requests": 30, "sweep": {"start": 40.0}})
    found = sweep(endpoint, asked(endpoint, 5), spec)
    assert rates(found) == [40, 40], "held once more"
    assert found.best is None
    assert "the client was the bottleneck" in found.ended


def test_one_pause_of_the_client_does_not_end_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"rates": [20.0, 80.0, 160.0]}
    found = search(monkeypatch, capacity=1000, client_until=50, late_once=True, sweep=given)
    assert rates(found) == [20, 80, 80, 160, 160]
    assert [stage.is_met for stage in found.stages] == [True, False, True, False, True]
    assert found.stages[1].detail.startswith("held again, since this says nothing: the client was")
    assert best(found) == 160
    assert not found.ended


def test_a_real_rate_in_which_the_client_stood_still_once_is_held_again(
    truth: Callable[..., Any], asked: Callable[..., Any]
) -> None:
    endpoint = BlocksOnce(truth(ttft=0.02, tokens=1).port, every=10, seconds=0.2)
    spec = LoadSpec.model_validate({"requests": 30, "sweep": {"rates": [40.0, 60.0]}})
    found = sweep(endpoint, asked(endpoint, 5), spec)
    assert rates(found)[:2] == [40, 40]
    assert found.stages[0].is_held_again


def test_a_rate_is_held_for_as_many_requests_and_as_long_as_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten requests fit into the four places of a server of 40 a second, however fast they come."""
    given = {"slots": 4, "requests": 10}
    found = search(monkeypatch, capacity=40, sweep={"start": 10, "refine": 0}, **given)
    assert rates(found) == [10, 20, 40, 80]
    assert [stage.window.requests for stage in found.stages] == [20, 20, 32, 64]
    assert best(found) == 40
    at_once = search(monkeypatch, capacity=40, sweep={"rates": [80.0, 30.0]}, **given)
    assert [stage.is_met for stage in at_once.stages] == [False, True]
    assert at_once.stages[0].window.requests == 20


def test_a_rate_that_was_held_too_shortly_is_held_again_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"slots": 400, "requests": 10, "sweep": {"rates": [150.0, 390.0]}}
    found = search(monkeypatch, capacity=400, **given)  # an answer takes a second
    assert rates(found) == [150, 150, 390]
    assert [stage.window.requests for stage in found.stages] == [20, 1000, 1000]
    assert found.stages[0].detail == (
        "held again, since this says nothing: too short to tell: requests were sent for 0.127 s, "
        "less than 5 times the median latency, 1 s: give more 'requests' or 'seconds'"
    )
    # A hundred times the requests that were asked for are too few for the higher rate.
    assert best(found) == 150
    assert not found.stages[-1].is_met
    assert found.ended.startswith("at 390 requests/s it is too short to tell: requests were sent f")


@pytest.mark.parametrize("length", [{"requests": 1}, {"seconds": 0.01}])
def test_what_is_too_short_within_all_bounds_is_never_met(
    monkeypatch: pytest.MonkeyPatch, length: dict[str, Any]
) -> None:
    given = {"slots": 10**4, "sweep": {"start": 500.0}}
    found = search(monkeypatch, capacity=500, **given, **length)  # an answer takes 20 s
    assert found.best is None
    assert found.ended.startswith("at 500 requests/s it is too short to tell: ")
    assert "give more 'requests' or 'seconds'" in found.ended


def test_a_low_rate_lasts_until_there_are_answers_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"seconds": 1.0, "sweep": {"start": 1.0, "max_rate": 2.0}}
    found = search(monkeypatch, capacity=1000, **given)
    assert [stage.window.requests for stage in found.stages] == [20, 20]
    assert best(found) == 2
    slow = search(monkeypatch, capacity=1000, seconds=1.0, sweep={"start": 0.1, "max_rate": 1.0})
    assert slow.ended.startswith(
        "at 0.1 requests/s it is too short to tell: 6 requests were answered, of at least 20: "
    )


def test_few_requests_do_not_make_a_real_server_faster_than_it_is(
    truth: Callable[..., Any], asked: Callable[..., Any]
) -> None:
    """Four places and 100 ms an answer: 40 requests a second."""
    endpoint = TruthEndpoint(truth(slots=4, ttft=0.1, tokens=1).port)
    given = {"requests": 10, "sweep": {"start": 80.0, "max_rate": 1280.0, "refine": 0}}
    found = sweep(endpoint, asked(endpoint, 10), LoadSpec.model_validate(given))
    assert found.best is None


def test_a_client_that_spoils_gaps_limits_a_sweep_over_bounds_of_gaps_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def drive(*_: Any, **__: Any) -> Window:
        """Answers of a second, tokens 5 ms apart, noticed up to 20 ms late."""
        made = Window()
        for number in range(100):
            at = 1 + number * 100 * MS
            first = at + 1000 * MS
            tokens = array("q", range(first, first + 100 * MS, 5 * MS))
            made.add(Reply(0, "measured", at, at, at, tokens[-1], attempts=1, token_ns=tokens))
        made.loops = [LoopHealth(0, array("q", [20 * MS] * 1000), 0, 10**9)]
        return made

    monkeypatch.setattr(sweep_module, "drive", drive)

    def stage(**slo: float) -> Stage:
        given = {"requests": 100, "slo": slo, "sweep": {"start": 10, "max_rate": 10, "refine": 0}}
        return sweep(Endpoint(), [], LoadSpec.model_validate(given)).stages[-1]

    assert stage(p99_ttft_ms=1500).is_met
    limited = stage(p99_itl_ms=10, p99_ttft_ms=1500)
    assert limited.is_client_limited
    assert limited.detail.startswith("the gaps between tokens (itl): the client noticed 99 %")
    assert stage(mean_tpot_ms=10).is_client_limited
    # What is broken beside the gaps is the endpoint's all the same.
    broken = stage(p99_itl_ms=10, p99_ttft_ms=900)
    assert not broken.is_client_limited
    assert broken.broken == ["p99_ttft_ms is 1000 ms, more than 900"]
