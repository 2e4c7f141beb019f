"""Which project a run was made in, so that a suite is not taken for another one of its name."""

from __future__ import annotations

from pathlib import PurePath

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.results.fields import GitSha, Text


class Project(StrictModel):
    """The git repository of a session's root directory."""

    root: Text
    """Where it is checked out."""
    first_commit: GitSha | None
    """The oldest commit without a parent: the same in every clone and fork. None where it is not
    known, as in a shallow clone."""
    remote: Text | None
    """The address of `origin`, or of the first other remote, without scheme, user and password;
    None where there is none."""


def is_same_project(one: Project | None, other: Project | None) -> bool | None:
    """None where that cannot be known."""
    if one is None or other is None:
        return None
    remotes = (one.remote, other.remote)
    have_remotes = None not in remotes
    if have_remotes and remotes[0] == remotes[1]:
        return True
    commits = (one.first_commit, other.first_commit)
    if None not in commits:
        return commits[0] == commits[1]
    return False if have_remotes else None


def is_same_suite_file(
    one: Project | None, file: str, other: Project | None, other_file: str
) -> bool:
    """Whether two sessions measured the suite in the same place, each in its own project.

    In two clones of one repository that is the path within it, elsewhere the whole path.
    """
    within = (path_within(one, file), path_within(other, other_file))
    known = is_same_project(one, other)
    if known and None not in within:
        return within[0] == within[1]
    if known is False and within != (None, None):
        return False
    return file == other_file


def path_within(project: Project | None, file: str) -> PurePath | None:
    """Where `file` is in the repository; None for one outside of it."""
    if project is None:
        return None
    path = PurePath(file)
    return path.relative_to(project.root) if path.is_relative_to(project.root) else None
