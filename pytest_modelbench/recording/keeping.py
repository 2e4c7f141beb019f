"""The directory of a session's run, from its first event to its run file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.plugin_objects import session_of
from pytest_modelbench.recording.provenance import run_metadata, system_info
from pytest_modelbench.runs.folder import (
    RunFolder,
    cannot_be_made,
    make_run_folder,
    spare_parent,
)
from pytest_modelbench.runs.journal import Event, Journal, read_journals
from pytest_modelbench.runs.summary import write_summary
from pytest_modelbench.session_options import OUTPUT_DIR, asked_store, command_line, store_of

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from pytest_modelbench.results.run import BenchmarkRun, RunMetadata, SystemInfo


class Keeping:
    """Makes the directory when there is something to keep, and holds it until the session ends."""

    def __init__(self, config: pytest.Config) -> None:
        """Raises `ModelbenchError` for what never could be a directory."""
        self._config = config
        self.asked = asked_store(config)
        self.parent = store_of(config)
        self.folder: RunFolder | None = None
        self.journal: Journal | None = None
        self.trouble = ""
        """Why the run is not kept where it should be."""
        self._lock: BaseFileLock | None = None

    @property
    def is_where_asked(self) -> bool:
        """Whether later sessions will find the run by its id."""
        return self.folder is not None and not self.trouble

    @cached_property
    def metadata(self) -> RunMetadata:
        return run_metadata(
            command_line(self._config),
            self._config.rootpath,
            dry_run=self._config.option.suite_dry_run,
            quick=self._config.option.suite_quick,
            run_id=self.folder.run_id if self.folder else None,
        )

    @cached_property
    def system(self) -> SystemInfo:
        return system_info()

    def open(self) -> Journal | None:
        """The controlling process's journal; None where nothing can be written at all.

        Raises `ModelbenchError` when the directory that was asked for cannot be written: before
        anything is measured.
        """
        if self.folder is None and not self.trouble:
            self._make()
            if self.folder is not None:
                self.journal = Journal(self.folder.journal("main"))
                self._describe()
        return self.journal

    def _make(self) -> None:
        _ = self.system  # which takes a moment: a directory without its first event is of no use
        try:
            self._hold(make_run_folder(self.parent))
        except OSError as error:
            cause = cannot_be_made(self.parent, error, f"{OUTPUT_DIR}, or set XDG_STATE_HOME")
            if self.asked:
                raise cause from None
            self.trouble = str(cause)
            try:
                self._hold(make_run_folder(spare_parent()))
            except OSError:
                return

    def _hold(self, folder: RunFolder) -> None:
        self._lock = folder.hold()
        self.folder = folder

    def _describe(self) -> None:
        """First of all who and where: what is needed besides results to make the run file."""
        self.note(
            {
                "event": "session",
                "metadata": self.metadata.model_dump(mode="json"),
                "system_info": self.system.model_dump(mode="json"),
                **self._resumed(),
            }
        )

    def _resumed(self) -> dict[str, str]:
        session = session_of(self._config)
        if session is None or session.take_over is None:
            return {}
        from pytest_modelbench.resume.links import RESUMES

        return {RESUMES: str(session.take_over.earlier.path)}

    def note(self, event: Event) -> None:
        """Add an event of the controlling process, if there is a place for it."""
        if (journal := self.open()) is not None:
            journal.append(event)

    def events(self) -> Iterator[dict[str, Any]]:
        """What the journals of all processes of the session hold."""
        if self.folder is not None:
            yield from read_journals(self.folder.journals)

    def save(self, run: BenchmarkRun) -> Path | None:
        """Write the run file; None, and `trouble`, when that is impossible."""
        if self.folder is None:
            return None
        try:
            written = run.save(self.folder.run_file)
        except ModelbenchError as error:
            self.trouble = str(error)
            return None
        write_summary(run, self.folder)
        return written

    def close(self) -> None:
        """The session no longer writes here."""
        if self.journal is not None:
            self.journal.close()
        if self._lock is not None:
            self._lock.release()

    def discard(self) -> None:
        """There was nothing to keep: not one case was selected."""
        self.close()
        if self.folder is not None:
            self.folder.remove()
