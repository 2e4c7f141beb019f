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


@pytest.mark.parametrize("name", ["GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME"])
def test_where_a_commit_is_checked_out_the_branch_is_what_the_ci_system_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME"):
        monkeypatch.delenv(other, raising=False)
    git(tmp_path, "init", "-b", "trunk")
    git(tmp_path, "commit", "--allow-empty", "-m", "first")
    monkeypatch.setenv(name, "topic")
    assert run_metadata(["pytest"], tmp_path, dry_run=False).git_branch == "trunk"
    git(tmp_path, "checkout", "--detach")
    assert run_metadata(["pytest"], tmp_path, dry_run=False).git_branch == "topic"
    monkeypatch.setenv(name, " ")
    assert run_metadata(["pytest"], tmp_path, dry_run=False).git_branch == "HEAD"


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
