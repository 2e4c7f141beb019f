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
    requests_done: int | None = None
    """Requests to an endpoint that were answered or failed; None where none are made."""
    requests_planned: int | None = None
    """How many there will be; None where time alone says."""
    in_flight: int = 0
    """Requests that are under way."""
    failed: int = 0
    """Requests that have failed."""

    @property
    def done(self) -> int:
        """Samples; of an endpoint, requests."""
        return self.samples_done if self.requests_done is None else self.requests_done

    @property
    def total(self) -> int | None:
        """How many there will be of them."""
        return self.samples_total if self.requests_done is None else self.requests_planned

    @property
    def what(self) -> str:
        """What is counted."""
        return "samples" if self.requests_done is None else "requests"

    @property
    def beside(self) -> str:
        """What is to be known of requests; empty where none are made."""
        if self.requests_done is None:
            return ""
        return f"{self.in_flight} in flight, {self.failed} failed"

    @property
    def rate_per_second(self) -> float | None:
        """Of what is counted, since this phase began; None before the first answer."""
        before = self.samples_before if self.requests_done is None else 0
        seconds, count = self.updated_s - self.phase_since_s, self.done - before
        return count / seconds if count > 0 and seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Until all is answered, at this rate; None where that is not known."""
        rate = self.rate_per_second
        if rate is None or self.total is None:
            return None
        return max(0.0, (self.total - self.done) / rate)


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

    def note_requests(self, done: int, planned: int | None, in_flight: int, failed: int) -> None:
        """Shown with the next count."""
        if self._state is not None:
            self._state = replace(
                self._state,
                requests_done=done,
                requests_planned=planned,
                in_flight=in_flight,
                failed=failed,
            )

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
