"""Requests that are sent by plain calls, and by a coroutine where that does not do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from truth_endpoint import Asks, TruthEndpoint

from pytest_modelbench.load.driver import drive
from pytest_modelbench.load.figures import window_metrics
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.wire.request import Request

Start = Callable[..., Any]
Asked = Callable[..., Any]


def spec(**fields: Any) -> LoadSpec:
    return LoadSpec.model_validate({"rate": 50.0, "retries": 2, **fields})


@pytest.fixture
def replies() -> list[Reply]:
    return []


FAULTS = {
    "": (0, 1, ""),
    400: (1, 1, "answered 400 Bad Request (1 attempt)"),
    503: (0, 2, ""),
    "redirect": (0, 1, ""),
    "gzip": (0, 1, ""),
    "gone": (0, 1, ""),  # on a kept connection: the server never read it
    "half": (0, 2, ""),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("is_short", [True, False])
def test_whatever_the_server_does_both_ways_come_to_the_same(
    truth: Start, asked: Asked, replies: list[Reply], fault: str | int, is_short: bool
) -> None:
    """The first request opens the connection, and the second is on it when the fault comes."""
    endpoint = Asks(truth(tokens=1, faults=["", fault, ""]).port, is_short)
    window = drive(endpoint, asked(endpoint, 3), spec(concurrency=1), on_reply=replies.append)
    failed, attempts, text = FAULTS[fault]
    assert (window.requests, window.failed) == (3, failed)
    by_place = {reply.place: reply for reply in replies}
    second = by_place[1]
    assert second.attempts == attempts
    assert second.error.endswith(text)
    assert second.intended_ns <= second.first_sent_ns <= second.sent_ns < second.ended_ns
    assert (second.retry_ns > 0) == (attempts > 1 or failed > 0)
    assert [by_place[place].error for place in (0, 2)] == ["", ""]


def test_a_coroutine_is_used_only_where_it_takes_one(truth: Start, asked: Asked) -> None:
    endpoint = Asks(truth(tokens=1, faults=[*[""] * 9, 503]).port, is_short=True)
    window = drive(endpoint, asked(endpoint, 40), spec(rate=20.0, concurrency=1))
    assert (window.failed, window.retries) == (0, 4)
    assert endpoint.asked == 5  # 4 that were retried, and the connection's first


def test_what_is_given_up_was_sent_and_says_why(
    truth: Start, asked: Asked, replies: list[Reply]
) -> None:
    """A connection that is kept, then a request on it that nobody answers."""
    server = truth(tokens=1, slots=2, ttft=0.05, stall_at=0.01, stall_for=30.0)
    endpoint = Asks(server.port, is_short=True)
    given = spec(rate=4.0, warmup_requests=0, requests=2)
    window = drive(endpoint, asked(endpoint, 2), given, on_reply=replies.append, drain_seconds=0.3)
    assert window.failed == 1
    assert set(window.errors) == {
        "given up 0.3 s after the last request was sent: there was no answer"
    }
    assert len(replies) == 2
    [given_up] = [reply for reply in replies if reply.error]
    assert given_up.attempts == 1
    assert given_up.intended_ns <= given_up.first_sent_ns <= given_up.ended_ns


@pytest.mark.parametrize("workers", [1, 2])
def test_in_short_and_long_each_request_is_counted_once(
    truth: Start, asked: Asked, replies: list[Reply], workers: int
) -> None:
    server = truth(tokens=2, faults=["", 503, "", "gone", "half", "redirect", 400])
    endpoint = TruthEndpoint(server.port)
    given = spec(rate=300.0, workers=workers, concurrency=8)
    window = drive(endpoint, asked(endpoint, 140), given, on_reply=replies.append)
    assert Counter(reply.place for reply in replies) == Counter(range(140))
    assert (window.requests, window.failed) == (140, 20)
    assert (window_metrics(window)["peak_concurrency"].value or 0) <= 8
    assert not window.broken


def test_a_request_that_must_not_be_sent_fails_by_itself(truth: Start, asked: Asked) -> None:
    class Wrong(TruthEndpoint):
        def prepare(self, sample: Any) -> Request:
            made = super().prepare(sample)
            headers = {"x-request-id": "a\nb"} if sample.id == "1" else made.headers
            return Request(made.method, made.url, headers, made.body)

    endpoint = Wrong(truth(tokens=1).port)
    window = drive(endpoint, asked(endpoint, 4), spec())
    assert (window.requests, window.failed) == (4, 1)
    assert "only printable ASCII" in next(iter(window.errors))
