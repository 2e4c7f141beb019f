"""What a run will take, by what earlier runs of the same cases took on this machine."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pytest_modelbench.folders import cache_folder, free_bytes
from pytest_modelbench.preflight.findings import MOST_NAMED
from pytest_modelbench.preflight.room import in_words
from pytest_modelbench.preflight.subjects import Subject
from pytest_modelbench.recording.provenance import processor_name
from pytest_modelbench.report.markdown_text import counted
from pytest_modelbench.runs.folder import RunFolder, run_folders
from pytest_modelbench.runs.summary import summary_document
from pytest_modelbench.views.moments import duration_in_words

MOST_RUNS = 300
MOST_EACH = 5
"""The newest durations of a case: older ones say less about the model as it is."""


class History:
    """Durations of cases, and the size of a run, as the runs in a directory tell."""

    def __init__(self, parent: Path, subjects: Sequence[Subject]) -> None:
        self._wanted = {subject.case.id for subject in subjects}
        compared = (one.name for one in subjects if one.case.side)
        self._compared = set(compared)
        self._suites = {subject.case.suite_id for subject in subjects}
        self.seconds: dict[str, list[float]] = {}
        """By id: of cases, and of what comparisons measure in turn."""
        self.newest: RunFolder | None = None
        """That has one of the suites."""
        for folder in islice(run_folders(parent), MOST_RUNS):
            if self._is_enough():
                break
            document = None if folder.is_closed() else summary_document(folder)
            if document is not None and self._is_of_use(document):
                self._take(document)
                self.newest = self.newest or folder

    def _is_enough(self) -> bool:
        wanted = self._wanted | self._compared
        return all(len(self.seconds.get(name, ())) >= MOST_EACH for name in wanted)

    def _is_of_use(self, document: dict[str, Any]) -> bool:
        about = document["metadata"]
        return (
            not about.get("dry_run")
            and not about.get("quick")
            and document["cpu_info"] == processor_name()
            and not self._suites.isdisjoint(document["suites"])
        )

    def _take(self, document: dict[str, Any]) -> None:
        found = {
            case["id"]: case["duration_seconds"]
            for case in document["cases"]
            if case["status"] == "ok" and case["id"] in self._wanted
        }
        compared = document["compared_seconds"].items()
        found |= {name: seconds for name, seconds in compared if name in self._compared}
        for name, seconds in found.items():
            known = self.seconds.setdefault(name, [])
            if len(known) < MOST_EACH:
                known.append(seconds)


def time_line(history: History, subjects: Sequence[Subject]) -> str:
    """How long all of it will take, as far as that is known."""
    names = list(dict.fromkeys(subject.name for subject in subjects))
    new = [name for name in names if not _is_known(history, name, subjects)]
    if len(new) == len(names):
        return "time: unknown, none of the cases was measured here before"
    seconds = sum(map(statistics.median, history.seconds.values()))
    known = counted(len(names) - len(new), "case")
    line = f"time: {_roughly(seconds)} for {known}, one after the other, as before"
    if new:
        named = ", ".join(new[:MOST_NAMED]) + (", ..." if len(new) > MOST_NAMED else "")
        line += f"; unknown for {counted(len(new), 'case')} that were never measured: {named}"
    return line


def _roughly(seconds: float) -> str:
    """
    >>> _roughly(0.4), _roughly(75.2)
    ('less than 1 s', 'about 1 min 15 s')
    """
    return "less than 1 s" if seconds < 1 else f"about {duration_in_words(seconds)}"


def _is_known(history: History, name: str, subjects: Sequence[Subject]) -> bool:
    return all(one.case.id in history.seconds for one in subjects if one.name == name)


def space_lines(history: History, parent: Path, exports_bytes: int) -> Iterator[str]:
    """What will be written, and how much room there is."""
    free = free_bytes(parent)
    room = "" if free is None else f", where {in_words(free)} are free"
    if history.newest is None:
        yield f"space: unknown for the run in {parent}{room}"
    else:
        size = in_words(_size_of(history.newest.path))
        yield f"space: about {size} for the run in {parent}{room} (as {history.newest.run_id})"
    if exports_bytes:
        cache = cache_folder()
        free = free_bytes(cache)
        room = "" if free is None else f", where {in_words(free)} are free"
        yield f"space: up to {in_words(exports_bytes)} for exported models in {cache}{room}"


def _size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
