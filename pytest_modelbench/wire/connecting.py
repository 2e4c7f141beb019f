"""How a connection is opened, and what went wrong where none could be."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import ssl
from typing import cast

from pytest_modelbench.wire.exchange import Fault
from pytest_modelbench.wire.http1 import http1_connection
from pytest_modelbench.wire.limits import Limits
from pytest_modelbench.wire.target import Origin
from pytest_modelbench.wire.under_way import Connection, Keeper


class Opening(asyncio.Protocol):
    """Has the TLS connection until it is known which version of HTTP it speaks."""

    chosen: Connection

    def __init__(self, keeper: Keeper, max_body: int, buffer: memoryview) -> None:
        self._keeper = keeper
        self._max_body = max_body
        self._buffer = buffer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        found = transport.get_extra_info("ssl_object")
        protocol: asyncio.BaseProtocol
        if found is not None and found.selected_alpn_protocol() == "h2":
            from pytest_modelbench.wire.http2 import Http2Connection

            protocol = Http2Connection(self._keeper, self._max_body)
        else:
            protocol = http1_connection(self._keeper, self._max_body, self._buffer)
        self.chosen = cast("Connection", protocol)
        # Now, and not when all this is awaited: a server may speak first.
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


def tls_context(limits: Limits) -> ssl.SSLContext:
    """Certificates are checked as the system, or SSL_CERT_FILE, says."""
    context = ssl.create_default_context()
    if not limits.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    has_http2 = importlib.util.find_spec("h2") is not None
    context.set_alpn_protocols(["h2", "http/1.1"] if has_http2 else ["http/1.1"])
    return context


def connect_fault(origin: Origin, error: Exception, seconds: float) -> Fault:
    """Why there is no connection, in a sentence."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or error.reason
        return Fault("tls", f"the certificate of {origin} is not trusted: {reason}")
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).replace("_", " ").lower()
        return Fault("tls", f"no TLS connection to {origin}: {reason}")
    if isinstance(error, socket.gaierror):
        return Fault("connect", f"the host of {origin} is not known: {error.strerror}")
    if isinstance(error, TimeoutError):
        return Fault("connect", f"no connection to {origin} within {seconds:g} s")
    if isinstance(error, ConnectionRefusedError):
        return Fault("connect", f"no connection to {origin}: nothing listens there")
    if isinstance(error, ConnectionError) and origin.scheme == "https":
        return Fault("connect", f"{origin} closed the connection before TLS was agreed on")
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return Fault("connect", f"no connection to {origin}: {reason or type(error).__name__}")
