"""How long a case has taken, waiting for its turns apart."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from pytest_modelbench.execution.turns import HOLDING, WAITING


class Stopwatch:
    """Runs from its making; stands still between the words `WAITING` and `HOLDING`."""

    def __init__(self) -> None:
        self.started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._start = time.monotonic()
        self._waited = 0.0
        self._waiting_since: float | None = None

    def hear(self, word: bytes) -> bool:
        """Whether `word` was one of the two."""
        if word == WAITING:
            self._waiting_since = time.monotonic()
        elif word == HOLDING and self._waiting_since is not None:
            self._waited += time.monotonic() - self._waiting_since
            self._waiting_since = None
        return word in (WAITING, HOLDING)

    @property
    def is_waiting(self) -> bool:
        return self._waiting_since is not None

    @property
    def waited_seconds(self) -> float:
        """Until now, or until the present wait began."""
        return self._waited

    @property
    def seconds(self) -> float:
        """What was not waiting."""
        now = time.monotonic() if self._waiting_since is None else self._waiting_since
        return max(0.0, now - self._start - self._waited)
