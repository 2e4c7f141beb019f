"""Revisions of repositories that tests make."""

from __future__ import annotations

from pathlib import Path

from pytest_modelbench.git import git

AUTHOR = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")


def commit_all(folder: Path, message: str = "some") -> str:
    """All that is there, as the next revision; its hash."""
    git(folder, "add", "-A")
    git(folder, *AUTHOR, "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD")
