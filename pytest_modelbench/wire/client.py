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


class Flight:
    """A request under way, which ends when its time is over."""

    __slots__ = ("deadline_ns", "done", "exchange", "outgoing", "pool", "request", "under_way")

    def __init__(self, request: Request, outgoing: Outgoing, pool: Pool, deadline_ns: int) -> None:
        self.request, self.outgoing, self.pool = request, outgoing, pool
        self.deadline_ns = deadline_ns
        self.exchange = _NOTHING_YET
        self.under_way: UnderWay | None = None
        self.done: asyncio.Future[None] | None = None
        """Of what is under way, and only of that: its connection may carry another request before
        somebody looks."""

    def begin(self, connection: Connection) -> None:
        self.exchange = exchange = Exchange()
        self.under_way = connection.begin(self.outgoing, exchange)
        self.done = self.under_way.done

    def fail(self, fault: Fault) -> None:
        """What is sent has failed; nothing happens before."""
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
        self._flights: dict[Flight, None] = {}  # in the order of their deadlines
        self._sweep_timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(self, request: Request) -> Exchange:
        """One attempt: whatever the server does is in the exchange, of the last of redirects.

        Raises `ModelbenchError` for a request that must not be sent.
        """
        return await self.finish(self.begin(request))

    def begin(self, request: Request) -> Flight:
        """Send it now, if a connection is free; raises what `send` does.

        `send` in two steps, for those who have thousands a second to send: what is `under_way` is
        `done` some time, and then either all is `end_well` or, as for what is not under way, it
        takes to `finish`.
        """
        target, pool = self._targets.get(request.url) or self._find_pool(request.url)
        outgoing = self._outgoing(request, target)
        flight = Flight(request, outgoing, pool, perf_counter_ns() + self._timeout_ns)
        self._flights[flight] = None
        if self._sweep_timer is None:
            self._start_sweeping()
        if (connection := pool.take()) is not None:
            flight.begin(connection)
        return flight

    def end_well(self, flight: Flight) -> bool:
        """Whether what was begun is answered, and nothing is left to do."""
        exchange = flight.exchange
        if not exchange.is_ok or exchange.header("content-encoding"):
            return False
        del self._flights[flight]
        return True

    async def finish(self, flight: Flight) -> Exchange:
        """All that `send` does, but for what has been done."""
        try:
            exchange = await self._exchange(flight)
            if is_redirect(exchange):
                exchange = await self._follow(flight)
            if exchange.fault is not None:
                _mask(exchange, flight.request)
            return exchange
        finally:
            del self._flights[flight]

    async def close(self) -> None:
        """Close every connection; what is under way fails."""
        for flight in tuple(self._flights):
            flight.fail(Fault("reset", "the client was closed before the answer was whole"))
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
        for pool in self._pools.values():
            await pool.close()

    async def _exchange(self, flight: Flight) -> Exchange:
        """Send it, unless it is; where a kept connection turns out to be closed, on a new one.

        That says nothing of the request, which the server never read.
        """
        exchange = await self._exchange_once(flight, is_fresh=False)
        if _was_never_read(flight):
            flight.under_way = None
            exchange = await self._exchange_once(flight, is_fresh=True)
        if exchange.fault is None and exchange.header("content-encoding"):
            decode(exchange, flight.outgoing.target.address, self.limits.max_response_bytes)
        return exchange

    async def _exchange_once(self, flight: Flight, is_fresh: bool) -> Exchange:
        if flight.under_way is None:
            flight.exchange = exchange = Exchange()
            connection = await self._connect(flight, is_fresh)
            if connection is None:
                return exchange
            flight.begin(connection)
        under_way, exchange = cast("UnderWay", flight.under_way), flight.exchange
        try:
            await cast("asyncio.Future[None]", flight.done)
        except BaseException:  # nobody waits for the answer any more
            under_way.fail(exchange, Fault("reset", "given up"))
            raise
        return exchange

    async def _connect(self, flight: Flight, is_fresh: bool) -> Connection | None:
        """A connection; without one, why not is in the exchange."""
        left = (flight.deadline_ns - perf_counter_ns()) / 1e9
        seconds = self.limits.connect_timeout_seconds
        try:
            async with asyncio.timeout(min(left, seconds)):
                return await flight.pool.open(is_fresh)
        except OSError as error:
            exchange = flight.exchange
            exchange.ended_ns = perf_counter_ns()
            if isinstance(error, TimeoutError) and left < seconds:
                exchange.fault = self._timeout_fault(flight)
            else:
                exchange.fault = connect_fault(flight.outgoing.target.origin, error, seconds)
        return None

    async def _follow(self, flight: Flight) -> Exchange:
        """Go where the server sends us. Times count from the first request."""
        exchange = flight.exchange
        sent_ns = exchange.sent_ns
        address = flight.outgoing.target.address
        request, followed = flight.request, 0
        while is_redirect(exchange):
            try:
                if followed == MOST_REDIRECTS:
                    raise WrongRedirect(f"led to more than {MOST_REDIRECTS} redirects")
                request = redirected(request, flight.outgoing.target, exchange)
                followed += 1
            except WrongRedirect as error:
                exchange.fault = Fault("redirect", f"{address} {error}")
                break
            target, flight.pool = self._find_pool(request.url)
            flight.outgoing, flight.under_way = self._outgoing(request, target), None
            if (connection := flight.pool.take()) is not None:
                flight.begin(connection)
            exchange = await self._exchange(flight)
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
        for flight in self._flights:
            if flight.deadline_ns > now:
                break
            late.append(flight)
        for flight in late:
            flight.fail(self._timeout_fault(flight))
        for pool in self._pools.values():
            pool.close_idle(now)
        self._sweep_timer = None
        if self._flights or not all(pool.is_empty for pool in self._pools.values()):
            self._start_sweeping()

    def _timeout_fault(self, flight: Flight) -> Fault:
        seconds = self.limits.timeout_seconds
        if flight.exchange.head_ns:
            how = f"had not finished its answer after {seconds:g} s"
        else:
            how = f"did not answer within {seconds:g} s"
        return Fault("timeout", f"{flight.outgoing.target.address} {how}")


def _was_never_read(flight: Flight) -> bool:
    """Whether it came to a kept connection that the server had closed."""
    fault, under_way = flight.exchange.fault, flight.under_way
    return (
        fault is not None
        and fault.kind == "reset"
        and flight.exchange.is_reused
        and under_way is not None
        and under_way.is_unanswered
    )


def _mask(exchange: Exchange, request: Request) -> None:
    """A fault may quote what the server sent, such as the place that it redirects to."""
    fault = cast("Fault", exchange.fault)
    text = without_secrets(printable(fault.text), request.secrets.values())
    exchange.fault = Fault(fault.kind, cut(text, _LONGEST_FAULT))
