"""Submodules of worktrees, in real repositories and without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from revisions import commit_all

from pytest_modelbench.git import add_worktree, git
from pytest_modelbench.submodules import add_submodules

FROM_FILES = ("-c", "protocol.file.allow=always")


def repository(folder: Path, text: str) -> Path:
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return changed(folder, text)


def changed(folder: Path, text: str) -> Path:
    (folder / "file.txt").write_text(text)
    commit_all(folder, text)
    return folder


def with_submodule(folder: Path, source: Path, path: str) -> Path:
    git(folder, *FROM_FILES, "submodule", "add", "-q", str(source), path)
    git(folder, *FROM_FILES, "submodule", "update", "-q", "--init", "--recursive")
    commit_all(folder)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """With a submodule at its first commit, in which there is another one."""
    within = repository(tmp_path / "within", "inner")
    source = with_submodule(repository(tmp_path / "source", "one"), within, "deep/er")
    return with_submodule(repository(tmp_path / "project", "whole"), source, "parts/lib")


def worktree(project: Path, revision: str = "HEAD") -> Path:
    folder = project.parent / "tree"
    add_worktree(project, git(project, "rev-parse", revision), folder)
    return folder


def test_the_submodules_of_a_worktree_are_those_of_its_revision(
    project: Path, tmp_path: Path
) -> None:
    lib = project / "parts" / "lib"
    changed(lib, "two")
    commit_all(project, "with the newer one")
    for gone in ("source", "within"):  # nothing is fetched from where they came
        (tmp_path / gone).rename(tmp_path / f"{gone}-gone")
    before = git(project, "status", "--porcelain"), git(project, "config", "--list", "--local")
    folder = worktree(project, "HEAD~1")
    assert add_submodules(project, folder) == []
    assert (folder / "parts" / "lib" / "file.txt").read_text() == "one"
    assert (folder / "parts" / "lib" / "deep" / "er" / "file.txt").read_text() == "inner"
    assert git(folder, "status", "--porcelain") == ""
    assert (lib / "file.txt").read_text() == "two"
    after = git(project, "status", "--porcelain"), git(project, "config", "--list", "--local")
    assert after == before


def test_a_commit_that_the_checkout_never_fetched_is_named(project: Path, tmp_path: Path) -> None:
    source = changed(tmp_path / "source", "three")
    newer = git(source, "rev-parse", "HEAD")
    git(project, "update-index", "--cacheinfo", f"160000,{newer},parts/lib")
    git(project, "-c", "user.name=N", "-c", "user.email=n@example.org", "commit", "-qm", "newer")
    assert add_submodules(project, worktree(project)) == [f"parts/lib ({newer[:12]})"]


def test_what_the_checkout_has_not_got_either_stays_an_empty_directory(
    project: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))
    folder = worktree(clone)
    assert add_submodules(clone, folder) == []
    assert list((folder / "parts" / "lib").iterdir()) == []


def test_the_worktree_of_a_worktree_has_them_as_well(project: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    add_worktree(project, git(project, "rev-parse", "HEAD"), mine)
    git(mine, *FROM_FILES, "submodule", "update", "-q", "--init", "--recursive")
    folder = worktree(mine)
    assert add_submodules(mine, folder) == []
    assert (folder / "parts" / "lib" / "deep" / "er" / "file.txt").read_text() == "inner"


def test_a_repository_without_any_is_left_as_it_is(tmp_path: Path) -> None:
    plain = repository(tmp_path / "plain", "one")
    (plain / ".gitmodules").write_text("")
    commit_all(plain)
    assert add_submodules(plain, worktree(plain)) == []
