"""The search for the highest rate that an endpoint stands."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import pytest
from truth_endpoint import Blocks, TruthEndpoint

from pytest_modelbench.endpoints.contract import Endpoint
from pytest_modelbench.load import sweep as sweep_module
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.load.sweep import Sweeping, sweep
from pytest_modelbench.load.window import Window

MS = 1_000_000


def served(rate: float, capacity: float, late_ms: float = 0) -> Window:
    """What 200 requests see of a server of one place that answers `capacity` a second."""
    window, free_ns, service_ns = Window(), 0, int(1e9 / capacity)
    for number in range(200):
        intended = int(number * 1e9 / rate)
        free_ns = max(free_ns, intended) + service_ns
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
    **fields: Any,
) -> Sweeping:
    """A sweep over a server of that capacity, with a client that is late beyond some rate."""

    def drive(*_: Any, drain_seconds: float, **__: Any) -> Window:
        spec = _[2]
        assert drain_seconds >= 10
        late = 1e6 if spec.rate > client_until else 0.0
        return served(spec.rate, capacity, late)

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
    assert rates(found) == [10, 20, 40, 80]
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
    assert rates(found) == [20, 80, 30]
    assert best(found) == 30
    assert found.ended.startswith("at 80 requests/s the client was the bottleneck")


@pytest.mark.slow
def test_the_capacity_of_a_real_server_is_found(
    truth: Callable[..., Any], asked: Callable[..., Any]
) -> None:
    """Two places and 50 ms an answer: never more than 40 requests a second."""
    endpoint = TruthEndpoint(truth(slots=2, ttft=0.05, tokens=1).port)
    spec = LoadSpec.model_validate(
        {"seconds": 2.0, "sweep": {"start": 5.0, "max_rate": 160.0, "refine": 2}}
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
    assert len(found.stages) == 1
    assert found.best is None
    assert "the client was the bottleneck" in found.ended
