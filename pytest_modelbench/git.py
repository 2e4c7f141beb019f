"""The little of git that is needed: what a revision is, and a worktree of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError, encodable

_SECONDS = 30.0
_MERGE_BASE = "merge-base:"
# Set by git for its hooks, these would send every command to another repository.
OF_HOOKS = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
)


def repository_of(folder: Path) -> Path | None:
    """The root of the repository that `folder` is in; None outside of any, or without git."""
    try:
        return Path(git(folder, "rev-parse", "--show-toplevel", errors="surrogateescape"))
    except ModelbenchError:
        return None


def commit_of(repository: Path, revision: str) -> str:
    """The commit that `revision` names; `merge-base:main` is where HEAD left `main`.

    Raises `ModelbenchError` for what names none, saying which branches there are.
    """
    try:
        if revision.startswith(_MERGE_BASE):
            other = commit_of(repository, revision.removeprefix(_MERGE_BASE))
            return git(repository, "merge-base", "HEAD", other)
        return git(repository, "rev-parse", "--verify", "--end-of-options", revision + "^{commit}")
    except ModelbenchError:
        hint = ""
        if (repository / ".git" / "shallow").exists():
            hint = "; this clone is shallow: fetch the history (actions/checkout: fetch-depth: 0)"
        raise ModelbenchError(
            f"{revision!r} is no revision of {encodable(str(repository))} "
            f"(branches: {_branches(repository)}){hint}"
        ) from None


def _branches(repository: Path) -> str:
    try:
        names = git(repository, "branch", "--all", "--format=%(refname:short)").split()
    except ModelbenchError:
        names = []
    return ", ".join(names[:10]) or "none"


def add_worktree(repository: Path, commit: str, folder: Path) -> None:
    """Check `commit` out into `folder`, which must not exist. Raises `ModelbenchError`.

    It may be known to git from before, and have been deleted since.
    """
    git(repository, "worktree", "add", "--detach", "--force", str(folder), commit, seconds=600)


def remove_worktree(repository: Path, folder: Path) -> None:
    """Remove a worktree whatever was written into it. Raises `ModelbenchError`."""
    git(repository, "worktree", "remove", "--force", "--force", str(folder), seconds=600)


def git(folder: Path, *arguments: str, seconds: float = _SECONDS, errors: str = "replace") -> str:
    """What git says, stripped. Raises `ModelbenchError` with its own words when it fails.

    `errors` is what becomes of what is not UTF-8: replaced, as text may be, or as paths need it.
    """
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors=errors,
            timeout=seconds,
            check=False,
            env={name: value for name, value in os.environ.items() if name not in OF_HOOKS},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ModelbenchError(f"{_shown(command)} cannot be run: {error}") from None
    if done.returncode != 0:
        said = encodable(" ".join(done.stderr.split()))
        raise ModelbenchError(f"{_shown(command)} failed: {said}")
    return done.stdout.strip()


def _shown(command: Sequence[str]) -> str:
    return encodable(" ".join(command))
