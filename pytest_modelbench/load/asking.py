"""One sample asked, and what came of it taken down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter_ns

from pytest_modelbench.errors import one_line
from pytest_modelbench.load.reply import Part, Reply
from pytest_modelbench.load.share import Work
from pytest_modelbench.wire.attempts import Attempts
from pytest_modelbench.wire.client import Client
from pytest_modelbench.wire.exchange import Exchange

Take = Callable[[int, Reply, Exchange | None], None]
"""Is given each request's number, what came of it, and the exchange that is to be read."""


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
        reply = Reply(self._work.places.of(number), part, intended_ns)
        reply.late_ns = perf_counter_ns() - due_ns
        self.in_flight += 1
        self.sent += 1
        attempts = Attempts(self._client, self._work.spec.retries)
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
        return reply
