"""One sample asked, and what came of it taken down.

There are two ways. A coroutine can send whatever an endpoint needs, again and again if it must. But
almost every request of a run is the only one of its sample, has a connection that is free, and is
answered well. Such a request is begun and ended by two plain calls, which take a third of the time;
and time is what the answers of all others wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter_ns

from pytest_modelbench.errors import one_line
from pytest_modelbench.load.reply import Part, Reply
from pytest_modelbench.load.share import Work
from pytest_modelbench.wire.attempts import Attempts
from pytest_modelbench.wire.client import Client, Flight
from pytest_modelbench.wire.exchange import Exchange
from pytest_modelbench.wire.request import Request

Take = Callable[[int, Reply, Exchange | None], None]
"""Is given each request's number, what came of it, and the exchange that is to be read."""


class Begun:
    """A request that was taken up, and its flight where it could be sent at once."""

    __slots__ = ("flight", "number", "reply")

    def __init__(self, number: int, reply: Reply, flight: Flight | None) -> None:
        self.number, self.reply, self.flight = number, reply, flight

    @property
    def done(self) -> asyncio.Future[None] | None:
        """Of what is under way; None where it takes a coroutine to send it."""
        return None if self.flight is None else self.flight.done


class Asking:
    """Asks samples through one client, and hands on what came of each."""

    def __init__(self, work: Work, client: Client, take: Take) -> None:
        self._work, self._client, self._take = work, client, take
        self.in_flight = 0
        self.sent = 0
        self.given_up = ""
        """Why requests that are cancelled from now on have failed."""

    async def ask(self, number: int, part: Part, intended_ns: int, due_ns: int) -> Reply:
        """`due_ns` is when it could have been sent: later than intended if it had to wait."""
        reply = self._taken_up(number, part, intended_ns, due_ns)
        return await self.go_on(Begun(number, reply, None))

    def begin(self, number: int, part: Part, intended_ns: int, due_ns: int) -> Begun:
        """`ask` in steps. What can be sent now is: when it is `done`, it takes to `end` or, where
        it has not ended well, to `go_on`. All else takes to `go_on` now.
        """
        reply = self._taken_up(number, part, intended_ns, due_ns)
        try:
            request = self._work.endpoint.only_request(self._work.samples[reply.place][1])
            flight = None if request is None else self._client.begin(request)
        except Exception:  # `go_on` says so
            flight = None
        return Begun(number, reply, flight)

    def end(self, begun: Begun) -> bool:
        """Whether all is well with what is done, and handed on."""
        flight, reply = begun.flight, begun.reply
        if flight is None or not self._client.end_well(flight):
            return False
        exchange = flight.exchange
        reply.attempts = 1
        reply.first_sent_ns = reply.sent_ns = exchange.sent_ns
        reply.ended_ns = exchange.ended_ns
        self.in_flight -= 1
        self._take(begun.number, reply, exchange)
        return True

    async def go_on(self, begun: Begun) -> Reply:
        """All that is left to do for it."""
        number, reply = begun.number, begun.reply
        attempts = Attempts(self._client, self._work.spec.retries, begun=begun.flight)
        exchange = None
        try:
            prepared = self._work.samples[reply.place][1]
            exchange = await self._work.endpoint.ask(prepared, attempts.send)
        except asyncio.CancelledError:
            if not self.given_up:
                raise
            reply.error = self.given_up
        except Exception as error:
            reply.error = one_line(error)
            reply.endpoint = getattr(error, "endpoint", "")
            reply.is_unreachable = getattr(error, "is_unreachable", False)
        finally:
            self.in_flight -= 1
        reply.attempts = attempts.count
        reply.first_sent_ns, reply.sent_ns = attempts.first_sent_ns, attempts.sent_ns
        reply.retry_ns = attempts.retry_ns
        if exchange is None:
            reply.ended_ns = perf_counter_ns()
        else:
            reply.ended_ns, reply.endpoint = exchange.ended_ns, exchange.endpoint
        self._take(number, reply, exchange)
        if exchange is not None and exchange.afterwards is not None:
            await self._send_afterwards(exchange.afterwards)
        return reply

    def fail(self, number: int, part: Part, intended_ns: int, why: str) -> None:
        """Take down a request that is never sent."""
        reply = self._taken_up(number, part, intended_ns, perf_counter_ns())
        reply.error, reply.ended_ns = why, perf_counter_ns()
        self.in_flight -= 1
        self._take(number, reply, None)

    async def _send_afterwards(self, request: Request) -> None:
        """The sample is answered, whatever becomes of this."""
        try:
            await Attempts(self._client, self._work.spec.retries).send(request)
        except asyncio.CancelledError:
            if not self.given_up:
                raise
        except Exception:
            return

    def _taken_up(self, number: int, part: Part, intended_ns: int, due_ns: int) -> Reply:
        reply = Reply(self._work.places.of(number), part, intended_ns)
        reply.late_ns = perf_counter_ns() - due_ns
        self.in_flight += 1
        self.sent += 1
        return reply
