"""What lies in a store of runs, by name alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError, WrongUsage
from pytest_modelbench.paths import path_from
from pytest_modelbench.results.store import runs_folder
from pytest_modelbench.runs.folder import RUN_ID, RunFolder


@dataclass(frozen=True, slots=True)
class Stored:
    """A run's directory, or a run file by itself that is called by its id."""

    run_id: str
    path: Path
    is_folder: bool

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.path)

    @property
    def is_closed(self) -> bool:
        """Whether it is a directory that may not be looked into."""
        return self.is_folder and self.folder.is_closed()

    @property
    def began(self) -> datetime:
        """When the session began, by its id, which is in UTC."""
        _, date, time, _ = self.run_id.split("_")
        parts = (date[:4], date[4:6], date[6:], time[:2], time[2:4], time[4:])
        try:
            year, month, day, hour, minute, second = map(int, parts)  # far faster than `strptime`
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:  # no session has made it
            return datetime.fromtimestamp(0, UTC)


def stored_runs(parent: Path) -> list[Stored]:
    """All runs in `parent`, newest first; none where there is no such directory."""
    found: dict[str, Stored] = {}
    try:
        with os.scandir(parent) as entries:
            for entry in entries:
                run_id = entry.name.removesuffix(".json")
                if not RUN_ID.fullmatch(run_id):
                    continue
                if entry.is_dir() and run_id == entry.name:
                    found[run_id] = Stored(run_id, parent / entry.name, is_folder=True)
                elif run_id != entry.name:
                    found.setdefault(run_id, Stored(run_id, parent / entry.name, is_folder=False))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ModelbenchError(f"{parent}: cannot be read ({error.strerror})") from None
    return [found[run_id] for run_id in sorted(found, reverse=True)]


def store_at(given: str | None) -> Path:
    """The directory that `--dir` names, or the user's. Raises `ModelbenchError` without one."""
    if given is None:
        return runs_folder()
    path = path_from(given, Path.cwd())
    if not path.is_dir():
        raise WrongUsage(f"--dir {given!r}: no such directory")
    return path
