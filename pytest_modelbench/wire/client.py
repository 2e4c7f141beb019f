"""The HTTP client that measures.

Proxies are not supported, nor are settings of the environment that name one: what stands between
client and server would be measured with the server.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import cached_property
from time import perf_counter_ns
from typing import Self, cast

from pytest_modelbench.errors import ModelbenchError, cut
from pytest_modelbench.redaction import printable
from pytest_modelbench.wire.connecting import connect_fault, tls_context
from pytest_modelbench.wire.decoding import decode
from pytest_modelbench.wire.exchange import Exchange, Fault
from pytest_modelbench.wire.headers import HeaderBlocks
from pytest_modelbench.wire.limits import Limits
from pytest_modelbench.wire.masking import without_secrets
from pytest_modelbench.wire.pool import Pool
from pytest_modelbench.wire.redirects import (
    MOST_REDIRECTS,
    WrongRedirect,
    is_redirect,
    redirected,
)
from pytest_modelbench.wire.request import Request
from pytest_modelbench.wire.target import Origin, Target, target_of
from pytest_modelbench.wire.under_way import Connection, Outgoing, UnderWay

_SWEEP_SECONDS = 0.05
_MOST_TARGETS = 1024
_LONGEST_FAULT = 1000
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


_NOTHING_YET = Exchange()


class _Attempt:
    """What ends when its time is over."""

    __slots__ = ("deadline_ns", "exchange", "target", "under_way")

    def __init__(self, deadline_ns: int, target: Target) -> None:
        self.deadline_ns = deadline_ns
        self.target = target
        self.exchange = _NOTHING_YET
        self.under_way: UnderWay | None = None

    def fail(self, fault: Fault) -> None:
        if self.under_way is not None:
            self.under_way.fail(self.exchange, fault)


class Client:
    """Sends requests, as many at once as it is asked to, and keeps their connections.

    Belongs to the event loop in which it is first used. Close it, or use it with `async with`.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._timeout_ns = int(self.limits.timeout_seconds * 1e9)
        self._pools: dict[Origin, Pool] = {}
        self._targets: dict[str, tuple[Target, Pool]] = {}
        self._blocks = HeaderBlocks()
        self._attempts: dict[_Attempt, None] = {}  # in the order of their deadlines
        self._sweep_timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(self, request: Request) -> Exchange:
        """One attempt: whatever the server does is in the exchange, of the last of redirects.

        Raises `ModelbenchError` for a request that must not be sent.
        """
        target, pool = self._targets.get(request.url) or self._find_pool(request.url)
        outgoing = self._outgoing(request, target)
        attempt = _Attempt(perf_counter_ns() + self._timeout_ns, target)
        self._attempts[attempt] = None
        if self._sweep_timer is None:
            self._start_sweeping()
        try:
            exchange = await self._exchange(outgoing, pool, attempt)
            if is_redirect(exchange):
                exchange = await self._follow(request, target, exchange, attempt)
            if exchange.fault is not None:
                _mask(exchange, request)
            return exchange
        finally:
            del self._attempts[attempt]

    async def close(self) -> None:
        """Close every connection; what is under way fails."""
        for attempt in tuple(self._attempts):
            attempt.fail(Fault("reset", "the client was closed before the answer was whole"))
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
        for pool in self._pools.values():
            await pool.close()

    async def _exchange(self, outgoing: Outgoing, pool: Pool, attempt: _Attempt) -> Exchange:
        """Send it on a connection; where a kept one turns out to be closed, on a new one.

        That says nothing of the request, which the server never read.
        """
        exchange = await self._exchange_on(pool.take(), outgoing, pool, attempt)
        fault = exchange.fault
        if fault is not None and fault.kind == "reset" and exchange.is_reused:
            if attempt.under_way is not None and attempt.under_way.is_unanswered:
                return await self._exchange_on(None, outgoing, pool, attempt, is_fresh=True)
        elif fault is None and exchange.header("content-encoding"):
            decode(exchange, outgoing.target.address, self.limits.max_response_bytes)
        return exchange

    async def _exchange_on(
        self,
        connection: Connection | None,
        outgoing: Outgoing,
        pool: Pool,
        attempt: _Attempt,
        is_fresh: bool = False,
    ) -> Exchange:
        attempt.exchange = exchange = Exchange()
        attempt.target = outgoing.target
        attempt.under_way = None
        if connection is None:
            connection = await self._connect(pool, exchange, attempt, is_fresh)
            if connection is None:
                return exchange
        attempt.under_way = under_way = connection.begin(outgoing, exchange)
        try:
            await under_way.done
        except BaseException:  # nobody waits for the answer any more
            under_way.fail(exchange, Fault("reset", "given up"))
            raise
        return exchange

    async def _connect(
        self, pool: Pool, exchange: Exchange, attempt: _Attempt, is_fresh: bool
    ) -> Connection | None:
        """A connection; without one, why not is in `exchange`."""
        left = (attempt.deadline_ns - perf_counter_ns()) / 1e9
        seconds = self.limits.connect_timeout_seconds
        try:
            async with asyncio.timeout(min(left, seconds)):
                return await pool.open(is_fresh)
        except OSError as error:
            exchange.ended_ns = perf_counter_ns()
            if isinstance(error, TimeoutError) and left < seconds:
                exchange.fault = self._timeout_fault(attempt)
            else:
                exchange.fault = connect_fault(attempt.target.origin, error, seconds)
        return None

    async def _follow(
        self, request: Request, target: Target, exchange: Exchange, attempt: _Attempt
    ) -> Exchange:
        """Go where the server sends us. Times count from the first request."""
        sent_ns = exchange.sent_ns
        address = target.address
        followed = 0
        while is_redirect(exchange):
            try:
                if followed == MOST_REDIRECTS:
                    raise WrongRedirect(f"led to more than {MOST_REDIRECTS} redirects")
                request = redirected(request, target, exchange)
                followed += 1
            except WrongRedirect as error:
                exchange.fault = Fault("redirect", f"{address} {error}")
                break
            target, pool = self._find_pool(request.url)
            exchange = await self._exchange(self._outgoing(request, target), pool, attempt)
        exchange.sent_ns = sent_ns
        return exchange

    def _outgoing(self, request: Request, target: Target) -> Outgoing:
        if request.method not in _METHODS:
            known = ", ".join(_METHODS)
            raise ModelbenchError(f"the method {request.method!r} is not one of {known}")
        block = self._blocks.of(request.headers, request.secrets)
        return Outgoing(request.method, target, block, request.body)

    def _find_pool(self, url: str) -> tuple[Target, Pool]:
        target = target_of(url)
        pool = self._pools.get(target.origin)
        if pool is None:
            pool = self._pools[target.origin] = Pool(target.origin, self.limits, self._tls)
        if len(self._targets) >= _MOST_TARGETS:
            self._targets.clear()
        self._targets[url] = target, pool
        return target, pool

    def _tls(self) -> ssl.SSLContext:
        return self._context

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return tls_context(self.limits)

    def _start_sweeping(self) -> None:
        self._sweep_timer = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """End what takes too long: one timer for all, instead of one for each request."""
        now = perf_counter_ns()
        late = []
        for attempt in self._attempts:
            if attempt.deadline_ns > now:
                break
            late.append(attempt)
        for attempt in late:
            attempt.fail(self._timeout_fault(attempt))
        for pool in self._pools.values():
            pool.close_idle(now)
        self._sweep_timer = None
        if self._attempts or not all(pool.is_empty for pool in self._pools.values()):
            self._start_sweeping()

    def _timeout_fault(self, attempt: _Attempt) -> Fault:
        exchange = attempt.exchange
        seconds = self.limits.timeout_seconds
        if exchange.head_ns:
            how = f"had not finished its answer after {seconds:g} s"
        else:
            how = f"did not answer within {seconds:g} s"
        return Fault("timeout", f"{attempt.target.address} {how}")


def _mask(exchange: Exchange, request: Request) -> None:
    """A fault may quote what the server sent, such as the place that it redirects to."""
    fault = cast("Fault", exchange.fault)
    text = without_secrets(printable(fault.text), request.secrets.values())
    exchange.fault = Fault(fault.kind, cut(text, _LONGEST_FAULT))
