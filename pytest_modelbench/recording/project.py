"""What is known of the git repository that a session is in."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from pytest_modelbench.errors import ModelbenchError, encodable
from pytest_modelbench.git import git
from pytest_modelbench.results.project import Project

_SECONDS = 5.0
_WALK_SECONDS = 1.0
"""For walking the whole history, which every session would wait for."""
_LIKE_SCP = re.compile(r"(?:[^/@]+@)?(?P<host>[^/:]{2,}):(?!//)(?P<path>.+)")
"""`git@host:owner/name`; a single letter before the colon is a drive."""


def project_of(folder: Path) -> Project | None:
    """The repository that `folder` is in; None outside of any, or without git."""
    try:
        root, _, shallow = _git(
            folder, "rev-parse", "--show-toplevel", "--is-shallow-repository"
        ).rpartition("\n")
    except ModelbenchError:
        return None
    return Project(
        root=encodable(root),
        first_commit=_first_commit(folder) if shallow == "false" else None,
        remote=_remote(folder, root),
    )


def _first_commit(folder: Path) -> str | None:
    try:
        found = git(folder, "rev-list", "--max-parents=0", "HEAD", seconds=_WALK_SECONDS)
    except ModelbenchError:  # there is none yet, or the history is too long to walk in time
        return None
    return found.split()[-1] if found else None


def _remote(folder: Path, root: str) -> str | None:
    try:
        lines = _git(folder, "config", "--get-regexp", r"^remote\..*\.url$").splitlines()
    except ModelbenchError:  # there is none
        return None
    urls = dict(line.split(" ", 1) for line in reversed(lines) if " " in line)
    url = urls.get("remote.origin.url") or next(reversed(urls.values()), "")
    return encodable(plain_address(url, root)) or None


def plain_address(url: str, root: str = ".") -> str:
    """The same text for all the ways in which a remote can be written.

    >>> plain_address("git@example.org:team/models.git")
    'example.org/team/models'
    >>> plain_address("https://user:secret@example.org/team/models/")
    'example.org/team/models'
    """
    if "://" in url:
        try:
            parts = urlsplit(url)
            host, path = parts.hostname or "", parts.path
        except ValueError:
            return ""
    elif found := _LIKE_SCP.fullmatch(url):
        host, path = found["host"], found["path"]
    else:
        host, path = "", str(Path(root, url).resolve())
    path = path.rstrip("/").removesuffix(".git").rstrip("/")
    return f"{host.lower()}/{path.lstrip('/')}" if host else path


def _git(folder: Path, *arguments: str) -> str:
    return git(folder, *arguments, seconds=_SECONDS, errors="surrogateescape")
