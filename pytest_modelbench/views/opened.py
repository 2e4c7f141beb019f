"""A run read whole, from its file or, without one, from its journals."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError, WrongUsage
from pytest_modelbench.results.find_run import LAST, loaded_run
from pytest_modelbench.results.run import BenchmarkRun
from pytest_modelbench.results.store import dir_option
from pytest_modelbench.runs.folder import CLOSED, RunFolder
from pytest_modelbench.views.entry import entry_of, run_file_of
from pytest_modelbench.views.named import named_run
from pytest_modelbench.views.stored import Stored, stored_runs
from pytest_modelbench.views.wanted import fits_case

MOST_NAMED = 5


@dataclass
class Opened:
    """A run, and what a reader has to know about it."""

    run: BenchmarkRun
    file: Path | None
    """None where it was made from journals."""
    notes: list[str] = field(default_factory=list)


def open_run(text: str, store: Path) -> Opened:
    """The run that `text` names. Raises `ModelbenchError`."""
    found = named_run(text, store)
    if not isinstance(found, Stored):
        return Opened(loaded_run(found), found)
    opened = open_stored(found)
    if text == LAST:
        opened.notes[:0] = _passed_over(found, store)
    return opened


def _passed_over(found: Stored, store: Path) -> list[str]:
    """What is newer than the last run that can be read."""
    newer = [one for one in stored_runs(store) if one.run_id > found.run_id]
    return [f"passed over {one.run_id}: {entry_of(one).fault}" for one in newer]


def open_stored(stored: Stored) -> Opened:
    """The same of one whose place is known."""
    if stored.is_closed:
        raise ModelbenchError(f"{stored.run_id}: {CLOSED}")
    file = run_file_of(stored)
    if file.exists() or not stored.is_folder:
        return Opened(loaded_run(file), file)
    return _from_journals(stored.folder)


def _from_journals(folder: RunFolder) -> Opened:
    from pytest_modelbench.recording.recover import journaled

    is_running = folder.is_running()
    found = journaled(folder)
    if is_running:
        note = "its session is still running: this is what it has measured so far"
    else:
        note = (
            "its session ended without writing its run: this is what its journals have; "
            f"modelbench recover {folder.run_id}{dir_option(folder.path.parent)} makes the run file"
        )
    run = found.run()
    return Opened(run, None, [f"{folder.run_id}: {note}", *found.faults])


def with_cases(run: BenchmarkRun, pattern: str) -> BenchmarkRun:
    """`run` with those of its cases alone whose id fits, and the sides of comparisons whose own
    fits: lines of verdicts call them so. Raises `ModelbenchError` without any."""
    compared = [one for one in run.comparisons if fits_case(pattern, one.id)]
    sides = {side.case_id for one in compared for side in one.sides if side.run_id is None}
    cases = [case for case in run.cases if case.id in sides or fits_case(pattern, case.id)]
    if not cases and not compared:
        ids = [case.id for case in run.cases]
        more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
        there = f"it has {', '.join(ids[:MOST_NAMED])}{more}" if ids else "it has no case at all"
        raise WrongUsage(f"--case {pattern!r}: no case of the run is called so: {there}")
    suites = {case.suite for case in cases} | {one.suite for one in compared}
    ids_kept = {case.id for case in cases}
    return run.model_copy(
        update={
            "cases": cases,
            "suites": [suite for suite in run.suites if suite.id in suites],
            "comparisons": [
                one
                for one in run.comparisons
                if fits_case(pattern, one.id) or any(side.case_id in ids_kept for side in one.sides)
            ],
        }
    )
