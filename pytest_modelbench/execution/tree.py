"""A repository's working tree, and the worktree of a revision that stands for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_OF_PACKAGES = ("site-packages", "dist-packages")


class Tree(NamedTuple):
    """What lies in the first directory is taken from the second."""

    repository: str
    worktree: str
    revision: str = "the revision"
    """What it is called, for people."""

    def within_worktree(self, file: str) -> Path | None:
        """Where in the worktree `file` lies; None for a file outside of it."""
        path = Path(file)
        return path.relative_to(self.worktree) if path.is_relative_to(self.worktree) else None

    def within(self, file: str) -> Path | None:
        """Where in the working tree `file` lies.

        None outside of it, in the worktree (which may be inside), and in an environment, such as
        a `.venv` in the repository: its packages are installed, and are nobody's revision.
        """
        return _within(self, os.path.abspath(file))  # noqa: PTH100 - as the path is written

    def counterpart(self, file: str) -> str | None:
        """What stands for `file` in the worktree; None where nothing does, or nothing need."""
        inside = self.within(file)
        if inside is None:
            return None
        other = Path(self.worktree) / inside
        return str(other) if other.exists() else None

    def import_path(self, entries: Iterable[str]) -> list[str]:
        """An import path of the working tree as it is for the worktree.

        What the revision has not is left out.
        """
        found = []
        for entry in entries:
            here = entry if self.within(entry) is None else self.counterpart(entry)
            if here is not None and here not in found:
                found.append(here)
        return found


@lru_cache(maxsize=4096)
def _within(tree: Tree, path: str) -> Path | None:
    if _position(tree.worktree, path) is not None:
        return None
    inside = _position(tree.repository, path)
    if inside is None or any(part in _OF_PACKAGES for part in inside.parts):
        return None
    for prefix in (sys.prefix, sys.base_prefix):
        at = _position(tree.repository, prefix)
        # An environment that is the repository itself, or has it inside, says nothing.
        if at not in (None, Path()) and inside.is_relative_to(at):
            return None
    return inside


def _position(root: str, path: str) -> Path | None:
    """Of `path` in `root`, whatever links lead there. Links within it are places of it."""
    root = os.path.realpath(root)
    for parent in (Path(path), *Path(path).parents):
        if os.path.realpath(parent) == root:
            return Path(path).relative_to(parent)
    resolved = Path(os.path.realpath(path))
    return resolved.relative_to(root) if resolved.is_relative_to(root) else None
