"""Runs that were broken off: their predictions are not of all samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_modelbench.runs.folder import RUN_ID, RunFolder
from pytest_modelbench.runs.summary import summary_document

_BROKEN_OFF = ("unfinished: ", "not run: ")


def unfinished_runs(files: Iterable[Path]) -> Iterator[str]:
    """A sentence on each run that has one of `files` and was not measured to its end."""
    folders = dict.fromkeys(file.absolute().parent.parent for file in files)
    for path in folders:
        if RUN_ID.fullmatch(path.name) and (what := _why(RunFolder(path))):
            yield f"{path.name}: {what}: what is scored is what was answered so far"


def _why(folder: RunFolder) -> str:
    state = folder.state()
    if state == "running":
        return "this run's session is still under way"
    if state == "unfinished":
        return "this run's session did not end"
    cases = (summary_document(folder) or {}).get("cases", ())
    count = sum(map(_was_broken_off, cases))
    number = f"{count} of its {len(cases)} cases" if len(cases) > 1 else "its only case"
    return f"this run was broken off before {number} had ended" if count else ""


def _was_broken_off(case: Mapping[str, Any]) -> bool:
    """By the end of its session, or by its own: a case that took too long has no count."""
    if str(case["detail"]).startswith(_BROKEN_OFF):
        return True
    counted = case["metrics"].get("sample_count", {}).get("value")
    return case["status"] == "error" and counted is None
