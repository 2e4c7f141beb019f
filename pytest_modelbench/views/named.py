"""The run that a person names, whatever has become of its session."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from pytest_modelbench.errors import WrongUsage
from pytest_modelbench.paths import path_from
from pytest_modelbench.results.find_run import BRANCH, LAST, only_id
from pytest_modelbench.runs.folder import RUN_FILE, RUN_ID, RunFolder
from pytest_modelbench.views.entry import Entry, State, entry_of
from pytest_modelbench.views.stored import Stored, stored_runs

MOST_NAMED = 3
ANY: Collection[State] = ("finished", "running", "unfinished")


def named_run(text: str, store: Path, states: Collection[State] = ANY) -> Stored | Path:
    """A run of the store, a directory of a run anywhere, or a run file.

    `last` and `branch:NAME` are the newest of these `states`; a branch's of files without
    uncommitted changes comes first. Raises `ModelbenchError` naming what there is.
    """
    if text == LAST or text.startswith(BRANCH):
        return _newest(text, store, states)
    path = path_from(text, Path.cwd())
    if path.is_dir():
        return _in_folder(path, text)
    if path.is_file():
        is_own = path.name == RUN_FILE and RUN_ID.fullmatch(path.absolute().parent.name)
        return _in_folder(path.absolute().parent, text) if is_own else path
    return _by_id(text, store)


def _in_folder(path: Path, text: str) -> Stored | Path:
    folder = RunFolder(path.resolve())
    if RUN_ID.fullmatch(folder.run_id):
        return Stored(folder.run_id, folder.path, is_folder=True)
    if folder.run_file.is_file():
        return folder.run_file
    raise WrongUsage(f"{text!r} is a directory: name a run file, or the directory of a run")


def _newest(text: str, store: Path, states: Collection[State]) -> Stored:
    branch = None if text == LAST else text.removeprefix(BRANCH)
    dirty: Stored | None = None
    branches: dict[str, None] = {}
    for entry in _of_states(store, states):
        name = entry.metadata.get("git_branch")
        branches[str(name)] = None
        if branch is None or (name == branch and not entry.metadata.get("git_dirty")):
            return entry.stored
        if name == branch and dirty is None:
            dirty = entry.stored
    if dirty is not None:
        return dirty
    raise WrongUsage(_nothing(text, store, states, branch, list(branches)))


def _of_states(store: Path, states: Collection[State]) -> Iterator[Entry]:
    for stored in stored_runs(store):
        entry = entry_of(stored)
        if entry.state in states and entry.metadata:
            yield entry


def _nothing(
    text: str, store: Path, states: Collection[State], branch: str | None, branches: list[str]
) -> str:
    kind = "" if states == ANY else f" that is {' or '.join(states)}"
    if branch is None or not branches:
        newest = stored_runs(store)[:1]
        there = f" (newest there: {newest[0].run_id})" if newest else ""
        return f"{text}: there is no run{kind} in {store}{there}"
    named = ", ".join([one for one in branches if one != "None"][:MOST_NAMED])
    return (
        f"{text}: there is no run{kind} of branch {branch!r} in {store} "
        f"(newest: {named or 'none in a git repository'})"
    )


def _by_id(text: str, store: Path) -> Stored:
    """The only run in the store whose id begins with `text`."""
    if "/" in text or text.endswith(".json") or not text:
        raise WrongUsage(f"{text!r}: no such file")
    all_runs = {one.run_id: one for one in stored_runs(store)}
    if (found := only_id(text, list(all_runs))) is not None:
        return all_runs[found]
    newest = f"newest there: {next(iter(all_runs))}" if all_runs else "it has no run yet"
    raise WrongUsage(
        f"{text!r} is neither a file nor 'last', 'branch:NAME' or the beginning of a run's id in "
        f"{store} ({newest})"
    )
