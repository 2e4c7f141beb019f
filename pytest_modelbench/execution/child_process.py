"""The session's side of a process that holds one model: what it has of it, and how it ended."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Hashable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import IO

from pytest_modelbench.execution.fork_client import ProcessHandle

LONGEST_ERROR_TEXT_BYTES = 20_000


@dataclass
class Child:
    """A process that holds one model."""

    key: Hashable
    process: ProcessHandle
    connection: Connection
    errors: IO[bytes]

    def new_text(self) -> str:
        """What it wrote to its standard error since last time, at most the end of it."""
        size = self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, size - LONGEST_ERROR_TEXT_BYTES))
        text = self.errors.read().decode("utf-8", "replace")
        self.errors.seek(0)
        self.errors.truncate()
        return text

    def pass_text_on(self) -> None:
        """Show it as this process's own, so that pytest captures it with the test."""
        if text := self.new_text():
            sys.stderr.write(text)

    def close(self) -> None:
        self.process.close()
        self.connection.close()
        self.errors.close()


def how_it_ended(exit_code: int) -> str:
    """In words.

    >>> how_it_ended(-11), how_it_ended(3)
    ('was killed by SIGSEGV', 'ended with exit status 3')
    """
    if exit_code >= 0:
        return f"ended with exit status {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"
