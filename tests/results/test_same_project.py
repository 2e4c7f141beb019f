"""Whether two sessions measured the suite of one project."""

from __future__ import annotations

import pytest

from pytest_modelbench.results.project import Project, is_same_project, is_same_suite_file

ONE, OTHER = "1" * 40, "2" * 40
HERE, THERE = "example.org/here", "example.org/there"


def project(first_commit: str | None, remote: str | None, root: str = "/src") -> Project:
    return Project(root=root, first_commit=first_commit, remote=remote)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (project(ONE, None), project(ONE, HERE), True),  # a clone of a clone
        (project(ONE, HERE), project(ONE, THERE), True),  # a fork
        (project(None, HERE), project(ONE, HERE), True),  # a shallow clone
        (project(ONE, HERE), project(OTHER, HERE), True),  # its history was written anew
        (project(ONE, HERE), project(OTHER, THERE), False),
        (project(ONE, None), project(OTHER, None), False),
        (project(None, HERE), project(None, THERE), False),
        (project(ONE, None), project(None, HERE), None),
        (project(ONE, None), None, None),
        (None, None, None),
    ],
)
def test_by_the_first_commit_or_the_remote(
    one: Project | None, other: Project | None, same: bool | None
) -> None:
    assert is_same_project(one, other) is same
    assert is_same_project(other, one) is same


def test_in_two_clones_a_suite_is_known_by_its_path_within() -> None:
    one, other = project(ONE, None, "/a"), project(ONE, None, "/home/b")
    assert is_same_suite_file(one, "/a/x/s.json", other, "/home/b/x/s.json")
    assert not is_same_suite_file(one, "/a/x/s.json", other, "/home/b/y/s.json")


def test_elsewhere_it_is_known_by_its_whole_path() -> None:
    assert is_same_suite_file(None, "/a/s.json", None, "/a/s.json")
    assert not is_same_suite_file(None, "/a/s.json", None, "/b/s.json")
    # A repository was made of the folder in the meantime.
    assert is_same_suite_file(None, "/a/s.json", project(ONE, None, "/a"), "/a/s.json")


def test_two_projects_at_one_place_are_two() -> None:
    """As in containers, which mount each at the same path."""
    one, other = project(ONE, None, "/there"), project(OTHER, None, "/there")
    assert not is_same_suite_file(one, "/there/s.json", other, "/there/s.json")
    # What is installed for both is one suite.
    assert is_same_suite_file(one, "/lib/s.json", other, "/lib/s.json")
