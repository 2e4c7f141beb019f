"""Worktrees are set up once, by the suite's commands, and kept."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from processes import comes_true
from revisions import AUTHOR, commit_all

from pytest_modelbench.comparison.worktrees import MOST_KEPT, ready_worktree, worktrees_folder
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.git import git
from pytest_modelbench.suite.compare import Revisions


class Repository:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        git(path, "init", "-q", "-b", "main")

    def commit(self, text: str) -> str:
        (self.path / "file.txt").write_text(text)
        return commit_all(self.path, text)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "project")


def revisions(**fields: Any) -> Revisions:
    return Revisions.model_validate(fields)


def made(repository: Path, commit: str, how: Revisions) -> Path:
    """A worktree that is used no longer."""
    with ready_worktree(repository, commit, how) as folder:
        return folder


def test_commands_run_in_the_worktree_one_after_the_other(repository: Repository) -> None:
    commit = repository.commit("one")
    setup = ["cat file.txt > first", "cat first first > second"]
    folder = made(repository.path, commit, revisions(setup=setup))
    assert (folder / "second").read_text() == "oneone"
    assert not (repository.path / "first").exists()


def test_a_worktree_is_set_up_once_for_a_commit_and_its_commands(repository: Repository) -> None:
    commit = repository.commit("one")
    count = revisions(setup="echo once >> count")
    first = made(repository.path, commit, count)
    assert made(repository.path, commit, count) == first
    assert (first / "count").read_text() == "once\n"
    other = made(repository.path, commit, revisions(setup="echo twice >> count"))
    assert other != first


def test_a_command_that_fails_is_named_with_its_last_words_and_tried_again(
    repository: Repository, tmp_path: Path
) -> None:
    commit = repository.commit("one")
    fails = revisions(setup=f"echo no such thing; test -e {tmp_path}/now")
    with pytest.raises(ModelbenchError, match=r"'echo no such.*ended with status 1: no such thing"):
        made(repository.path, commit, fails)
    (tmp_path / "now").touch()
    assert made(repository.path, commit, fails).is_dir()


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(
    repository: Repository, tmp_path: Path
) -> None:
    commit = repository.commit("one")
    slow = f"(sleep 4; touch {tmp_path}/survived) & sleep 60"
    with pytest.raises(ModelbenchError, match=r"not done in time \(compare.revisions.timeout"):
        made(repository.path, commit, revisions(setup=slow, timeout_seconds=0.5))
    its = ["pgrep", "-f", f"touch {tmp_path}/surviv[e]d"]
    assert comes_true(lambda: subprocess.run(its, capture_output=True).stdout == b"", seconds=3)


def test_what_failed_is_called_as_it_is_known_with_the_file_of_all_it_said(
    repository: Repository,
) -> None:
    commit = repository.commit("one")
    name = f"revision 'main' ({commit[:12]})"
    fails = revisions(setup=f"echo begun; echo {'x' * 1000}; false")
    with (
        pytest.raises(ModelbenchError) as caught,
        ready_worktree(repository.path, commit, fails, name),
    ):
        pass
    said = str(caught.value)
    assert said.startswith(f"setup of {name}: ")
    assert "begun" not in said.partition("ended with")[2]
    log = Path(said.partition("; all that it said is in ")[2])
    assert log.read_text().startswith("begun\n")


def test_a_setup_that_was_too_slow_says_how_long_it_had(repository: Repository) -> None:
    commit = repository.commit("one")
    slow = revisions(setup="sleep 60", timeout_seconds=0.2)
    with pytest.raises(ModelbenchError, match=r"timeout_seconds: 0\.2 s for all of setup\)"):
        made(repository.path, commit, slow)


def test_of_worktrees_whose_setup_failed_the_last_is_kept_and_no_good_one_goes(
    repository: Repository,
) -> None:
    good = made(repository.path, repository.commit("good"), revisions())
    logs = []
    for number in range(MOST_KEPT + 2):
        commit = repository.commit(str(number))
        with pytest.raises(ModelbenchError) as caught:
            made(repository.path, commit, revisions(setup="echo why; false"))
        logs.append(Path(str(caught.value).partition("said is in ")[2]))
    folders = {one for one in worktrees_folder(repository.path).iterdir() if one.is_dir()}
    last = logs[-1].with_suffix("")
    assert folders == {good, last}
    assert [log.exists() for log in logs] == [False] * (len(logs) - 1) + [True]
    # What could be made since does not take the log away that one may yet want to read.
    made(repository.path, repository.commit("better"), revisions())
    assert logs[-1].read_text() == "why\n"
    assert git(repository.path, "worktree", "list").count("\n") == 3


def test_a_worktree_has_its_submodules_before_its_setup(
    repository: Repository, tmp_path: Path
) -> None:
    source = Repository(tmp_path / "source")
    source.commit("part")
    allowed = ("-c", "protocol.file.allow=always")
    git(repository.path, *allowed, "submodule", "add", "-q", str(source.path), "lib")
    commit = repository.commit("with it")
    folder = made(repository.path, commit, revisions(setup="cp lib/file.txt seen"))
    assert (folder / "seen").read_text() == "part"
    assert made(repository.path, commit, revisions(setup="cp lib/file.txt seen")) == folder
    source.commit("newer")
    newer = git(source.path, "rev-parse", "HEAD")
    git(repository.path, "update-index", "--cacheinfo", f"160000,{newer},lib")
    git(repository.path, *AUTHOR, "commit", "-qm", "newer")
    wanted = git(repository.path, "rev-parse", "HEAD")
    with pytest.raises(ModelbenchError, match=rf"checkout has not: lib \({newer[:12]}\); fetch th"):
        made(repository.path, wanted, revisions())
    fetch = "git -c protocol.file.allow=always submodule update -q --init; cp lib/file.txt seen"
    folder = made(repository.path, wanted, revisions(setup=fetch))
    assert (folder / "seen").read_text() == "newer"


def test_setup_sees_a_clean_worktree(repository: Repository) -> None:
    commit = repository.commit("one")
    folder = made(repository.path, commit, revisions(setup="true"))
    assert git(folder, "status", "--porcelain") == ""
    assert git(repository.path, "status", "--porcelain") == ""


def test_the_worktrees_used_longest_ago_make_room_for_new_ones(repository: Repository) -> None:
    commits = [repository.commit(str(number)) for number in range(MOST_KEPT + 2)]
    folders = [made(repository.path, commit, revisions()) for commit in commits]
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
        threading.Thread(target=lambda: found.append(made(repository.path, commit, slow)))
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
    folder = made(repository.path, commit, revisions())
    # As if the session had been killed in the middle.
    folder.with_name(f"{folder.name}.ready").unlink()
    (folder / "rest").touch()
    again = made(repository.path, commit, revisions())
    assert again == folder
    assert not (folder / "rest").exists()
    assert worktrees_folder(repository.path) in again.parents


def test_a_worktree_in_use_does_not_make_room_however_long_ago_it_was_made(
    repository: Repository,
) -> None:
    commits = [repository.commit(str(number)) for number in range(MOST_KEPT + 3)]
    with ExitStack() as in_use:
        first, *others = (
            in_use.enter_context(ready_worktree(repository.path, commit, revisions()))
            for commit in commits[:-1]
        )
        assert (first / "file.txt").read_text() == "0"
        assert all(folder.is_dir() for folder in others)
    last = made(repository.path, commits[-1], revisions())
    kept = [folder for folder in (first, *others, last) if folder.is_dir()]
    assert kept == [*others, last][-MOST_KEPT:]


def test_a_worktree_in_use_by_a_process_that_is_killed_is_free(repository: Repository) -> None:
    commits = [repository.commit(str(number)) for number in range(MOST_KEPT + 1)]
    code = f"""
