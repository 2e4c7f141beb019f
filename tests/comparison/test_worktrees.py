"""Worktrees are set up once, by the suite's commands, and kept."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.comparison.worktrees import MOST_KEPT, ready_worktree, worktrees_folder
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.git import git
from pytest_modelbench.suite.compare import Revisions

AUTHOR = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")


class Repository:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        git(path, "init", "-q", "-b", "main")

    def commit(self, text: str) -> str:
        (self.path / "file.txt").write_text(text)
        git(self.path, "add", "-A")
        subprocess.run(["git", *AUTHOR, "-C", str(self.path), "commit", "-qm", text], check=True)
        return git(self.path, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "project")


def revisions(**fields: Any) -> Revisions:
    return Revisions.model_validate(fields)


def test_commands_run_in_the_worktree_one_after_the_other(repository: Repository) -> None:
    commit = repository.commit("one")
    setup = ["cat file.txt > first", "cat first first > second"]
    folder = ready_worktree(repository.path, commit, revisions(setup=setup))
    assert (folder / "second").read_text() == "oneone"
    assert not (repository.path / "first").exists()


def test_a_worktree_is_set_up_once_for_a_commit_and_its_commands(repository: Repository) -> None:
    commit = repository.commit("one")
    count = revisions(setup="echo once >> count")
    first = ready_worktree(repository.path, commit, count)
    assert ready_worktree(repository.path, commit, count) == first
    assert (first / "count").read_text() == "once\n"
    other = ready_worktree(repository.path, commit, revisions(setup="echo twice >> count"))
    assert other != first


def test_a_command_that_fails_is_named_with_its_last_words_and_tried_again(
    repository: Repository, tmp_path: Path
) -> None:
    commit = repository.commit("one")
    fails = revisions(setup=f"echo no such thing; test -e {tmp_path}/now")
    with pytest.raises(ModelbenchError, match=r"'echo no such.*ended with status 1: no such thing"):
        ready_worktree(repository.path, commit, fails)
    (tmp_path / "now").touch()
    assert ready_worktree(repository.path, commit, fails).is_dir()


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(
    repository: Repository, tmp_path: Path
) -> None:
    commit = repository.commit("one")
    slow = f"(sleep 4; touch {tmp_path}/survived) & sleep 60"
    with pytest.raises(ModelbenchError, match=r"not done in time \(compare.revisions.timeout"):
        ready_worktree(repository.path, commit, revisions(setup=slow, timeout_seconds=0.5))
    group = subprocess.run(["pgrep", "-f", f"touch {tmp_path}/surviv[e]d"], capture_output=True)
    assert group.stdout == b""


def test_setup_sees_a_clean_worktree(repository: Repository) -> None:
    commit = repository.commit("one")
    folder = ready_worktree(repository.path, commit, revisions(setup="true"))
    assert git(folder, "status", "--porcelain") == ""
    assert git(repository.path, "status", "--porcelain") == ""


def test_the_worktrees_used_longest_ago_make_room_for_new_ones(repository: Repository) -> None:
    commits = [repository.commit(str(number)) for number in range(MOST_KEPT + 2)]
    folders = [ready_worktree(repository.path, commit, revisions()) for commit in commits]
    there = [folder.is_dir() for folder in folders]
    assert there == [False] * 2 + [True] * MOST_KEPT
    assert git(repository.path, "worktree", "list").count("\n") == MOST_KEPT


def test_sessions_that_want_the_same_worktree_wait_for_the_one_that_makes_it(
    repository: Repository,
) -> None:
    commit = repository.commit("one")
    slow = revisions(setup=["sleep 0.3", "echo once >> count"])
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(ready_worktree(repository.path, commit, slow)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(set(found)) == 1
    assert (found[0] / "count").read_text() == "once\n"


def test_a_repository_made_anew_at_the_same_place_gets_new_worktrees(
    repository: Repository,
) -> None:
    commit = repository.commit("one")
    folder = ready_worktree(repository.path, commit, revisions())
    (folder / ".modelbench-ready").unlink()  # as if the session had been killed in the middle
    (folder / "rest").touch()
    again = ready_worktree(repository.path, commit, revisions())
    assert again == folder
    assert not (folder / "rest").exists()
    assert worktrees_folder(repository.path) in again.parents
