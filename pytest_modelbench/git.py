"""The little of git that is needed: what a revision is, and a worktree of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
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


class GitFailed(ModelbenchError):  # noqa: N818 - it is what became of a command
    """A command of git ended with an error."""

    def __init__(self, command: Sequence[str], said: str) -> None:
        super().__init__(f"{_shown(command)} failed: {said}")
        self.said = said
        """Its own words, in one line."""


def repository_of(folder: Path) -> Path:
    """The root of the repository that `folder` is in.

    Raises `ModelbenchError` outside of any, without git, and where git does not trust what is
    another user's.
    """
    try:
        return Path(git(folder, "rev-parse", "--show-toplevel", errors="surrogateescape"))
    except GitFailed as failure:
        here = encodable(str(folder))
        if not any((one / ".git").exists() for one in (folder, *folder.parents)):
            raise ModelbenchError(f"{here} is in no git repository") from None
        if why := why_not_trusted(failure, here):
            raise ModelbenchError(why) from None
        raise ModelbenchError(f"{here} is in no usable git repository: {failure.said}") from None


def why_not_trusted(failure: GitFailed, here: str) -> str:
    """What to do about a repository of another user; empty where git has failed for another reason.

    `here` is where it is, for people.
    """
    asked = failure.said.partition("safe.directory ")[2]  # a key, in whatever language it is
    if not asked:
        return ""
    return (
        f"git leaves the repository of {here} alone, which belongs to another user (dubious "
        f"ownership); to allow it: git config --global --add safe.directory {asked}"
    )


def commit_of(repository: Path, revision: str) -> str:
    """The commit that `revision` names; `merge-base:main` is where HEAD left `main`.

    Raises `ModelbenchError` for what names none, saying which branches there are, and for branches
    that have nothing in common.
    """
    if revision.startswith(_MERGE_BASE):
        name = revision.removeprefix(_MERGE_BASE)
        return _merge_base(repository, name, commit_of(repository, name))
    if not revision.startswith("-"):  # which git would take for an option
        with suppress(GitFailed):
            return git(repository, "rev-parse", "--verify", revision + "^{commit}")
    raise ModelbenchError(
        f"{revision!r} is no revision of {encodable(str(repository))} "
        f"(branches: {_branches(repository)}){_if_shallow(repository)}"
    )


def _merge_base(repository: Path, name: str, commit: str) -> str:
    try:
        return git(repository, "merge-base", "HEAD", commit)
    except GitFailed as failure:
        if failure.said:
            raise
        raise ModelbenchError(
            f"{_MERGE_BASE + name!r}: HEAD and {name} have no common commit in "
            f"{encodable(str(repository))}{_if_shallow(repository)}"
        ) from None


def _if_shallow(repository: Path) -> str:
    """What to do about it, where a part of the history is missing."""
    try:
        is_shallow = git(repository, "rev-parse", "--is-shallow-repository") == "true"
    except ModelbenchError:
        is_shallow = False
    if not is_shallow:
        return ""
    return "; this clone is shallow: fetch the history (actions/checkout: fetch-depth: 0)"


def _branches(repository: Path) -> str:
    try:
        # Not `git branch`, to which a detached HEAD is one, called by a sentence.
        places = ("refs/heads", "refs/remotes")
        names = git(repository, "for-each-ref", "--format=%(refname:short)", *places).splitlines()
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
    """What git says, stripped. Raises `GitFailed` with its own words when it fails, and
    `ModelbenchError` where there is no git.

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
    except FileNotFoundError:
        raise ModelbenchError("there is no git on PATH: install it") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise ModelbenchError(f"{_shown(command)} cannot be run: {error}") from None
    if done.returncode != 0:
        raise GitFailed(command, encodable(" ".join(done.stderr.split())))
    return done.stdout.strip()


def _shown(command: Sequence[str]) -> str:
    return encodable(" ".join(command))
