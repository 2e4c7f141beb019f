"""`modelbench prune`: old runs removed, and nothing else."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_runs import begun_run, kept_run, made_case, run_id, stored_run
from processes import comes_true

from pytest_modelbench.cli import main
from pytest_modelbench.results.store import new_run_id, runs_folder
from pytest_modelbench.runs.folder import RunFolder
from pytest_modelbench.runs.removal import remove_run

Printed = pytest.CaptureFixture[str]
SLOW_PRUNE = """
import os, sys, time
from pytest_modelbench.cli import main

unlink = os.unlink
os.unlink = lambda *what, **how: (time.sleep(0.005), unlink(*what, **how))
sys.exit(main(sys.argv[1:]))
"""


def kept(count: int, **fields: object) -> list[RunFolder]:
    return [kept_run(runs_folder(), number, **fields) for number in range(count)]


def there() -> list[int]:
    """The numbers of the runs that are left."""
    return sorted(
        int(one.name.rpartition("_")[2], 16)
        for one in runs_folder().iterdir()
        if not one.name.startswith(".")
    )


def test_the_newest_are_kept_and_what_goes_is_said(capsys: Printed) -> None:
    folders = kept(4)
    size = sum(
        file.lstat().st_blocks * 512
        for folder in folders[:2]
        for file in [folder.path, *folder.path.rglob("*")]
    )
    assert main(["prune", "--keep=2", "--yes"]) == 0
    *table, end = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table[1:]] == [run_id(1), run_id(0)]
    assert end == f"removed 2 runs, {size / 1e6:.1f} MB freed"
    assert there() == [2, 3]


def test_only_what_is_older_goes(capsys: Printed) -> None:
    kept(2)
    fresh = new_run_id(datetime.now(UTC) - timedelta(days=2))
    kept_run(runs_folder(), 0, run_id=fresh)
    assert main(["prune", "--older-than=30d", "--yes"]) == 0
    assert [one.name for one in runs_folder().iterdir()] == [fresh]
    assert main(["prune", "--older-than=1d", "--keep=1", "--yes"]) == 0
    assert "there is nothing to remove" in capsys.readouterr().out


def test_a_dry_run_removes_nothing(capsys: Printed) -> None:
    kept(3)
    assert main(["prune", "--keep=1", "--dry-run"]) == 0
    assert "would remove 2 runs, 0." in capsys.readouterr().out
    assert there() == [0, 1, 2]


def test_without_yes_and_without_a_terminal_nothing_goes(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(2)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main(["prune", "--keep=0"]) == 2
    assert "add --yes to remove without being asked" in capsys.readouterr().err
    assert there() == [0, 1]


@pytest.mark.parametrize(("answer", "left"), [("y\n", []), ("\n", [0]), ("", [0]), ("no\n", [0])])
def test_on_a_terminal_it_asks(
    answer: str, left: list[int], capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(1)
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert main(["prune", "--keep=0"]) == 0
    assert "remove 1 run, 0." in capsys.readouterr().out
    assert there() == left


def test_it_wants_to_know_which() -> None:
    for wrong in ([], ["--suite=s"], ["--keep=-1"], ["--older-than=soon"]):
        with pytest.raises(SystemExit) as caught:
            main(["prune", "--yes", *wrong])
        assert caught.value.code == 2


def test_a_running_session_is_never_removed_and_does_not_count(capsys: Printed) -> None:
    kept(2)
    alive = begun_run(runs_folder(), 2, [made_case()], total=2)
    held = alive.hold()
    try:
        assert main(["prune", "--keep=1", "--yes"]) == 0
        assert "is still running: it stays" in capsys.readouterr().err
        assert there() == [1, 2]
        assert not remove_run(alive)
        assert alive.journal("main").is_file()
    finally:
        held.release()
    assert main(["prune", "--keep=0", "--yes"]) == 0
    assert there() == []


def test_runs_of_a_suite_are_those_without_another() -> None:
    kept_run(runs_folder(), 0, [made_case(suite="one")])
    kept_run(runs_folder(), 1, [made_case(suite="one"), made_case(suite="two")])
    kept_run(runs_folder(), 2, [made_case(suite="two")])
    assert main(["prune", "--keep=0", "--suite=on?", "--yes"]) == 0
    assert there() == [1, 2]


def test_what_cannot_be_read_is_removed_only_when_all_suites_are(capsys: Printed) -> None:
    kept_run(runs_folder(), 0).run_file.write_text("[]")
    assert main(["prune", "--keep=0", "--suite=s", "--yes"]) == 0
    assert there() == [0]
    assert main(["prune", "--keep=0", "--yes"]) == 0
    assert there() == []


def test_single_run_files_are_none_of_its_business() -> None:
    file = stored_run(runs_folder(), 1)
    assert main(["prune", "--keep=0", "--yes"]) == 0
    assert file.is_file()


def test_what_is_left_of_a_removal_that_was_killed_is_no_run_and_goes_next_time(
    capsys: Printed,
) -> None:
    (folder,) = kept(1)
    folder.path.rename(folder.path.with_name(f".removed-{folder.run_id}"))
    assert main(["runs"]) == 0
    assert "there is no run yet" in capsys.readouterr().err
    assert main(["prune", "--keep=5", "--dry-run"]) == 0
    assert "what is left of 1 that somebody was removing" in capsys.readouterr().out
    assert main(["prune", "--keep=5", "--yes"]) == 0
    assert list(runs_folder().iterdir()) == []


def test_what_may_not_be_removed_is_told_and_stays_whole(capsys: Printed) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may remove anything")
    folders = kept(2)
    runs_folder().chmod(0o500)
    try:
        assert main(["prune", "--keep=0", "--yes"]) == 1
    finally:
        runs_folder().chmod(0o700)
    captured = capsys.readouterr()
    assert captured.err.count("cannot be removed (Permission denied)") == 2
    assert "removed 0 runs, 0.0 MB freed" in captured.out
    assert all(one.run_file.is_file() for one in folders)


@pytest.mark.slow
def test_two_at_once_remove_each_run_once_and_neither_fails(tmp_path: Path) -> None:
    for number in range(60):
        kept_run(tmp_path, number)
    command = [sys.executable, "-m", "pytest_modelbench.cli", "prune", "--keep=3", "--yes"]
    both = [
        subprocess.Popen(
            [*command, f"--dir={tmp_path}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert all(b"Traceback" not in error for _, error in said)
    assert sorted(one.name for one in tmp_path.iterdir()) == [run_id(n) for n in (57, 58, 59)]


@pytest.mark.slow
def test_killed_at_any_moment_it_leaves_whole_runs_and_hidden_rests(tmp_path: Path) -> None:
    for number in range(100):
        kept_run(tmp_path, number)
    command = [sys.executable, "-c", SLOW_PRUNE, "prune", "--keep=0", "--yes", f"--dir={tmp_path}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    assert comes_true(lambda: len(list(tmp_path.glob("benchmark_*"))) <= 90)
    process.kill()
    process.wait(300)
    left = sorted(tmp_path.glob("benchmark_*"))
    assert left  # it was killed in the middle
    assert all(RunFolder(one).run_file.is_file() for one in left)
    assert all(RunFolder(one).logs.is_dir() for one in left)
    assert main(["prune", "--keep=0", "--yes", f"--dir={tmp_path}"]) == 0
    assert list(tmp_path.iterdir()) == []
