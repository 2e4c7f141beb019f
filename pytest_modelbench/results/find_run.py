"""The run that a person names: a file, the newest one, a branch's newest, or an id."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_modelbench.documents.problems import DocumentError
from pytest_modelbench.errors import ModelbenchError, WrongUsage
from pytest_modelbench.paths import path_from
from pytest_modelbench.results.run import BenchmarkRun
from pytest_modelbench.results.store import dir_option, runs_folder
from pytest_modelbench.runs.folder import CLOSED, RUN_FILE, RUN_ID, RunFolder, run_folders

LAST, BRANCH = "last", "branch:"
MOST_NAMED = 3
_HEAD_BYTES = 16_384
"""Enough for the metadata, which is the second thing in a run file."""


def find_run(
    text: str,
    folder: Path | None = None,
    base_dir: Path | None = None,
    suites: Collection[str] = (),
    not_this: Path | None = None,
) -> tuple[Path, BenchmarkRun]:
    """The run that `text` names, and its file.

    `last` is the newest run in `folder` (the user's runs), `branch:NAME` the newest of that git
    branch, of files without uncommitted changes where there is one; both pass over dry runs, quick
    runs, files that cannot be used, and runs without all of `suites`. Anything else is a file,
    relative to `base_dir`, or the id of a run in `folder`, or its beginning. `not_this` is no
    answer: the file that a session is about to write. Raises `ModelbenchError`.
    """
    folder = folder or runs_folder()
    if is_choice(text):
        return _newest(text, folder, not_this, frozenset(suites))
    path = path_from(text, base_dir or Path.cwd())
    if path.is_dir():
        path = _file_in(path, text)
    if not path.is_file():
        path = _file_of_id(text, folder)
    if _is_same(path, not_this):
        raise WrongUsage(
            f"{text!r} is the file that this session writes its own run to: give another one"
        )
    return path, usable_run(path)


def is_choice(text: str) -> bool:
    """Whether it names no run, but which of them: `last`, or `branch:NAME`."""
    return text == LAST or text.startswith(BRANCH)


def _file_in(path: Path, text: str) -> Path:
    """The run file of a run's directory."""
    folder = RunFolder(path)
    if folder.run_file.is_file():
        return folder.run_file
    if folder.journals.is_dir():
        raise WrongUsage(_without_file(text, text))
    raise WrongUsage(f"{text!r} is a directory: name a run file, or the directory of a run")


def _without_file(text: str, recovered: str) -> str:
    return (
        f"{text!r}: its session has not ended, or was killed: modelbench recover {recovered} makes "
        "its run file"
    )


def _is_same(file: Path, other: Path | None) -> bool:
    return other is not None and file.name == other.name and file.resolve() == other.resolve()


def run_files(folder: Path) -> list[Path]:
    """The run files in `folder`, newest first: those of runs' directories, and files called by ids.

    A session that is running, or that was killed, has none.
    """
    open_ones = (one for one in run_folders(folder) if not one.is_closed())
    own = [one.run_file for one in open_ones if one.run_file.exists()]
    copies = [one for one in folder.glob("benchmark_*.json") if RUN_ID.fullmatch(one.stem)]
    return sorted([*own, *copies], key=id_of, reverse=True)


def id_of(file: Path) -> str:
    """The id of the run in a file of `run_files`."""
    return file.parent.name if file.name == RUN_FILE else file.stem


def folder_of(file: Path) -> Path:
    """Where runs beside the one in `file` are."""
    return file.parent.parent if file.name == RUN_FILE else file.parent


def read_run(file: Path) -> BenchmarkRun | None:
    """The run in `file`, read in the fastest way; None when it cannot be used."""
    try:
        return BenchmarkRun.model_validate_json(file.read_bytes().removeprefix(BOM_UTF8))
    except (OSError, ValidationError):
        return None


def _newest(
    text: str, folder: Path, not_this: Path | None, suites: frozenset[str]
) -> tuple[Path, BenchmarkRun]:
    faulty: list[Path] = []
    for file, run in runs_in_order(text, folder, not_this, faulty):
        if suites <= {suite.id for suite in run.suites}:
            return file, run
    wanted = f" of suite {', '.join(sorted(suites))}" if suites else " that can be read"
    raise WrongUsage(nothing_found(text, folder, wanted, not_this, faulty))


def runs_in_order(
    text: str,
    folder: Path,
    not_this: Path | None = None,
    faulty: list[Path] | None = None,
    is_wanted: Callable[[Mapping[str, Any]], bool] = lambda _: True,
) -> Iterator[tuple[Path, BenchmarkRun]]:
    """The runs that `last` or `branch:NAME` may mean, first of all the best choice.

    They are read one by one, and of most files no more than the beginning. `faulty` gets those
    that cannot be read; `is_wanted` looks at a run's metadata.
    """
    branch = text.removeprefix(BRANCH) if text != LAST else None
    unread = [] if faulty is None else faulty
    dirty: list[Path] = []
    files = [file for file in run_files(folder) if not _is_same(file, not_this)]
    for file, metadata in _heads(files, unread):
        if (branch is not None and metadata.get("git_branch") != branch) or not is_wanted(metadata):
            continue
        if branch is not None and metadata.get("git_dirty"):
            dirty.append(file)
        else:
            yield from _read([file], unread)
    yield from _read(dirty, unread)


def _read(files: Iterable[Path], faulty: list[Path]) -> Iterator[tuple[Path, BenchmarkRun]]:
    for file in files:
        if (run := read_run(file)) is not None:
            yield file, run
        else:
            faulty.append(file)


def _heads(
    files: list[Path], faulty: list[Path] | None = None
) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Each file that is neither a dry run nor a quick one, with the metadata in it.

    `faulty` gets those without any.
    """
    for file in files:
        metadata = _metadata(file)
        if metadata is None:
            if faulty is not None:
                faulty.append(file)
        elif not metadata.get("dry_run") and not metadata.get("quick"):
            yield file, metadata


def _metadata(file: Path) -> Mapping[str, Any] | None:
    """Of a run file as this package writes it without reading the rest; None if it is none."""
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD_BYTES).decode("utf-8", "ignore")
        value = json.JSONDecoder().raw_decode(head.partition('"metadata":')[2].lstrip())[0]
        if "run_id" in value:
            return dict(value)
    except (OSError, ValueError, TypeError):
        pass
    run = read_run(file)  # its keys are in another order, or it is no run
    return run.metadata.model_dump() if run else None


def _that_cannot_be_read(faulty: Collection[Path]) -> str:
    """Of files that are called like runs, as the end of a sentence: how many, and why not."""
    if not faulty:
        return ""
    newest = max(faulty)
    first = fault_of(newest) or f"{newest}: it was being written"
    if len(faulty) == 1:
        return f"; 1 run file there cannot be read: {first}"
    return f"; {len(faulty)} run files there cannot be read, the newest: {first}"


def nothing_found(
    text: str,
    folder: Path,
    wanted: str,
    not_this: Path | None = None,
    faulty: Collection[Path] = (),
) -> str:
    """Why `last` or `branch:NAME` is no run; `wanted` says what none of them is."""
    branch = text.removeprefix(BRANCH) if text != LAST else None
    unread = _that_cannot_be_read(faulty)
    files = [file for file in run_files(folder) if not _is_same(file, not_this)]
    found = [str(metadata.get("git_branch")) for _, metadata in _heads(files)]
    if not found:
        return f"{text}: there is no run in {folder} yet: {_how_to_make_one(folder)}{unread}"
    there_are = "there is 1 run" if len(found) == 1 else f"there are {len(found)} runs"
    if branch is None or branch in found:
        how = _how_to_make_one(folder)
        return f"{text}: {there_are} in {folder}, but none{wanted}: {how}{unread}"
    known = [name for name in dict.fromkeys(found) if name != "None"]
    named = ", ".join(known[:MOST_NAMED]) or "none in a git repository"
    return (
        f"{text}: {there_are} in {folder}, but none of branch {branch!r} (newest: {named}){unread}"
    )


def _how_to_make_one(folder: Path) -> str:
    there = dir_option(folder, "--suite-output-dir")
    return (
        "a session with --suite and without --suite-dry-run or --suite-quick makes one "
        f"(pytest --suite=quickstart{there})"
    )


def _file_of_id(text: str, folder: Path) -> Path:
    """The only file in `folder` whose name begins with `text`."""
    if "/" in text or text.endswith(".json") or not text:
        raise WrongUsage(f"{text!r}: no such file")
    files = {id_of(file): file for file in reversed(run_files(folder))}  # a run and its copy once
    ids = list(files)[::-1]
    if (found := only_id(text, ids)) is not None:
        return files[found]
    folders = list(run_folders(folder))
    closed = [one.run_id for one in folders if one.is_closed()]
    if (unread := only_id(text, closed)) is not None:
        raise WrongUsage(f"{unread}: {CLOSED}")
    others = [one.run_id for one in folders if not one.is_closed() and one.journals.is_dir()]
    if (unended := only_id(text, others)) is not None:
        raise WrongUsage(_without_file(text, f"{unended}{dir_option(folder)}"))
    newest = f"newest there: {ids[0]}" if ids else ""
    there = newest or f"it has no run yet: {_how_to_make_one(folder)}"
    raise WrongUsage(
        f"{text!r} is neither a file nor 'last', 'branch:NAME' or the beginning of a run's id in "
        f"{folder} ({there})"
    )


def only_id(text: str, ids: Sequence[str], option: str = "") -> str | None:
    """The one of `ids`, newest first, that begins with `text`; None where there is none.

    Raises `ModelbenchError`, which begins with the `option` that has the text, where there are
    several.
    """
    fitting = [one for one in ids if one.startswith(text)]
    if len(fitting) > 1:
        shown = ", ".join(fitting[:MOST_NAMED])
        raise WrongUsage(
            f"{option and option + ' '}{text!r} is the beginning of {len(fitting)} runs (newest: "
            f"{shown}): write more of it"
        )
    return fitting[0] if fitting else None


def usable_run(path: Path) -> BenchmarkRun:
    """The run in a file. Raises `ModelbenchError` where there is none that tells anything."""
    run = loaded_run(path)
    if run.metadata.dry_run:
        raise WrongUsage(f"{path}: a dry run, in which nothing was measured: name another run")
    if run.metadata.quick:
        raise WrongUsage(f"{path}: a quick run, whose figures say nothing: name another run")
    return run


def loaded_run(path: Path) -> BenchmarkRun:
    """The run in a file, whatever it is. Raises `ModelbenchError`, which tells the first fault."""
    try:
        return BenchmarkRun.load(path)
    except DocumentError as error:
        raise ModelbenchError(f"not a run that can be read: {_shown(path, error)}") from None


def fault_of(path: Path) -> str:
    """The first thing that is wrong with a run file; empty where it can be read after all."""
    try:
        BenchmarkRun.load(path)
    except DocumentError as error:
        return _shown(path, error)
    return ""


def _shown(path: Path, error: DocumentError) -> str:
    """The first fault, and how to see the others."""
    first, *others = error.problems
    more = f" (and {len(others)} more: modelbench validate {path})" if others else ""
    return f"{first}{more}"
