"""A run as a line of a list has it: from its summary, or from its journals while it has none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pytest_modelbench.runs.begun import begun
from pytest_modelbench.runs.folder import CLOSED
from pytest_modelbench.runs.summary import summary_document, summary_of
from pytest_modelbench.views.stored import Stored

State = Literal["finished", "running", "unfinished", "unreadable"]
Status = Literal["ok", "failed", "errors", "running", "unfinished", "dry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One run, as far as lists and filters ask."""

    stored: Stored
    state: State
    metadata: Mapping[str, Any] = field(default_factory=dict)
    hostname: str = ""
    suites: Sequence[str] = ()
    models: Set[str] = frozenset()
    devices: Set[str] = frozenset()
    ok: int = 0
    """Cases that were measured and broke no bound."""
    failed: int = 0
    """Those that broke one, or could not be measured."""
    skipped: int = 0
    errors: int = 0
    """Those that could not be measured."""
    regressions: int = 0
    progress: str = ""
    """How far a session is, or was, that has written no run."""
    fault: str = ""
    """Why it cannot be read."""

    @property
    def statuses(self) -> set[Status]:
        """What `--status` may call it."""
        if self.state in ("running", "unfinished"):
            return {self.state}
        if self.state == "unreadable":
            return set()
        if self.metadata.get("dry_run"):
            return {"dry"}
        found: set[Status] = {"ok" if self.metadata.get("exit_status") == 0 else "failed"}
        return found | {"errors"} if self.errors else found


def entry_of(stored: Stored) -> Entry:
    """Never raises: a run that cannot be read is one that says so."""
    if stored.is_closed:
        return Entry(stored, "unreadable", fault=CLOSED)
    document = document_of(stored)
    if document is None and (not stored.is_folder or stored.folder.run_file.exists()):
        from pytest_modelbench.results.find_run import fault_of

        fault = fault_of(run_file_of(stored))
        document = None if fault else document_of(stored)  # it was being written
        if document is None:
            return Entry(stored, "unreadable", fault=fault or "it is being written")
    if document is not None:
        try:
            return _finished(stored, document)
        except (KeyError, TypeError, AttributeError):
            fault = f"its summary is damaged: remove {stored.folder.summary_file}"
            return Entry(stored, "unreadable", fault=fault)
    return _begun(stored)


def run_file_of(stored: Stored) -> Path:
    """Where the run file is, or would be."""
    return stored.folder.run_file if stored.is_folder else stored.path


def document_of(stored: Stored) -> Mapping[str, Any] | None:
    """The summary as plain JSON; None where there is no usable run file."""
    if stored.is_folder:
        return summary_document(stored.folder)
    from pytest_modelbench.results.find_run import read_run

    run = read_run(stored.path)
    return None if run is None else asdict(summary_of(run, 0))


def _finished(stored: Stored, document: Mapping[str, Any]) -> Entry:
    cases = document["cases"]
    statuses = [
        "failed" if case["status"] == "ok" and case["failed_bounds"] else case["status"]
        for case in cases
    ]
    errors = statuses.count("error")
    return Entry(
        stored,
        "finished",
        metadata=dict(document["metadata"]),
        hostname=str(document["hostname"]),
        suites=document["suites"],
        models={case["model"] for case in cases},
        devices={case["device"] for case in cases},
        ok=statuses.count("ok"),
        failed=errors + statuses.count("failed"),
        skipped=statuses.count("skipped"),
        errors=errors,
        regressions=document["regressions"],
    )


def _begun(stored: Stored) -> Entry:
    folder = stored.folder
    state = folder.state()
    if state == "finished":  # just now
        return entry_of(stored)
    found = begun(folder)
    if not found.metadata:
        fault = "its journals do not say which session wrote them"
        return Entry(stored, "running" if state == "running" else "unreadable", fault=fault)
    return Entry(
        stored,
        state,
        metadata=found.metadata,
        hostname=found.hostname,
        suites=found.suites,
        models=found.models,
        devices=found.devices,
        progress=found.progress,
    )


def as_json(entry: Entry) -> str:
    """One line of it, for other programs."""
    about = entry.metadata
    known = ("timestamp", "git_sha", "git_branch", "git_dirty", "exit_status", "dry_run", "quick")
    return json.dumps(
        {
            "run_id": entry.stored.run_id,
            "path": str(entry.stored.path),
            "state": entry.state,
            **{name: about.get(name) for name in known},
            "suites": list(entry.suites),
            "models": sorted(entry.models),
            "devices": sorted(entry.devices),
            "cases": {"ok": entry.ok, "failed": entry.failed, "skipped": entry.skipped},
            "errors": entry.errors,
            "regressions": entry.regressions,
            "hostname": entry.hostname,
            "progress": entry.progress or None,
            "fault": entry.fault or None,
        },
        ensure_ascii=False,
    )
