"""Revisions by name, and worktrees of them, in real repositories."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from revisions import AUTHOR, commit_all

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.git import add_worktree, commit_of, git, remove_worktree, repository_of


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Branch main with two commits, and a branch that left it at the first."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    _commit(folder, "one")
    git(folder, "branch", "side")
    _commit(folder, "two")
    return folder


def _commit(folder: Path, text: str) -> str:
    (folder / "file.txt").write_text(text)
    return commit_all(folder, text)


def test_a_repository_is_found_from_within(repository: Path, tmp_path: Path) -> None:
    (repository / "deep" / "down").mkdir(parents=True)
    assert repository_of(repository / "deep" / "down") == repository
    with pytest.raises(ModelbenchError, match=f"^{tmp_path} is in no git repository$"):
        repository_of(tmp_path)


def test_without_git_it_is_git_that_is_missing(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelbenchError, match=r"^there is no git on PATH: install it$"):
        repository_of(repository)


def test_what_git_does_not_trust_is_told_with_what_to_do(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in containers, where the checkout is another user's."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(ModelbenchError) as caught:
        repository_of(repository)
    assert "another user (dubious ownership); to allow it" in str(caught.value)
    assert str(caught.value).endswith(f"git config --global --add safe.directory {repository}")


def test_a_repository_that_git_cannot_use_is_told_in_its_words(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: nowhere")
    with pytest.raises(ModelbenchError, match=r"is in no usable git repository: .*nowhere"):
        repository_of(tmp_path)


def test_branches_that_have_nothing_in_common_have_no_merge_base(repository: Path) -> None:
    git(repository, "checkout", "-q", "--orphan", "trunk")
    _commit(repository, "another beginning")
    git(repository, "checkout", "-q", "main")
    with pytest.raises(
        ModelbenchError, match=r"^'merge-base:trunk': HEAD and trunk have no common commit in "
    ) as caught:
        commit_of(repository, "merge-base:trunk")
    assert "shallow" not in str(caught.value)


def test_a_merge_base_before_a_shallow_clone_begins_says_what_to_fetch(
    repository: Path, tmp_path: Path
) -> None:
    git(repository, "checkout", "-q", "side")
    _commit(repository, "three")
    shallow, of = tmp_path / "shallow", f"file://{repository}"
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", of, str(shallow))
    with pytest.raises(ModelbenchError, match=r"no common commit in .*; this clone is shallow: fe"):
        commit_of(shallow, "merge-base:origin/main")


def test_branches_ancestors_and_beginnings_of_hashes_name_commits(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    for name in ("main", "HEAD", head, head[:8]):
        assert commit_of(repository, name) == head
    assert commit_of(repository, "HEAD~1") == commit_of(repository, "side")


def test_a_merge_base_is_where_the_branch_began(repository: Path) -> None:
    began = commit_of(repository, "side")
    git(repository, "checkout", "-q", "side")
    _commit(repository, "three")
    assert commit_of(repository, "merge-base:main") == began


@pytest.mark.parametrize("name", ["nosuch", "merge-base:nosuch", "--all", "main; true", "-h"])
def test_what_names_no_commit_is_refused_with_the_branches_there_are(
    repository: Path, name: str
) -> None:
    with pytest.raises(ModelbenchError, match=r"is no revision of .*branches: main, side"):
        commit_of(repository, name)


def test_a_detached_checkout_is_none_of_the_branches(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    with pytest.raises(ModelbenchError, match=r"\(branches: main, side\)$"):
        commit_of(repository, "nosuch")


def test_a_shallow_clone_says_what_to_fetch(repository: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", str(shallow))
    with pytest.raises(ModelbenchError, match="shallow: fetch the history"):
        commit_of(shallow, "HEAD~1")


def test_a_worktree_holds_the_files_of_its_commit_and_goes_whatever_lies_in_it(
    repository: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "trees" / "one"
    add_worktree(repository, commit_of(repository, "side"), folder)
    assert (folder / "file.txt").read_text() == "one"
    assert (repository / "file.txt").read_text() == "two"
    (folder / "file.txt").write_text("changed")
    (folder / "new").write_text("untracked")
    remove_worktree(repository, folder)
    assert not folder.exists()


def test_the_variables_of_a_git_hook_do_not_lead_elsewhere(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert repository_of(repository) == repository


def test_words_of_git_that_are_no_utf_8_are_read_all_the_same(repository: Path) -> None:
    message = repository.parent / "message"
    message.write_bytes(b"caf\xe9")
    git(repository, *AUTHOR, "commit", "-q", "--allow-empty", "-F", str(message))
    git(repository, "config", "i18n.logOutputEncoding", "latin1")
    assert git(repository, "log", "-1", "--format=%s", "--encoding=latin1").startswith("caf")


def test_a_worktree_that_was_deleted_can_be_added_again_and_others_stay_known(
    repository: Path, tmp_path: Path
) -> None:
    commit = commit_of(repository, "side")
    for name in ("one", "other"):
        add_worktree(repository, commit, tmp_path / name)
        shutil.rmtree(tmp_path / name)
    add_worktree(repository, commit, tmp_path / "one")
    assert (tmp_path / "one" / "file.txt").is_file()
    assert str(tmp_path / "other") in git(repository, "worktree", "list")
