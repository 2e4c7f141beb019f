"""The run file of a session that could not write it, from its journals."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_modelbench.errors import ModelbenchError, one_line
from pytest_modelbench.recording.assemble import assemble_run
from pytest_modelbench.recording.ledger import Ledger
from pytest_modelbench.results.run import BenchmarkRun, RunMetadata, SystemInfo
from pytest_modelbench.runs.folder import RunFolder
from pytest_modelbench.runs.journal import read_journals
from pytest_modelbench.runs.summary import write_summary


@dataclass
class Journaled:
    """What the journals of a run hold."""

    metadata: RunMetadata
    system: SystemInfo
    ledger: Ledger
    faults: list[str] = field(default_factory=list)
    """What in them could not be used."""

    def run(self) -> BenchmarkRun:
        """As the session would have written it, had it ended after the last event."""
        return assemble_run(
            self.metadata,
            self.system,
            self.ledger.suites(),
            self.ledger.problems,
            comparisons=self.ledger.comparisons(),
        )


def journaled(folder: RunFolder) -> Journaled:
    """Read them, also while the session runs. Raises `ModelbenchError` without a usable one."""
    ledger, faults = Ledger(), list[str]()
    ledger.goes_on = folder.is_running()
    first: dict[str, Any] | None = None
    for event in read_journals(folder.journals, faults):
        if event["event"] == "session":
            first = first or event
            continue
        try:
            ledger.take(event)
        except (ValidationError, KeyError, TypeError) as error:
            faults.append(f"{folder.journals}: a {event['event']} is not usable: {one_line(error)}")
    if first is None:
        raise ModelbenchError(
            f"{folder.path}: its journals do not say which session wrote them: nothing can be made "
            "of them"
        )
    try:
        metadata = RunMetadata.model_validate(first["metadata"])
        system = SystemInfo.model_validate(first["system_info"])
    except (ValidationError, KeyError) as error:
        raise ModelbenchError(
            f"{folder.path}: its journals are of another version of pytest-modelbench, or damaged "
            f"({one_line(error)}): recover it with the version that wrote it"
        ) from None
    return Journaled(metadata, system, ledger, faults)


def recover(folder: RunFolder) -> tuple[Path, BenchmarkRun, list[str]]:
    """Write the run file; what could not be used of the journals.

    Raises `ModelbenchError` while the session is running, and when there is nothing to recover.
    """
    if folder.is_running():
        raise ModelbenchError(f"{folder.path}: its session is still running: it will write its run")
    found = journaled(folder)
    if not found.ledger.manifests:
        raise ModelbenchError(
            f"{folder.path}: the session ended before it had any case: there is nothing to recover"
        )
    run = found.run()
    written = run.save(folder.run_file)
    write_summary(run, folder)
    return written, run, found.faults
