"""The submodules of a worktree, from what the user's checkout has of them: never by network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.git import GitFailed, git, why_not_trusted

_SECONDS = 600.0


def add_submodules(repository: Path, folder: Path) -> list[str]:
    """Check out the submodules of `folder`, a worktree of `repository`, and those within them.

    Each is a clone that shares the objects of the one in `repository`, in which nothing is
    changed. One that was never fetched there stays an empty directory, as it is there. Returns
    what has been fetched there, but not so far as to have the commit that is wanted: its path and
    the commit. Raises `ModelbenchError`.
    """
    return list(_added(_modules_of(repository), repository, folder, ""))


def _modules_of(repository: Path) -> Path:
    """Where git keeps the repositories of submodules."""
    return repository / git(repository, "rev-parse", "--git-path", "modules")


def _added(modules: Path, checkout: Path | None, folder: Path, inside: str) -> Iterator[str]:
    """`checkout` is that of the user, where submodules may have a repository within."""
    for name, path in _named(folder):
        source = next(filter(Path.is_dir, _sources(modules, checkout, name, path)), None)
        commit = _commit(folder, path)
        if source is None or commit is None:
            continue
        place = folder / path
        try:
            git(source, "cat-file", "-e", commit)
        except GitFailed as failure:
            if why := why_not_trusted(failure, f"submodule {inside}{path}"):
                raise ModelbenchError(why) from None
            yield f"{inside}{path} ({commit[:12]})"
            continue
        clone = ("clone", "-q", "--shared", "--no-checkout", str(source), str(place))
        git(folder, *clone, seconds=_SECONDS)
        git(place, "checkout", "-q", "--detach", commit, seconds=_SECONDS)
        below = checkout / path if checkout is not None else None
        yield from _added(source / "modules", below, place, f"{inside}{path}/")


def _sources(modules: Path, checkout: Path | None, name: str, path: str) -> Iterator[Path]:
    yield modules / name
    if checkout is not None:  # of a submodule that was cloned by hand, or long ago
        yield checkout / path / ".git"


def _named(folder: Path) -> Iterator[tuple[str, str]]:
    """The name and path of every submodule."""
    if not (folder / ".gitmodules").is_file():
        return
    with suppress(GitFailed):  # a file without any
        lines = git(folder, "config", "-z", "--file", ".gitmodules", "--get-regexp", r"\.path$")
        for line in filter(None, lines.split("\0")):
            key, _, path = line.partition("\n")
            yield key.removeprefix("submodule.").removesuffix(".path"), path


def _commit(folder: Path, path: str) -> str | None:
    """That the revision wants; None where there is no submodule of that path."""
    try:
        return git(folder, "rev-parse", "--verify", "-q", f"HEAD:{path}")
    except GitFailed:
        return None
