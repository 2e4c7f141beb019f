"""What client and connections, of whichever version of HTTP, have to say to each other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from pytest_modelbench.wire.exchange import Exchange, Fault
from pytest_modelbench.wire.headers import HeaderBlock
from pytest_modelbench.wire.target import Target

MOST_HEAD_BYTES = 256 * 1024
"""Of the head of an answer, and of what may stand beside its body, such as trailers."""
MOST_PIECES = 2_000_000
"""Of one body: each takes memory of its own, however small it is."""


@dataclass(slots=True)
class Outgoing:
    """A request that was checked."""

    method: str
    target: Target
    headers: HeaderBlock
    body: bytes

    @property
    def says_length(self) -> bool:
        """Whether it has a Content-Length."""
        return bool(self.body) or self.method in ("POST", "PUT", "PATCH")


class UnderWay(Protocol):
    """A request whose answer has not ended."""

    @property
    def done(self) -> asyncio.Future[None]:
        """Has a result once the exchange is complete, with a fault or without."""

    @property
    def is_unanswered(self) -> bool:
        """Whether nothing has come that would say that the server has read the request."""

    def fail(self, exchange: Exchange, fault: Fault) -> None:
        """End it, if it is still that exchange, and wait for no more of its answer."""


class Connection(Protocol):
    """To one origin."""

    def begin(self, outgoing: Outgoing, exchange: Exchange) -> UnderWay:
        """Send a request now; what is seen of its answer goes into `exchange`."""

    def abort(self) -> None:
        """Close at once."""


class Keeper(Protocol):
    """Who holds connections."""

    def is_made(self, connection: Connection) -> None:
        """It stands."""

    def is_free(self, connection: Connection) -> None:
        """It can take another request."""

    def is_full(self, connection: Connection) -> None:
        """It will take no other request, though what it carries goes on."""

    def is_lost(self, connection: Connection) -> None:
        """It is closed."""
