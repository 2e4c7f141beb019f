"""What stands for the files of a working tree where a revision is measured."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.fork_client import ForkServer, ForkServerError
from pytest_modelbench.execution.own_code import OwnCode
from pytest_modelbench.execution.place import HERE, Place
from pytest_modelbench.execution.tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A working tree of which the worktree has `bench` and not `new`."""
    for folder in ("project/bench", "project/new", "there/bench", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("project/bench/a.py", "project/new/a.py", "there/bench/a.py"):
        (tmp_path / file).touch()
    return Tree(str(tmp_path / "project"), str(tmp_path / "there"))


def test_the_import_path_has_the_revision_s_directories_and_none_of_the_working_tree(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = f"{tree.repository}/.tox/a/lib/python3/site-packages"
    elsewhere = str(tmp_path / "elsewhere")
    path = [tree.repository, f"{tree.repository}/bench", f"{tree.repository}/new", packages]
    monkeypatch.setattr(sys, "path", [*path, elsewhere])
    place = Place(path=("/first",), tree=tree)
    found = ["/first", tree.worktree, f"{tree.worktree}/bench", packages, elsewhere]
    assert place.import_path() == found
    assert place.environment()["PYTHONPATH"] == os.pathsep.join(found)
    assert HERE.import_path() == sys.path


def test_relative_entries_are_the_session_s(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(f"{tree.repository}/bench")
    assert tree.import_path(["", "../new"]) == [f"{tree.worktree}/bench"]


def test_links_that_lead_to_the_repository_change_nothing(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree.repository)
    (tmp_path / "deep").symlink_to(f"{tree.repository}/bench")
    here = f"{tree.worktree}/bench/a.py"
    assert tree.counterpart(str(tmp_path / "link" / "bench" / "a.py")) == here
    assert tree.counterpart(str(tmp_path / "deep" / "a.py")) == here
    through_link = Tree(str(tmp_path / "link"), tree.worktree)
    assert through_link.counterpart(f"{tree.repository}/bench/a.py") == here


def test_a_link_within_the_repository_is_a_place_of_it(tree: Tree, tmp_path: Path) -> None:
    for root in (tree.repository, tree.worktree):
        Path(root, "data").symlink_to(tmp_path / "elsewhere")
    assert tree.counterpart(f"{tree.repository}/data") == f"{tree.worktree}/data"


def test_a_worktree_within_the_repository_is_itself(tree: Tree) -> None:
    inside = Tree(tree.repository, f"{tree.repository}/bench")
    assert inside.within(f"{tree.repository}/bench/a.py") is None
    assert inside.import_path([inside.worktree]) == [inside.worktree]


def test_an_environment_in_the_repository_stays_and_one_around_it_says_nothing(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = f"{tree.repository}/.venv"
    monkeypatch.setattr(sys, "prefix", environment)
    own = Tree(tree.repository, f"{tree.worktree}/.")
    assert own.import_path([f"{environment}/lib/python3"]) == [f"{environment}/lib/python3"]
    monkeypatch.setattr(sys, "prefix", str(Path(tree.repository).parent))
    assert tree.counterpart(f"{tree.repository}/bench") == f"{tree.worktree}/bench"


def test_what_a_revision_lacks_is_told_from_what_is_not_of_the_repository(
    tree: Tree, tmp_path: Path
) -> None:
    place = Place(tree=tree)
    assert place.lacks(f"{tree.repository}/new")
    assert not place.lacks(f"{tree.repository}/bench")
    assert not place.lacks(str(tmp_path / "elsewhere"))
    assert not HERE.lacks(f"{tree.repository}/new")


def test_the_variables_of_a_git_hook_do_not_reach_the_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIT_INDEX_FILE", "elsewhere")
    assert "GIT_INDEX_FILE" not in HERE.environment()


def test_a_module_of_the_working_tree_is_named(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("a_work")
    monkeypatch.setitem(sys.modules, "a_work", module)
    for allowed in (f"{tree.worktree}/bench/a.py", f"{tree.repository}/site-packages/a.py"):
        module.__file__ = allowed
        OwnCode(tree).check()
    module.__file__ = file = f"{tree.repository}/new/a.py"
    with pytest.raises(ModelbenchError, match=r"'a_work' was imported from .*/project/new/a.py, "):
        OwnCode(tree).check()
    OwnCode(tree, frozenset([file])).check()
    OwnCode().check()


def test_a_directory_or_interpreter_that_is_gone_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets: list[socket.socket] = []
    make_pair = socket.socketpair

    def socketpair(*how: Any) -> tuple[socket.socket, socket.socket]:
        pair = make_pair(*how)
        sockets.extend(pair)
        return pair

    monkeypatch.setattr(socket, "socketpair", socketpair)
    for place in (Place(folder=str(tmp_path / "gone")), Place(python=str(tmp_path / "gone")),
                  Place(env=(("A", "\0"),))):  # fmt: skip
        with pytest.raises(ForkServerError, match=r"cannot be started: "):
            ForkServer(place)
    assert len(sockets) == 6
    assert {one.fileno() for one in sockets} == {-1}
