"""Where each process of a session is just now, for whoever looks on from outside.

A small file for each process that measures, overwritten in place. Nothing is lost with it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

Phase = Literal["preparing", "waiting", "loading", "warming up", "timing", "scoring", "comparing"]


@dataclass(frozen=True)
class LiveState:
    """What a process does. Times are of the machine's monotonic clock, equal for all processes."""

    worker: str
    case_id: str
    phase: Phase
    samples_done: int
    """Of the dataset, answered so far."""
    samples_total: int | None
    """How many there are; None before all were read."""
    samples_before: int
    """How many were when this phase began."""
    case_since_s: float
    phase_since_s: float
    updated_s: float
    in_flight: int | None = None
    """Requests to an endpoint that are under way; None where none are made."""
    failed: int = 0
    """Of these, how many have failed so far."""

    @property
    def samples_per_second(self) -> float | None:
        """Since this phase began; None before the first answer."""
        seconds, count = (
            self.updated_s - self.phase_since_s,
            self.samples_done - self.samples_before,
        )
        return count / seconds if count > 0 and seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Until all samples are answered, at this rate; None where that is not known."""
        rate = self.samples_per_second
        if rate is None or self.samples_total is None:
            return None
        return max(0.0, (self.samples_total - self.samples_done) / rate)


class LiveFile:
    """Writes the state of one process. Whatever fails here is nobody's concern."""

    def __init__(self, file: Path | None, worker: str) -> None:
        self._file, self._worker = file, worker
        self._descriptor: int | None = None
        self._state: LiveState | None = None

    def begin(self, case_id: str) -> None:
        now = time.monotonic()
        self._show(LiveState(self._worker, case_id, "preparing", 0, None, 0, now, now, now))

    def enter(self, phase: Phase) -> None:
        state, now = self._state, time.monotonic()
        if state is not None and state.phase != phase:
            before = state.samples_done
            state = replace(state, phase=phase, samples_before=before, phase_since_s=now)
            self._show(replace(state, updated_s=now))

    def count(self, done: int, total: int | None) -> None:
        if self._state is not None:
            now = time.monotonic()
            self._show(replace(self._state, samples_done=done, samples_total=total, updated_s=now))

    def note_requests(self, in_flight: int, failed: int) -> None:
        """Shown with the next count."""
        if self._state is not None:
            self._state = replace(self._state, in_flight=in_flight, failed=failed)

    def close(self) -> None:
        """Nothing is measured any more."""
        self._state = None
        if self._file is not None:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _show(self, state: LiveState) -> None:
        self._state = state
        if self._file is None:
            return
        with suppress(OSError):
            if self._descriptor is None:
                self._descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o666)
            text = json.dumps(asdict(state)).encode()
            os.pwrite(self._descriptor, text, 0)
            os.ftruncate(self._descriptor, len(text))


def live_states(folder: Path) -> Iterator[LiveState]:
    """What the processes of a running session do; one that is just writing is left out."""
    for file in sorted(folder.glob("*.json")):
        with suppress(OSError, ValueError, TypeError):
            yield LiveState(**json.loads(file.read_bytes()))