import os, signal
from pathlib import Path
from pytest_modelbench.comparison.worktrees import ready_worktree
from pytest_modelbench.suite.compare import Revisions
with ready_worktree(Path({str(repository.path)!r}), {commits[0]!r}, Revisions()) as folder:
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGKILL
    folder = Path(done.stdout.strip())
    assert folder.is_dir()
    for commit in commits[1:]:
        made(repository.path, commit, revisions())
    assert not folder.exists()


def test_a_worktree_deleted_by_hand_is_made_anew(repository: Repository) -> None:
    commit = repository.commit("one")
    folder = made(repository.path, commit, revisions(setup="echo once >> count"))
    shutil.rmtree(folder)
    assert made(repository.path, commit, revisions(setup="echo once >> count")) == folder
    assert (folder / "count").read_text() == "once\n"


def test_a_worktree_whose_files_were_changed_is_made_anew(repository: Repository) -> None:
    commit = repository.commit("one")
    setup = revisions(setup=["echo once >> count", "echo built >> file.txt"])
    folder = made(repository.path, commit, setup)
    assert made(repository.path, commit, setup) == folder
    assert (folder / "count").read_text() == "once\n", "what the setup changed is no change"
    (folder / "other.txt").write_text("not of git")
    git(folder, "checkout", "-q", "file.txt")
    assert made(repository.path, commit, setup) == folder
    assert not (folder / "other.txt").exists()
    assert (folder / "file.txt").read_text() == "onebuilt\n"


