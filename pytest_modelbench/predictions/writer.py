"""A file of predictions that grows as answers come."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from pytest_modelbench.predictions.line import PredictionLine
from pytest_modelbench.results.store import force_to_disk
from pytest_modelbench.runs.journal import Journal

MOST_UNWRITTEN_BYTES = 64_000_000
"""Kept for a disk that has no room just now; what comes after that is lost."""
TRIES_AGAIN_SECONDS = 1.0


class PredictionsFile:
    """Appends lines. Never in the way: what goes wrong with the disk is said in `warning`.

    Each call of `add` is one write, which outlives any death of this process. Nothing waits for
    the disk itself before `close`: that could hold up who measures.
    """

    def __init__(self, file: Path | None) -> None:
        """Without a file nothing is kept. One that is there already is continued."""
        self.file = file
        self._journal: Journal | None = None
        self._held: list[bytes] = []
        """Lines for the next try."""
        self._unwritten = self._unwritten_bytes = self._lost = 0
        self._cause = ""
        self._tries_at = 0.0
        if file is not None:
            self._journal = Journal(file)
            with suppress(OSError):  # the first line will tell
                file.parent.mkdir(parents=True, exist_ok=True)
                if _is_torn(file):
                    self._held.append(b"\n")

    def add(self, *lines: PredictionLine) -> None:
        """Append these, in this order."""
        if self._journal is None or not lines:
            return
        text = b"".join(line.as_bytes() for line in lines)
        if self._unwritten and self._unwritten_bytes + len(text) > MOST_UNWRITTEN_BYTES:
            self._lost += len(lines)
        else:
            self._held.append(text)
            self._unwritten += len(lines)
            self._unwritten_bytes += len(text)
        if time.monotonic() >= self._tries_at:
            self._write(self._journal)

    def close(self) -> None:
        """Write what is held, and force all of it to the disk."""
        if self._journal is None:
            return
        if self._unwritten:
            self._write(self._journal)
        self._journal.close()
        force_to_disk(self._journal.file)
        self._journal = None

    @property
    def warning(self) -> str | None:
        """How much is not in the file, and why, in a sentence; None when all is."""
        missing = self._unwritten + self._lost
        if not missing:
            return None
        lines = "1 prediction" if missing == 1 else f"{missing} predictions"
        return f"{self.file}: {lines} could not be written ({self._cause}): scores are without them"

    def _write(self, journal: Journal) -> None:
        """The journal keeps what it cannot write, and writes it first the next time."""
        if journal.append_lines(b"".join(self._held), is_precious=False):
            self._unwritten = self._unwritten_bytes = 0
            self._tries_at = 0.0
        elif journal.trouble is not None:
            self._cause = journal.trouble.strerror or str(journal.trouble)
            self._tries_at = time.monotonic() + TRIES_AGAIN_SECONDS
        self._held.clear()


def _is_torn(file: Path) -> bool:
    """Whether a process was ended while it wrote the last line."""
    if not file.exists() or not file.stat().st_size:
        return False
    with file.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) != b"\n"
