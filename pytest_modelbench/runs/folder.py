"""A run's directory: what lies where in it, and what has become of the session that made it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.folders import APPLICATION
from pytest_modelbench.results.store import new_run_id

if TYPE_CHECKING:
    from filelock import BaseFileLock

RUN_ID = re.compile(r"benchmark_\d{8}_\d{6}_[0-9a-f]{12}")
RUN_FILE = "run.json"
MOST_TRIES = 5
LOOKS_SECONDS = 1.0
"""Longer than anybody holds the lock to look whether the session is alive."""
CLOSED = "its directory may not be looked into"
State = Literal["running", "finished", "unfinished"]
"""`unfinished`: the session is gone and left no run file, which can be made from its journals."""


@dataclass(frozen=True)
class RunFolder:
    """Paths in the directory of one run; none of them need be there."""

    path: Path

    @property
    def run_id(self) -> str:
        return self.path.name

    @property
    def run_file(self) -> Path:
        """The run as one document, made when the session ends."""
        return self.path / RUN_FILE

    @property
    def summary_file(self) -> Path:
        """The same without all that is long: what lists and histories are made from."""
        return self.path / "summary.json"

    @property
    def journals(self) -> Path:
        """A file for each process of the session, in which each event is a line."""
        return self.path / "journal"

    def journal(self, process: str) -> Path:
        """That of one: `main`, or a parallel worker's name."""
        return self.journals / f"{process}.jsonl"

    @property
    def answers(self) -> Path:
        """A file for each case with what its samples were answered, as the answers came."""
        return self.path / "answers"

    @property
    def predictions(self) -> Path:
        """A file for each case whose answers are texts to be scored again; there where one is."""
        return self.path / "predictions"

    @property
    def live(self) -> Path:
        """A file for each process that measures: where it is just now."""
        return self.path / "live"

    @property
    def logs(self) -> Path:
        """A file for each process that measures: what the cases printed."""
        return self.path / "logs"

    def is_closed(self) -> bool:
        """Whether it may not be looked into, as another user's in a place that is shared."""
        return not os.access(self.path, os.R_OK | os.X_OK) and os.path.lexists(self.path)

    def state(self) -> State:
        if self.is_running():
            return "running"
        return "finished" if self.run_file.exists() else "unfinished"

    def is_running(self) -> bool:
        """Whether the session still holds its lock, which the kernel frees at any death.

        Who asks shares the lock for a moment, so that two who ask do not see each other.
        """
        import fcntl

        try:
            descriptor = os.open(self.lock_file, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # on a file system without locks
            return False
        finally:
            os.close(descriptor)
        return False

    def hold(self) -> BaseFileLock:
        """The lock that says that the session is alive. Raises `OSError` when another has it."""
        from filelock import FileLock

        lock = FileLock(self.lock_file)
        lock.acquire(timeout=LOOKS_SECONDS, poll_interval=0.01)
        return lock

    def remove(self) -> None:
        """All of it, as far as that is possible."""
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def lock_file(self) -> Path:
        """Locked while the session is alive."""
        return self.path / "alive.lock"


def make_run_folder(parent: Path, now: datetime | None = None) -> RunFolder:
    """A new directory in `parent`, whatever other sessions and clocks do. Raises `OSError`."""
    parent.mkdir(parents=True, exist_ok=True)
    for _ in range(MOST_TRIES - 1):
        with suppress(FileExistsError):
            return _made(parent / new_run_id(now))
    return _made(parent / new_run_id(now))


def _made(path: Path) -> RunFolder:
    path.mkdir()
    folder = RunFolder(path)
    for part in (folder.journals, folder.answers, folder.live, folder.logs):
        part.mkdir()
    return folder


def spare_parent() -> Path:
    """Where runs go when their usual place cannot be written."""
    return Path(tempfile.gettempdir()) / APPLICATION


def run_folders(parent: Path) -> Iterator[RunFolder]:
    """The runs in `parent`, newest first: ids sort by time."""
    try:
        names = sorted((entry.name for entry in parent.iterdir()), reverse=True)
    except OSError:
        return
    for name in names:
        if RUN_ID.fullmatch(name) and (parent / name).is_dir():
            yield RunFolder(parent / name)


def cannot_be_made(parent: Path, error: OSError, option: str) -> ModelbenchError:
    """What to say where no run can be kept."""
    return ModelbenchError(
        f"{parent}: no run can be kept there ({error.strerror}): give a writable directory with "
        f"{option}"
    )
