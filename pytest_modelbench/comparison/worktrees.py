"""Worktrees of revisions, made ready by the suite's commands, and kept for the next time."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from pytest_modelbench.comparison.setup_commands import run_setup
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.locks import SharedLock
from pytest_modelbench.folders import cache_folder
from pytest_modelbench.git import add_worktree, git, remove_worktree
from pytest_modelbench.submodules import add_submodules
from pytest_modelbench.suite.compare import Revisions

MOST_KEPT = 6
"""Worktrees of a repository; those used longest ago are removed for new ones, unless in use. Of
those that could not be made ready one is kept: the last, with what its setup said."""


@contextmanager
def ready_worktree(
    repository: Path, commit: str, revisions: Revisions, called: str = ""
) -> Iterator[Path]:
    """The worktree of `commit`, on which every command of `revisions.setup` has succeeded.

    One that an earlier session made for the same commit and commands is taken as it is. Nobody
    removes it meanwhile, not even where what runs in it has changed a file of it.

    Raises `ModelbenchError` naming the command that failed, and the revision as it is `called`.
    """
    folder = worktrees_folder(repository) / _name(commit, revisions)
    with ExitStack() as leaving:
        try:
            use = _in_use(folder)
            leaving.callback(use.release)
            with FileLock(_beside(folder, "lock")):  # others wait, and then take it as it is
                use.share()
                if not _is_ready(folder):
                    use.release()
                    if use.take(wait=False):  # else others run in it: it is taken as it is
                        _make(repository, folder, commit, revisions, called or commit[:12])
                        use.release()
                    use.share()
                os.utime(_beside(folder, "ready"))
        except OSError as error:
            raise ModelbenchError(f"the worktree {folder} cannot be made: {error}") from None
        yield folder


def worktrees_folder(repository: Path) -> Path:
    """Where the worktrees of a repository are, in the cache folder."""
    digest = hashlib.blake2b(os.fsencode(repository), digest_size=6).hexdigest()
    return cache_folder() / "worktrees" / f"{repository.name}-{digest}"


def _name(commit: str, revisions: Revisions) -> str:
    """What a setup makes depends on the interpreter, and on the version it is to install."""
    made_by = (version("pytest-modelbench"), sys.executable, *revisions.setup)
    digest = hashlib.blake2b(os.fsencode("\0".join(made_by)), digest_size=4).hexdigest()
    return f"{commit[:12]}-{digest}"


def _beside(folder: Path, kind: str) -> Path:
    """Our files are not in the worktree, where they would be a change of it."""
    return folder.parent / f"{folder.name}.{kind}"


def _in_use(folder: Path) -> SharedLock:
    """Shared by who uses the worktree, for as long; held alone by who removes it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    return SharedLock(_beside(folder, "use"))


def _is_ready(folder: Path) -> bool:
    """The folder itself may have been deleted by hand, or its files changed."""
    if not _beside(folder, "ready").is_file() or not (folder / ".git").exists():
        return False
    try:
        return _beside(folder, "ready").read_text() == _state(folder)
    except ModelbenchError:
        return False


def _state(folder: Path) -> str:
    """The commit and which tracked files differ from it; what the setup changed belongs to it."""
    changed = git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{git(folder, 'rev-parse', 'HEAD')}\n{changed}\n"


def _make(repository: Path, folder: Path, commit: str, revisions: Revisions, called: str) -> None:
    _remove(repository, folder)
    _make_room(repository, folder.parent)
    add_worktree(repository, commit, folder)
    lacking = add_submodules(repository, folder)
    if lacking and not revisions.setup:  # which may well fetch them
        raise ModelbenchError(
            f"{called} wants submodules at commits that your checkout has not: "
            f"{', '.join(lacking)}; fetch them there, or by compare.revisions.setup (git submodule "
            "update --init --recursive)"
        )
    try:
        run_setup(folder, called, revisions, _beside(folder, "log"))
    except ModelbenchError:
        _make_room(repository, folder.parent, for_how_many=0)
        raise
    _beside(folder, "ready").write_text(_state(folder))


def _make_room(repository: Path, parent: Path, for_how_many: int = 1) -> None:
    ready = sorted(parent.glob("*.ready"), key=_last_used)
    surplus = len(ready) - MOST_KEPT + for_how_many
    for marker in ready:
        if surplus > 0 and _evicted(repository, marker.with_suffix("")):
            surplus -= 1
    for folder in _not_ready(parent)[:-1]:
        _evicted(repository, folder)


def _not_ready(parent: Path) -> list[Path]:
    """Worktrees whose setup failed, was killed or is under way, the last one last."""
    folders = [one for one in parent.iterdir() if one.is_dir()]
    return sorted(
        (one for one in folders if not _beside(one, "ready").exists()),
        key=lambda one: max(_last_used(one), _last_used(_beside(one, "log"))),
    )


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # there is none, or another session has just removed it
        return 0.0


def _evicted(repository: Path, folder: Path) -> bool:
    """Whether it is gone: nobody uses it."""
    use = _in_use(folder)
    if not use.take(wait=False):
        return False
    try:
        _remove(repository, folder)
    finally:
        use.release()
    return True


def _remove(repository: Path, folder: Path) -> None:
    for kind in ("ready", "log"):
        _beside(folder, kind).unlink(missing_ok=True)
    if folder.exists():
        with suppress(ModelbenchError):  # of a repository that was moved or made anew
            remove_worktree(repository, folder)
        shutil.rmtree(folder, ignore_errors=True)
