"""What one process of a session writes to the directory of its run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modelbench.case import Case
from pytest_modelbench.execution.descendants import die_with
from pytest_modelbench.execution.trail import NO_TRAIL, Trail
from pytest_modelbench.plugin_objects import recorder_of
from pytest_modelbench.runs.answers import answers_name
from pytest_modelbench.runs.folder import RunFolder
from pytest_modelbench.runs.journal import Event, Journal

if TYPE_CHECKING:
    from pytest_modelbench.results.run import CaseResult
    from pytest_modelbench.resume.earlier import Earlier

RUN_FOLDER = "modelbench_run_folder"
EARLIER_RUN = "modelbench_earlier_run"
CONTROLLER = "modelbench_controller"
"""What a parallel worker is told: where to write, which run the session resumes, and by which
process it was started."""


def end_with_controller(config: pytest.Config) -> None:
    """Have a worker end with the session, which may be killed: it would measure on for nobody, and
    ask a paid endpoint what a resumed session asks as well.
    """
    # One that was started on another machine, or by a server, has another parent.
    if config.workerinput.get(CONTROLLER) == os.getppid():  # type: ignore[attr-defined]
        die_with(os.getppid())


class OwnPart:
    """The journal of this process, and where its cases leave their trails."""

    def __init__(self, config: pytest.Config, worker: str) -> None:
        self._config = config
        self._worker = worker

    @property
    def folder(self) -> RunFolder | None:
        """The run's directory; None where this process cannot write to it."""
        if (recorder := recorder_of(self._config)) is not None:
            return recorder.keeping.folder
        given = getattr(self._config, "workerinput", {}).get(RUN_FOLDER)
        folder = RunFolder(Path(given)) if given else None
        # A worker may be on another machine: then the controller writes down what it sends.
        return folder if folder is not None and folder.journals.is_dir() else None

    @cached_property
    def journal(self) -> Journal | None:
        """This process's; None where nobody could read it. Raises `ModelbenchError`."""
        if (recorder := recorder_of(self._config)) is not None:
            return recorder.keeping.open()
        folder = self.folder
        return None if folder is None else Journal(folder.journal(self._worker))

    def note(self, event: Event, *, is_precious: bool = True) -> bool:
        """Write down what happened; whether it is in this process's journal."""
        journal = self.journal
        return journal is not None and journal.append(event, is_precious=is_precious)

    def keep(self, parcel: dict[str, Any]) -> dict[str, Any]:
        """Write down what a report is to carry, before anything can happen to it on its way."""
        if "results" in parcel:
            parcel["is_kept"] = self.note({"event": "parcel", **parcel})
        return parcel

    def forget_answers(self, results: Iterable[CaseResult]) -> None:
        """Nobody will go on with these, which are measured well and written down."""
        for one in results:
            if self.folder is not None and one.is_well:
                with suppress(OSError):
                    (self.folder.answers / answers_name(one.id)).unlink(missing_ok=True)

    def be_idle(self) -> None:
        """No case is under way: what a process that was killed says of one is no longer so."""
        if self.folder is not None:
            with suppress(OSError):
                self._live_file(self.folder).unlink(missing_ok=True)

    def _live_file(self, folder: RunFolder) -> Path:
        return folder.live / f"{self._worker}.json"

    def log(self, nodeid: str, sections: Iterable[tuple[str, str]]) -> None:
        """What an item printed, for whoever wants to know after the session was killed."""
        said = [f"--- {title}\n{text}" for title, text in sections if text.strip()]
        if self.folder is None or not said:
            return
        with (
            suppress(OSError),
            (self.folder.logs / f"{self._worker}.log").open(
                "a", encoding="utf-8", errors="backslashreplace"
            ) as log,
        ):
            log.write(f"=== {nodeid}\n" + "".join(said).rstrip("\n") + "\n")

    def trail_of(self, case: Case, earlier: Earlier | None) -> Trail:
        """Where `case` leaves its trail, and where one was left in an earlier session."""
        folder = self.folder
        if folder is None:
            return NO_TRAIL
        return Trail(
            live=self._live_file(folder),
            answers=folder.answers / answers_name(case.id),
            predictions=None if case.load is None else _predictions_file(folder, case),
            run_id=folder.run_id,
            earlier_answers=tuple(earlier.answers_files(case)) if earlier else (),
        )


def _predictions_file(folder: RunFolder, case: Case) -> Path:
    """Where what a speech API was heard to say will be."""
    from pytest_modelbench.predictions.of_reply import Source

    return folder.predictions / Source.of(case, folder.run_id).file_name
