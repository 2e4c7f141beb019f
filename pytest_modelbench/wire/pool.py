"""The connections to one origin: kept, opened, and closed when nobody needs them."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING, cast

from pytest_modelbench.wire.connecting import Opening
from pytest_modelbench.wire.http1 import Http1Connection, http1_connection
from pytest_modelbench.wire.limits import Limits
from pytest_modelbench.wire.target import Origin

if TYPE_CHECKING:
    from pytest_modelbench.wire.http2 import Http2Connection
    from pytest_modelbench.wire.under_way import Connection

IDLE_NS = 30 * 10**9
"""For so long a connection is kept that nobody uses."""
_NAMES_KEPT_NS = 60 * 10**9
_READ_BYTES = 256 * 1024


class Pool:
    """Hands out connections to one origin. The last one used goes first."""

    def __init__(
        self, origin: Origin, limits: Limits, context: Callable[[], ssl.SSLContext]
    ) -> None:
        self._origin = origin
        self._context = context
        self._max_body = limits.max_response_bytes
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._idle: dict[Connection, int] = {}
        self._open: set[Connection] = set()
        self._shared: dict[Connection, Http2Connection] = {}
        self._may_share = origin.scheme == "https"
        self._first = asyncio.Lock()
        self._addresses: list[str] = [origin.host] if _is_address(origin.host) else []
        self._resolved_ns = perf_counter_ns()
        self._is_closed = False
        self._all_lost: asyncio.Future[None] | None = None

    def take(self) -> Connection | None:
        """A connection that is open and free, if there is one."""
        for shared in self._shared.values():
            if shared.has_room:
                return shared
        return self._idle.popitem()[0] if self._idle else None

    async def open(self, is_fresh: bool) -> Connection:
        """A new connection; unless it must be fresh, perhaps one that others opened meanwhile.

        Raises OSError, which `ssl.SSLError` and `TimeoutError` are, too.
        """
        if not self._may_share or is_fresh:
            return await self._open_one()
        # Many may use one connection, or it is not known yet: the first to come opens it for all.
        async with self._first:
            connection = self.take()
            if connection is not None:
                return connection
            if self._may_share:
                return await self._open_one()
        return await self._open_one()

    def is_made(self, connection: Connection) -> None:
        self._open.add(connection)
        if self._is_closed:  # while it was opened
            connection.abort()

    def is_free(self, connection: Connection) -> None:
        self._idle[connection] = perf_counter_ns()

    def is_full(self, connection: Connection) -> None:
        self._shared.pop(connection, None)

    def is_lost(self, connection: Connection) -> None:
        self._idle.pop(connection, None)
        self._open.discard(connection)
        self.is_full(connection)
        if not self._open and self._all_lost is not None and not self._all_lost.done():
            self._all_lost.set_result(None)

    @property
    def is_empty(self) -> bool:
        return not self._open

    def close_idle(self, now_ns: int) -> None:
        """Close what nobody has used for long."""
        while self._idle:
            connection, since = next(iter(self._idle.items()))
            if now_ns - since < IDLE_NS:
                break
            del self._idle[connection]
            connection.abort()
        for shared in tuple(self._shared.values()):
            since_ns = shared.idle_since_ns
            if since_ns is not None and now_ns - since_ns >= IDLE_NS:
                shared.abort()

    async def close(self) -> None:
        """Close all, and see them closed."""
        self._is_closed = True
        self._idle.clear()
        if self._open:
            self._all_lost = asyncio.get_running_loop().create_future()
            for connection in tuple(self._open):
                connection.abort()
            await self._all_lost

    async def _open_one(self) -> Connection:
        failed: OSError | None = None
        for address in await self._resolved():
            try:
                connection = await self._open_to(address)
            except ssl.SSLError:
                raise
            except OSError as error:
                failed = failed or error
            else:
                if failed is not None:  # the next connection need not try the others first
                    self._addresses = [address]
                return connection
        self._resolved_ns = 0  # perhaps it moved
        raise failed or OSError("its host has no address")

    async def _open_to(self, address: str) -> Connection:
        loop, port = asyncio.get_running_loop(), self._origin.port
        if self._origin.scheme == "http":
            return (
                await loop.create_connection(
                    lambda: http1_connection(self, self._max_body, self._buffer), address, port
                )
            )[1]
        _, opening = await loop.create_connection(
            lambda: Opening(self, self._max_body, self._buffer),
            address,
            port,
            ssl=self._context(),
            server_hostname=self._origin.host,
        )
        connection = opening.chosen
        if isinstance(connection, Http1Connection):
            self._may_share = False
            return connection
        shared = cast("Http2Connection", connection)
        try:
            await shared.ready
        except BaseException:  # not in time
            shared.abort()
            raise
        if shared.has_room:
            self._shared[shared] = shared
        return shared

    async def _resolved(self) -> list[str]:
        """The addresses of the host; names are looked up once a minute, not once a connection."""
        host, now = self._origin.host, perf_counter_ns()
        if _is_address(host):
            return self._addresses
        if not self._addresses or now - self._resolved_ns > _NAMES_KEPT_NS:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, None, type=socket.SOCK_STREAM
            )
            self._addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
            self._resolved_ns = now
        return self._addresses


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
