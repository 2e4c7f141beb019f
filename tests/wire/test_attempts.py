"""Requests that are sent again, and what is said when that did not help."""

from __future__ import annotations

import asyncio
import json
import time
from email.utils import formatdate
from random import Random
from typing import Any

import pytest
from fault_server import Answer, FaultServer, in_turn, raw, silent, whole

from pytest_modelbench.endpoints.contract import EndpointError
from pytest_modelbench.wire.attempts import Attempts
from pytest_modelbench.wire.client import Client
from pytest_modelbench.wire.exchange import Exchange
from pytest_modelbench.wire.limits import Limits
from pytest_modelbench.wire.request import Request
from pytest_modelbench.wire.waiting import RetryPolicy, asked_seconds

KEY = "sk-0123456789"
QUICK = RetryPolicy(retries=3, first_wait_seconds=0.001)


class Tried:
    """What came of a request: an exchange or an error, what was counted, what the server saw."""

    begun_ns = 0
    exchange: Exchange | None = None
    error = ""
    attempts: Attempts
    server: FaultServer


async def attempt(
    answer: Answer, policy: RetryPolicy = QUICK, limits: Limits | None = None
) -> Tried:
    tried = Tried()
    secrets = {"Authorization": f"Bearer {KEY}"}
    async with FaultServer(answer) as server, Client(limits) as client:
        tried.server = server
        tried.attempts = Attempts(client, policy, Random(1))
        request = Request("POST", server.url + "/v1?a=b", {}, b"{}", secrets)
        tried.begun_ns = time.perf_counter_ns()
        try:
            tried.exchange = await tried.attempts.send(request)
        except EndpointError as error:
            tried.error = str(error)
    assert KEY not in tried.error
    assert tried.error.isprintable()
    return tried


def says(message: Any, status: int = 400, **headers: str) -> Answer:
    return whole(json.dumps(message).encode(), status, headers)


def test_an_answer_at_once_is_one_attempt(run: Any) -> None:
    tried = run(attempt(whole(b"fine")))
    assert tried.exchange.body == b"fine"
    assert tried.attempts.count == 1
    assert tried.attempts.retry_ns == 0
    assert tried.attempts.first_sent_ns == tried.attempts.sent_ns == tried.exchange.sent_ns > 0


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 529])
def test_what_may_help_is_tried_again(run: Any, status: int) -> None:
    tried = run(attempt(in_turn(whole(status=status), whole(status=status), whole(b"fine"))))
    assert tried.exchange.body == b"fine"
    assert tried.attempts.count == 3
    assert tried.attempts.first_sent_ns < tried.attempts.sent_ns == tried.exchange.sent_ns
    assert 0 < tried.attempts.retry_ns < tried.exchange.ended_ns - tried.begun_ns


@pytest.mark.parametrize(
    "answer", [raw(reset=True), raw(), raw(b"garbage\r\n\r\n"), raw(b"HTTP/1.1 200 OK\r\n")]
)
def test_a_transport_error_is_tried_again(run: Any, answer: Answer) -> None:
    tried = run(attempt(in_turn(answer, answer, whole(b"fine"))))
    assert tried.exchange.body == b"fine"
    assert tried.attempts.count == 3


def test_an_attempt_that_takes_too_long_is_tried_again(run: Any) -> None:
    limits = Limits(timeout_seconds=0.5)
    tried = run(attempt(in_turn(silent(), whole(b"fine")), limits=limits))
    if tried.exchange is not None:  # on a slow machine all may take too long
        assert tried.attempts.count >= 2
    # The limit counts from before the connection, the time lost from when the request was sent.
    lost_until_ns = tried.attempts.first_sent_ns + tried.attempts.retry_ns
    assert lost_until_ns >= tried.begun_ns + 0.5e9


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 415, 422, 501, 505, 304])
def test_what_cannot_help_is_not_tried_again(run: Any, status: int) -> None:
    tried = run(attempt(raw(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())))
    assert f"{tried.server.url}/v1 answered {status} " in tried.error
    assert tried.error.endswith("(1 attempt)")
    assert len(tried.server.received) == 1


def test_what_is_too_large_or_leads_in_a_circle_is_not_tried_again(run: Any) -> None:
    tried = run(attempt(whole(bytes(2000)), limits=Limits(max_response_bytes=1000)))
    assert "more than 1,000 bytes (1 attempt)" in tried.error
    tried = run(attempt(whole(status=307, headers={"Location": "/v1"})))
    assert "more than 5 redirects (1 attempt)" in tried.error
    assert len(tried.server.received) == 6


def test_after_the_last_retry_the_error_says_what_the_server_said(run: Any) -> None:
    tried = run(attempt(says({"error": {"message": "slow down", "code": 7}}, 429)))
    assert tried.error == (
        f"{tried.server.url}/v1 answered 429 Too Many Requests: slow down (4 attempts)"
    )
    assert len(tried.server.received) == 4
    assert tried.attempts.count == 4


def test_without_retries_there_is_one_attempt(run: Any) -> None:
    tried = run(attempt(whole(status=500), RetryPolicy(0)))
    assert len(tried.server.received) == 1
    assert tried.error.endswith("answered 500 Internal Server Error (1 attempt)")


def test_nothing_that_listens_is_an_error_after_all_attempts(run: Any) -> None:
    async def go() -> str:
        async with FaultServer(whole()) as server:
            url = server.url
        async with Client() as client:
            attempts = Attempts(client, QUICK)
            with pytest.raises(EndpointError) as caught:
                await attempts.send(Request("GET", url))
            assert attempts.count == 4
            assert attempts.first_sent_ns > 0
            return str(caught.value).replace(url, "URL")

    assert run(go()) == "no connection to URL: nothing listens there (4 attempts)"


