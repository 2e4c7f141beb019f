"""Worktrees of revisions, made ready by the suite's commands, and kept for the next time."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.folders import cache_folder
from pytest_modelbench.git import add_worktree, git, remove_worktree
from pytest_modelbench.suite.compare import Revisions

MOST_KEPT = 6
"""Worktrees of a repository; those used longest ago are removed for new ones."""
_READY = ".modelbench-ready"
_LOG = ".modelbench-setup.log"
_LAST_CHARACTERS = 300


def ready_worktree(repository: Path, commit: str, revisions: Revisions) -> Path:
    """The worktree of `commit`, on which every command of `revisions.setup` has succeeded.

    One that an earlier session made for the same commit and commands is taken as it is. Raises
    `ModelbenchError` naming the command that failed.
    """
    folder = worktrees_folder(repository) / _name(commit, revisions)
    with _locked(folder):
        if not (folder / _READY).is_file():
            _remove(repository, folder)
            _make_room(repository, folder.parent)
            add_worktree(repository, commit, folder)
            _set_up(folder, commit, revisions)
            _keep_out_of_git(folder)
            (folder / _READY).write_text(f"{commit}\n")
        os.utime(folder / _READY)
    return folder


def worktrees_folder(repository: Path) -> Path:
    """Where the worktrees of a repository are, in the cache folder."""
    digest = hashlib.blake2b(os.fsencode(repository), digest_size=6).hexdigest()
    return cache_folder() / "worktrees" / f"{repository.name}-{digest}"


def _name(commit: str, revisions: Revisions) -> str:
    setup = hashlib.blake2b("\0".join(revisions.setup).encode(), digest_size=4).hexdigest()
    return f"{commit[:12]}-{setup}" if revisions.setup else commit[:12]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Other workers and sessions wait until it is ready, and then take it as it is."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        yield


def _set_up(folder: Path, commit: str, revisions: Revisions) -> None:
    end = time.monotonic() + revisions.timeout_seconds
    for command in revisions.setup:
        _run(command, folder, end, f"setup of {commit[:12]}: {command!r}")


def _run(command: str, folder: Path, end: float, what: str) -> None:
    log = folder / _LOG
    with log.open("ab") as stream:
        process = subprocess.Popen(
            command,
            shell=True,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=_environment(),
        )
        try:
            status = process.wait(max(0.0, end - time.monotonic()))
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise ModelbenchError(
                    f"{what} was not done in time (compare.revisions.timeout_seconds)"
                ) from None
            raise
    if status != 0:
        said = " ".join(log.read_text("utf-8", "replace").split())
        last = f"...{said[-_LAST_CHARACTERS:]}" if len(said) > _LAST_CHARACTERS else said
        raise ModelbenchError(f"{what} ended with status {status}: {last or 'it said nothing'}")


def _environment() -> dict[str, str]:
    """Without the session's virtual environment, into which the setup is not to install."""
    left_out = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTEST_CURRENT_TEST", "GIT_DIR")
    return {name: value for name, value in os.environ.items() if name not in left_out}


def _keep_out_of_git(folder: Path) -> None:
    """Our files are no change of the worktree, for what asks git for its version later."""
    with suppress(ModelbenchError, OSError):
        exclude = Path(git(folder, "rev-parse", "--git-path", "info/exclude"))
        exclude = exclude if exclude.is_absolute() else folder / exclude
        known = exclude.read_text() if exclude.is_file() else ""
        if "/.modelbench-*" not in known:
            exclude.parent.mkdir(parents=True, exist_ok=True)
            exclude.write_text(f"{known.rstrip()}\n/.modelbench-*\n".lstrip())


def _make_room(repository: Path, parent: Path) -> None:
    ready = sorted(parent.glob(f"*/{_READY}"), key=lambda file: file.stat().st_mtime)
    for marker in ready[: max(0, len(ready) - MOST_KEPT + 1)]:
        with FileLock(f"{marker.parent}.lock"), suppress(ModelbenchError):
            _remove(repository, marker.parent)


def _remove(repository: Path, folder: Path) -> None:
    if folder.exists():
        with suppress(ModelbenchError):  # of a repository that was moved or made anew
            remove_worktree(repository, folder)
        shutil.rmtree(folder, ignore_errors=True)
