"""Events of a session as lines of a file: what is written there outlives any death of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_modelbench.results.store import force_to_disk

Event = Mapping[str, Any]
"""Plain JSON; `event` says of which kind."""


class Journal:
    """Appends to one file; no other process writes to it.

    What cannot be written is kept and tried again with the next event: a disk that is full for a
    while costs nothing.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.trouble: OSError | None = None
        """Why the last events are not in the file."""
        self._pending: list[bytes] = []
        self._descriptor: int | None = None
        self._is_torn = False

    def append(self, event: Event, *, is_precious: bool = True) -> bool:
        """Add a line; whether it is in the file. What is precious is forced to the disk."""
        event = {**event, "at_s": time.monotonic()}
        line = json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        line_bytes = line.encode("utf-8", "surrogatepass") + b"\n"
        return self.append_lines(line_bytes, is_precious=is_precious)

    def append_lines(self, lines: bytes, *, is_precious: bool = True) -> bool:
        """The same of lines that are written out already."""
        self._pending.append(lines)
        try:
            self._write(b"".join(self._pending), is_precious=is_precious)
        except OSError as error:
            self.trouble = error
            return False
        self._pending.clear()
        self.trouble = None
        return True

    @property
    def size_bytes(self) -> int:
        return 0 if self._descriptor is None else os.fstat(self._descriptor).st_size

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, lines: bytes, *, is_precious: bool) -> None:
        if self._descriptor is None:
            self._descriptor = _opened(self.file)
        descriptor, size = self._descriptor, os.fstat(self._descriptor).st_size
        left = memoryview(b"\n" + lines if self._is_torn else lines)
        try:
            while left:
                left = left[os.write(descriptor, left) :]
            if is_precious:
                os.fsync(descriptor)
        except OSError:
            self._is_torn = True
            with suppress(OSError):  # half a line is passed over by who reads it, too
                os.ftruncate(descriptor, size)
                self._is_torn = False
            raise
        self._is_torn = False


def _opened(file: Path) -> int:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    force_to_disk(file.parent)
    return descriptor


def read_journal(file: Path, faults: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """The events in `file`, as far as they were written; `faults` gets a line for each that is not.

    A crash may leave half a line at the end, a power failure anything.
    """
    try:
        lines: Iterable[bytes] = file.read_bytes().splitlines()
    except OSError as error:
        lines = []
        if faults is not None:
            faults.append(f"{file}: cannot be read ({error.strerror})")
    for number, line in enumerate(lines, 1):
        if (event := event_in(line)) is not None:
            yield event
        elif line.strip() and faults is not None:
            faults.append(f"{file}:{number}: not a whole event: passed over")


def event_in(line: bytes) -> dict[str, Any] | None:
    """The event that a line of a journal holds; None where it is not a whole one."""
    try:
        event = json.loads(line.decode("utf-8", "surrogatepass"))
    except ValueError:
        return None
    is_event = isinstance(event, dict) and isinstance(event.get("event"), str)
    return event if is_event else None


def read_journals(folder: Path, faults: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Those of every process of a session, in the order in which they were written down."""
    files = sorted(folder.glob("*.jsonl"), key=lambda file: (file.stem != "main", file.name))
    events = [event for file in files for event in read_journal(file, faults)]
    yield from sorted(events, key=_moment)


def _moment(event: Event) -> float:
    """By the machine's monotonic clock, which all processes of a session share."""
    moment = event.get("at_s")
    return moment if isinstance(moment, int | float) else 0.0
