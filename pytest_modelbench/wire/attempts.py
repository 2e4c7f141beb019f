"""Requests sent again where that may help."""

from __future__ import annotations

import asyncio
from random import Random
from time import perf_counter_ns

from pytest_modelbench.endpoints.contract import EndpointError
from pytest_modelbench.redaction import printable
from pytest_modelbench.wire.client import Client, Flight
from pytest_modelbench.wire.complaint import complaint, status_line
from pytest_modelbench.wire.exchange import Exchange
from pytest_modelbench.wire.masking import without_secrets
from pytest_modelbench.wire.request import Request
from pytest_modelbench.wire.target import target_of
from pytest_modelbench.wire.waiting import RetryPolicy, asked_seconds

RETRIED_STATUSES = frozenset((408, 425, 429, 500, 502, 503, 504, 529))
RETRIED_FAULTS = frozenset(("connect", "timeout", "reset", "protocol"))
_RANDOM = Random()


class Attempts:
    """Sends the requests of one sample, each as often as it takes, and counts."""

    __slots__ = (
        "_begun",
        "_client",
        "_policy",
        "_random",
        "first_sent_ns",
        "retries",
        "retry_ns",
        "sent_ns",
    )

    def __init__(
        self,
        client: Client,
        policy: RetryPolicy | int,
        random: Random | None = None,
        begun: Flight | None = None,
    ) -> None:
        """`policy` may be given as the number of retries; `random` makes the waits repeatable.
        `begun` is the first attempt at the first request, where it is under way or has ended."""
        self._client = client
        self._begun = begun
        self._policy = RetryPolicy(policy) if isinstance(policy, int) else policy
        self._random = random or _RANDOM
        self.first_sent_ns = 0
        """When the first attempt of the first request was sent; 0 before."""
        self.sent_ns = 0
        """When the last attempt was sent."""
        self.retries = 0
        """Attempts beyond the first one of each request."""
        self.retry_ns = 0
        """From each request's first attempt to the one that was answered: spent in attempts that
        failed, waiting to try again, and connecting anew."""

    @property
    def count(self) -> int:
        """How often the sample was tried: 1 where all went well, 0 where nothing was sent."""
        return self.retries + 1 if self.first_sent_ns else 0

    async def send(self, request: Request) -> Exchange:
        """The exchange that is well. Raises `EndpointError`, in one sentence and without keys."""
        attempt = counted_ns = 0
        while True:
            attempt += 1
            begun_ns = perf_counter_ns()
            flight = self._taken_over(request) or self._client.begin(request)
            try:
                exchange = await self._client.finish(flight)
            finally:  # what is given up was sent all the same
                self.sent_ns = flight.exchange.sent_ns or begun_ns
                if not self.first_sent_ns:
                    self.first_sent_ns = self.sent_ns
                if attempt > 1:
                    self.retries += 1
                    self.retry_ns += self.sent_ns - counted_ns  # a connection made anew
            counted_ns = self.sent_ns
            if exchange.is_ok:
                return exchange
            try:
                await self._wait(request, exchange, attempt)
            finally:
                now = perf_counter_ns()
                self.retry_ns += now - counted_ns
                counted_ns = now

    def _taken_over(self, request: Request) -> Flight | None:
        """What was begun before, once."""
        begun, self._begun = self._begun, None
        return begun if begun is not None and begun.request is request else None

    async def _wait(self, request: Request, exchange: Exchange, attempt: int) -> None:
        """Until the next attempt. Raises `EndpointError` where there is to be none."""
        if attempt > self._policy.retries or not may_help(exchange):
            raise _error(request, exchange, attempt)
        asked = asked_seconds(exchange) if exchange.fault is None else None
        longest = self._policy.longest_retry_after_seconds
        if asked is not None and asked > longest:
            more = f"it asks to wait {asked:,.0f} s, and no more than {longest:g} s are waited"
            raise _error(request, exchange, attempt, more)
        await asyncio.sleep(self._policy.wait_seconds(attempt, asked, self._random))


def may_help(exchange: Exchange) -> bool:
    """Whether the same request may be answered if it is sent once more."""
    if exchange.fault is not None:
        return exchange.fault.kind in RETRIED_FAULTS
    return exchange.status in RETRIED_STATUSES


def _error(request: Request, exchange: Exchange, attempts: int, more: str = "") -> EndpointError:
    secrets = tuple(request.secrets.values())
    if exchange.fault is not None:
        text = exchange.fault.text
    else:
        text = f"{target_of(request.url).address} answered {status_line(exchange)}"
        if said := complaint(exchange, secrets):
            text = f"{text}: {said}"
    if more:
        text = f"{text}; {more}"
    tried = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    error = EndpointError(without_secrets(printable(f"{text} ({tried})"), secrets))
    error.is_unreachable = exchange.fault is not None and exchange.fault.kind in ("connect", "tls")
    return error
