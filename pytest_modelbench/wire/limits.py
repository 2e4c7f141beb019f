"""How long a server may take, and how much it may say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one attempt."""

    timeout_seconds: float = 600.0
    """From the beginning of the attempt, its connection included, to the end of its answer."""
    connect_timeout_seconds: float = 10.0
    """Of one connection, its TLS handshake included."""
    max_response_bytes: int = 64 * 1024 * 1024
    """Of a body, before and after it is unpacked."""
    verify_tls: bool = True
    """Whether certificates are checked."""
