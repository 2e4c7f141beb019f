"""Where a run comes from: code, command and machine, without secrets."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import psutil
import pytest

from pytest_modelbench.recording.provenance import run_metadata, system_info
from pytest_modelbench.redaction import command_without_secrets


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_outside_a_repository_the_facts_of_git_are_null(tmp_path: Path) -> None:
    metadata = run_metadata(["pytest", "a b"], tmp_path, dry_run=True)
    assert (metadata.git_sha, metadata.git_branch, metadata.git_dirty) == (None, None, None)
    assert (metadata.command_line, metadata.dry_run) == ("pytest 'a b'", True)
    assert metadata.exit_status is None
    day, time = metadata.run_id.split("_")[1:3]
    assert metadata.timestamp.replace("-", "").replace(":", "").startswith(f"{day}T{time}")


def test_in_a_repository_they_say_which_code_and_whether_it_was_changed(tmp_path: Path) -> None:
    git(tmp_path, "init", "-b", "trunk")
    empty = run_metadata(["pytest"], tmp_path, dry_run=False)
    assert (empty.git_sha, empty.git_branch, empty.git_dirty) == (None, None, None)
    (tmp_path / "file").write_text("a")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    clean = run_metadata(["pytest"], tmp_path, dry_run=False)
    assert clean.git_sha == git(tmp_path, "rev-parse", "HEAD")
    assert (clean.git_branch, clean.git_dirty) == ("trunk", False)
    (tmp_path / "file").write_text("b")
    assert run_metadata(["pytest"], tmp_path, dry_run=False).git_dirty is True


CI_VARIABLES = (
    "GITHUB_EVENT_NAME",
    "GITHUB_HEAD_REF",
    "GITHUB_REF",
    "GITHUB_REF_NAME",
    "GITHUB_SHA",
    "CI_COMMIT_REF_NAME",
    "CI_COMMIT_SHA",
    "CI_MERGE_REQUEST_IID",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
)
PULL_7 = {
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_HEAD_REF": "main",
    "GITHUB_REF": "refs/pull/7/merge",
    "GITHUB_REF_NAME": "7/merge",
}
MERGE_7 = {
    "CI_COMMIT_REF_NAME": "main",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "main",
}


class Checkout:
    """A repository with one commit on `trunk`, in what a CI system says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder, monkeypatch
        git(folder, "init", "-b", "trunk")
        git(folder, "commit", "--allow-empty", "-m", "first")
        self.sha = git(folder, "rev-parse", "HEAD")
        self.set()

    def set(self, **variables: str) -> None:
        for name in CI_VARIABLES:
            self._monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    @property
    def branch(self) -> str | None:
        return run_metadata(["pytest"], self.folder, dry_run=False).git_branch


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    return Checkout(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", ["GITHUB_REF_NAME", "CI_COMMIT_REF_NAME"])
def test_where_a_commit_is_checked_out_the_branch_is_what_the_ci_system_says(
    checkout: Checkout, name: str
) -> None:
    checkout.set(**{name: "topic"})
    assert checkout.branch == "trunk"
    git(checkout.folder, "checkout", "--detach")
    assert checkout.branch == "topic"
    checkout.set(**{name: " "})
    assert checkout.branch == "HEAD"


@pytest.mark.parametrize(
    ("said", "branch"), [(PULL_7, "pull/7"), (MERGE_7, "merge-requests/7")], ids=["pull", "merge"]
)
def test_a_request_is_never_the_branch_it_is_called_after(
    checkout: Checkout, said: dict[str, str], branch: str
) -> None:
    checkout.set(**said)
    assert checkout.branch == "trunk"
    git(checkout.folder, "checkout", "-b", "main")
    assert checkout.branch == branch
    git(checkout.folder, "checkout", "--detach")
    assert checkout.branch == branch


def test_a_request_whose_number_is_not_said_has_no_branch(checkout: Checkout) -> None:
    git(checkout.folder, "checkout", "--detach")
    checkout.set(
        GITHUB_EVENT_NAME="pull_request_target",
        GITHUB_HEAD_REF="main",
        GITHUB_REF="refs/heads/main",
        GITHUB_REF_NAME="main",
    )
    assert checkout.branch == "HEAD"


@pytest.mark.parametrize(
    ("name", "sha"), [("GITHUB_REF_NAME", "GITHUB_SHA"), ("CI_COMMIT_REF_NAME", "CI_COMMIT_SHA")]
)
def test_what_the_ci_system_says_is_of_no_other_commit(
    checkout: Checkout, name: str, sha: str
) -> None:
    git(checkout.folder, "checkout", "--detach")
    checkout.set(**{name: "main", sha: checkout.sha})
    assert checkout.branch == "main"
    checkout.set(**{name: "main", sha: "0" * 40})
    assert checkout.branch == "HEAD"


def test_without_git_a_run_is_still_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_metadata(["pytest"], tmp_path, dry_run=False).git_sha is None


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("pytest --x=https://user:secret@host/a", "pytest --x=https://***@host/a"),
        ("a://token@h b://t2@h/x@y", "a://***@h b://***@h/x@y"),
        ("https://host/a@b", "https://host/a@b"),
        ("mail me@home", "mail me@home"),
        ("pytest --hf-token=hf_abcDEF123 x", "pytest --hf-token=*** x"),
        ("pytest --api-key 'a b' x", "pytest --api-key *** x"),
        ("pytest --password s3cret", "pytest --password ***"),
        ("pytest -k token x", "pytest -k token x"),
        ("API_KEY=abc tool --tokens 5 --keyboard us", "API_KEY=*** tool --tokens 5 --keyboard us"),
    ],
)
def test_credentials_of_a_command_line_are_not_recorded(text: str, clean: str) -> None:
    assert command_without_secrets(text) == clean


def test_the_machine_is_described_by_its_own_facts() -> None:
    system = system_info()
    assert system.cpu_count == os.cpu_count()
    assert system.python_version == platform.python_version()
    assert system.total_ram_gb == pytest.approx(psutil.virtual_memory().total / 1e9)
    assert system.packages["pytest"] == pytest.__version__
    assert system.hostname
    if system.cpu_limit is not None:
        assert system.cpu_limit > 0
    for name in system.cpu_flags:
        assert name in Path("/proc/cpuinfo").read_text().split()
