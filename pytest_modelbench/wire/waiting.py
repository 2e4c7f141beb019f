"""How long to wait before a request is sent again."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from random import Random

from pytest_modelbench.wire.exchange import Exchange


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and how patiently."""

    retries: int = 3
    """How often a request is sent again."""
    first_wait_seconds: float = 0.5
    """The longest wait before the first retry; it doubles with each."""
    longest_wait_seconds: float = 30.0
    """What it doubles to, and no further."""
    longest_retry_after_seconds: float = 120.0
    """A server that asks for a longer wait is not waited for."""

    def wait_seconds(self, retry: int, asked: float | None, random: Random) -> float:
        """Before retry 1, 2, ...: anything up to a bound that doubles, so that those who failed
        together do not come back together; never less than the server asked for.
        """
        longest = min(self.longest_wait_seconds, self.first_wait_seconds * 2 ** (retry - 1))
        return max(asked or 0.0, random.uniform(0.0, longest))


def asked_seconds(exchange: Exchange) -> float | None:
    """What `Retry-After` says, as seconds from now; None where it says nothing to be understood."""
    value = (exchange.header("retry-after") or "").strip()
    try:
        seconds = float(value)
    except ValueError:
        return _until(value)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until(date: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