def test_a_worktree_in_which_another_side_is_measured_is_taken_though_its_files_changed(
    repository: Repository,
) -> None:
    commit, setup = repository.commit("one"), revisions(setup="echo once >> count")
    with ready_worktree(repository.path, commit, setup) as folder:
        (folder / "file.txt").write_text("written by what is measured")
        (folder / "half-way").touch()
        with ready_worktree(repository.path, commit, setup) as same:
            assert same == folder
        assert (folder / "half-way").exists()
    assert made(repository.path, commit, setup) == folder
    assert not (folder / "half-way").exists(), "nobody used it any more"


def test_the_user_s_repository_gets_nothing_but_the_worktree(
    repository: Repository, tmp_path: Path
) -> None:
    commit = repository.commit("one")
    theirs = tmp_path / "on-a-stick"  # which is not plugged in, and is not to be forgotten
    git(repository.path, "worktree", "add", "-q", "--detach", str(theirs), commit)
    shutil.rmtree(theirs)
    folder = made(repository.path, commit, revisions(setup="echo said"))
    assert str(theirs) in git(repository.path, "worktree", "list")
    exclude = repository.path / ".git" / "info" / "exclude"
    assert not exclude.exists() or "modelbench" not in exclude.read_text()
    assert {path.name for path in folder.iterdir()} == {".git", "file.txt"}
    assert folder.with_name(f"{folder.name}.log").read_text() == "said\n"


def test_setup_finds_no_command_of_the_session_s_virtual_environment(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit = repository.commit("one")
    session = tmp_path / "session"
    (session / "bin").mkdir(parents=True)
    (session / "bin" / "ours-alone").write_text("#!/bin/sh\n")
    (session / "bin" / "ours-alone").chmod(0o755)
    monkeypatch.setenv("VIRTUAL_ENV", str(session))
    monkeypatch.setenv("PATH", f"{session}/bin:{sys.prefix}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    commands = ["! command -v ours-alone", "python3 -c 'import sys; print(sys.prefix)' > prefix",
                "git rev-parse --show-toplevel > top"]  # fmt: skip
    folder = made(repository.path, commit, revisions(setup=commands))
    found = Path((folder / "prefix").read_text().strip())
    assert sys.prefix == sys.base_prefix or found != Path(sys.prefix)
    assert (folder / "top").read_text().strip() == str(folder.resolve())


def test_another_interpreter_or_version_of_this_package_gets_another_worktree(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.commit("one")
    first = made(repository.path, commit, revisions())
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/another/python")
        assert made(repository.path, commit, revisions()) != first
    monkeypatch.setattr("pytest_modelbench.comparison.worktrees.version", lambda name: "99")
    assert made(repository.path, commit, revisions()) != first


def test_a_cache_that_cannot_be_written_is_one_sentence(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit = repository.commit("one")
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelbenchError, match=r"the worktree /.* cannot be made: .*a directory"):
        made(repository.path, commit, revisions())