def test_a_server_that_says_when_to_come_back_is_listened_to(run: Any) -> None:
    tried = run(attempt(in_turn(says({}, 429, **{"Retry-After": "1"}), whole(b"fine"))))
    assert tried.exchange.body == b"fine"
    assert tried.attempts.retry_ns >= 0.99e9  # a timer may ring a millisecond early


def test_a_server_that_asks_for_too_long_a_wait_is_given_up(run: Any) -> None:
    tried = run(attempt(says({"detail": "come back later"}, 503, **{"Retry-After": "3600"})))
    assert tried.error == (
        f"{tried.server.url}/v1 answered 503 Service Unavailable: come back later; "
        "it asks to wait 3,600 s, and no more than 120 s are waited (1 attempt)"
    )


def test_waits_double_up_to_a_bound_and_are_drawn_from_all_of_it() -> None:
    policy = RetryPolicy(first_wait_seconds=1, longest_wait_seconds=5)
    drawn = {
        retry: [policy.wait_seconds(retry, None, Random(seed)) for seed in range(500)]
        for retry in (1, 2, 3, 4, 2000)
    }
    for retry, longest in ((1, 1), (2, 2), (3, 4), (4, 5), (2000, 5)):
        assert 0 <= min(drawn[retry]) < 0.05 * longest
        assert 0.95 * longest < max(drawn[retry]) <= longest
    assert policy.wait_seconds(1, 3.5, Random(1)) == 3.5
    assert policy.wait_seconds(1, None, Random(1)) == policy.wait_seconds(1, None, Random(1))


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("0", 0, 0),
        (" 12 ", 12, 12),
        ("1.5", 1.5, 1.5),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, low: float, high: float) -> None:
    found = asked_seconds(Exchange(headers=[("retry-after", value)]))
    assert found is not None
    assert low <= found <= high


def test_retry_after_is_a_date_to_come() -> None:
    value = formatdate(time.time() + 5000, usegmt=True)
    found = asked_seconds(Exchange(headers=[("retry-after", value)]))
    assert found is not None
    assert 4000 <= found <= 5000


@pytest.mark.parametrize("value", ["", "soon", "-1", "nan", "inf", "1e999", "99/99/99", "1_0 x"])
def test_a_retry_after_that_cannot_be_understood_says_nothing(value: str) -> None:
    assert asked_seconds(Exchange(headers=[("retry-after", value)])) is None
    assert asked_seconds(Exchange()) is None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"error": {"message": "no such model"}}, "no such model"),
        ({"error": "no such model"}, "no such model"),
        ({"message": "no such model"}, "no such model"),
        ({"detail": "no such model"}, "no such model"),
        ({"detail": [{"loc": ["body"], "msg": "no such model"}]}, "no such model"),
        ({"detail": {"status": "x", "message": "no such model"}}, "no such model"),
        ({"err_code": "X", "err_msg": "no such model"}, "no such model"),
        ({"error": None, "message": "no\n such\tmodel"}, "no such model"),
        (["no such model"], "no such model"),
        ({"error": {"message": f"bad key {KEY}."}}, "bad key ***."),
        ({"error": {"message": f"bad key Bearer {KEY}."}}, "bad key ***."),
        ({"error": {"message": f"bad key {KEY.upper()}."}}, "bad key ***."),
        ({"error": {"message": "\x1b[31mred\u202e"}}, "\\x1b[31mred\\u202e"),
        ({"error": {"message": "x" * 1000}}, "x" * 297 + "..."),
        ({"error": {"message": "x" * 295 + KEY}}, "x" * 295 + "***"),
    ],
)
def test_the_message_of_a_server_is_shown_in_one_line_without_keys(
    run: Any, message: Any, words: str
) -> None:
    tried = run(attempt(says(message)))
    assert tried.error.endswith(f"answered 400 Bad Request: {words} (1 attempt)")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"null", b"[]", b"{}", b'{"error": 5}', b"[" * 100_000, b"<html>"],
)
def test_a_body_without_a_message_is_not_shown(run: Any, body: bytes) -> None:
    tried = run(attempt(whole(body, 400)))
    assert tried.error.endswith("/v1 answered 400 Bad Request (1 attempt)")


def test_a_plain_text_is_a_message(run: Any) -> None:
    answer = whole(b"who is \xff " + KEY.encode(), 403, {"Content-Type": "text/plain"})
    assert "403 Forbidden: who is \ufffd *** (1 attempt)" in run(attempt(answer)).error


def test_several_requests_of_a_sample_are_counted_together(run: Any) -> None:
    async def go() -> None:
        answer = in_turn(whole(), whole(status=500), whole(), whole())
        async with FaultServer(answer) as server, Client() as client:
            attempts = Attempts(client, QUICK)
            assert attempts.count == 0
            for _ in range(3):
                await attempts.send(Request("GET", server.url))
            assert attempts.count == 2
            assert attempts.retries == 1

    run(go())


def test_a_request_can_be_cancelled_while_it_waits(run: Any) -> None:
    async def go() -> None:
        async with (
            FaultServer(says({}, 429, **{"Retry-After": "60"})) as server,
            Client() as client,
        ):
            attempts = Attempts(client, QUICK)
            sending = asyncio.create_task(attempts.send(Request("GET", server.url)))
            while not server.received:
                await asyncio.sleep(0.01)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(sending, 0.5)
            assert attempts.retry_ns > 0

    run(go())
