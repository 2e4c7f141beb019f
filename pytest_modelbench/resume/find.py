"""The session that `--suite-resume` and `--suite-retry-failed` name."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.paths import path_from
from pytest_modelbench.results.find_run import LAST, only_id
from pytest_modelbench.results.store import dir_option
from pytest_modelbench.runs.begun import begun
from pytest_modelbench.runs.folder import CLOSED, RUN_FILE, RunFolder, run_folders


def find_earlier(
    option: str,
    text: str,
    parent: Path,
    base_dir: Path,
    suites: Collection[str] = (),
    is_quick: bool = False,
) -> Path:
    """A run's directory, or a run file that lies somewhere else.

    `last` is the newest run in `parent` that is not dry, is quick or not as this session is, and
    has one of `suites` (their ids; without any, of whatever suite), whether or not its session came
    to its end. Else it is a directory or a file, relative to `base_dir`, or the id of a run in
    `parent`, or its beginning. Raises `ModelbenchError` when it is none of these, or its session is
    running.
    """
    if not text.strip():
        raise ModelbenchError(f"{option} is empty: name a run, such as last")
    if text == LAST:
        fitting = (one for one in run_folders(parent) if _can_be_resumed(one, suites, is_quick))
        if (found := next(fitting, None)) is None:
            of = f" of suite {', '.join(sorted(suites))}" if suites else ""
            kind = "quick run" if is_quick else "run"
            raise ModelbenchError(f"{option} last: there is no {kind}{of} in {parent} yet")
        return _ended(option, found)
    path = path_from(text, base_dir)
    if path.name == RUN_FILE and RunFolder(path.parent).journals.is_dir():
        path = path.parent
    if path.is_dir():
        return _ended(option, _is_run(option, text, RunFolder(path)))
    if path.is_file():
        return path
    return _ended(option, _of_id(option, text, parent))


def _can_be_resumed(folder: RunFolder, suites: Collection[str], is_quick: bool) -> bool:
    """Not a dry run, nor one whose session was killed before it had said what it measures."""
    if folder.is_closed():
        return False
    found = begun(folder)
    if not found.metadata or found.metadata.get("dry_run"):
        return False
    if bool(found.metadata.get("quick")) != is_quick:
        return False
    return not suites or any(suite in suites for suite in found.suites)


def _is_run(option: str, text: str, folder: RunFolder) -> RunFolder:
    if not folder.is_closed() and not folder.journals.is_dir() and not folder.run_file.is_file():
        raise ModelbenchError(f"{option} {text!r}: this directory holds no run")
    return folder


def _of_id(option: str, text: str, parent: Path) -> RunFolder:
    folders = {one.run_id: one for one in run_folders(parent)}
    if (found := only_id(text, list(folders), option)) is not None:
        return folders[found]
    there = f"newest there: {next(iter(folders))}" if folders else "there is none yet"
    raise ModelbenchError(
        f"{option} {text!r} is neither 'last', a run's directory or file, nor the beginning of a "
        f"run's id in {parent} ({there})"
    )


def _ended(option: str, folder: RunFolder) -> Path:
    if folder.is_closed():
        raise ModelbenchError(f"{option} {folder.run_id}: {CLOSED}")
    if folder.is_running():
        raise ModelbenchError(
            f"{option} {folder.run_id}: its session is still running (modelbench watch "
            f"{folder.run_id}{dir_option(folder.path.parent)} shows it)"
        )
    return folder.path
