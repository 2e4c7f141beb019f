"""What tells a project from another one."""

from __future__ import annotations

from pathlib import Path

import pytest
from revisions import commit_all

from pytest_modelbench.git import git
from pytest_modelbench.recording.project import plain_address, project_of
from pytest_modelbench.results.project import is_same_project


@pytest.fixture(name="origin")
def a_repository_of_two_commits(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "trunk")
    for text in "ab":
        (folder / "file").write_text(text)
        commit_all(folder)
    return folder


def test_outside_a_repository_there_is_none(tmp_path: Path) -> None:
    assert project_of(tmp_path) is None


def test_before_the_first_commit_little_is_known(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    found = project_of(tmp_path)
    assert found is not None
    assert (found.root, found.first_commit, found.remote) == (str(tmp_path), None, None)


def test_clones_share_their_first_commit(origin: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(origin), "clone")
    (tmp_path / "clone" / "sub").mkdir()
    one, other = project_of(origin), project_of(tmp_path / "clone" / "sub")
    assert one is not None
    assert other is not None
    assert other.root == str(tmp_path / "clone")
    assert one.first_commit == other.first_commit == git(origin, "rev-parse", "HEAD~1")
    assert (one.remote, other.remote) == (None, str(origin))
    assert is_same_project(one, other)


def test_a_shallow_clone_knows_its_remote_alone(origin: Path, tmp_path: Path) -> None:
    """As CI checks out; its oldest commit is not the first."""
    for name, *depth in (("whole",), ("shallow", "--depth=1")):
        git(tmp_path, "clone", "-q", *depth, origin.as_uri(), name)
    whole, shallow = (project_of(tmp_path / name) for name in ("whole", "shallow"))
    assert shallow is not None
    assert (shallow.first_commit, shallow.remote) == (None, str(origin))
    assert is_same_project(whole, shallow)


def test_origin_comes_before_other_remotes(origin: Path) -> None:
    git(origin, "remote", "add", "a", "https://example.org/a")
    assert (found := project_of(origin)) is not None
    assert found.remote == "example.org/a"
    git(origin, "remote", "add", "origin", "https://me:secret@example.org/b.git")
    assert (found := project_of(origin)) is not None
    assert found.remote == "example.org/b"


@pytest.mark.parametrize(
    "url",
    [
        "https://Example.org/team/models.git",
        "https://user:secret@example.org/team/models/",
        "ssh://git@example.org:22/team/models.git",
        "git@example.org:team/models.git",
        "example.org:/team/models",
    ],
)
def test_an_address_is_the_same_however_it_is_written(url: str) -> None:
    assert plain_address(url) == "example.org/team/models"
