"""`modelbench recover`: the run file that a killed session owes."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import begun_run, kept_run, made_case, made_run, run_id

from pytest_modelbench.cli import main
from pytest_modelbench.results.run import BenchmarkRun
from pytest_modelbench.results.store import runs_folder

Printed = pytest.CaptureFixture[str]


def test_what_was_measured_becomes_a_run_file(capsys: Printed) -> None:
    killed = begun_run(runs_folder(), 1, [made_case("b[one-CPU]")], total=4)
    with killed.journal("main").open("a") as journal:
        journal.write('{"event":"started","nodeid":"s.json::s::b[late0-CPU]"}\n{"event":"par')
    kept_run(runs_folder(), 2)
    assert main(["recover", "last"]) == 0  # the newest one that has none
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "1 of 4 cases have their results, 1 unfinished, 2 not run",
        "1 line of the journals could not be used",
        f"run written to {killed.run_file}",
    ]
    assert "main.jsonl:6: not a whole event: passed over" in captured.err
    run = BenchmarkRun.load(killed.run_file)
    assert [case.status for case in run.cases] == ["ok", "skipped", "skipped", "skipped"]
    assert run.metadata.exit_status is None
    assert killed.summary_file.is_file()


def test_a_run_that_has_its_file_is_left_alone(capsys: Printed) -> None:
    folder = kept_run(runs_folder(), 1)
    before = folder.run_file.stat()
    for name in ("last", run_id(1), str(folder.path)):
        assert main(["recover", name]) == 0
        expected = f"{run_id(1)} has its run file already: {folder.run_file}\n"
        assert capsys.readouterr().out == expected
    assert folder.run_file.stat() == before


def test_a_run_file_that_cannot_be_used_is_made_anew(capsys: Printed) -> None:
    killed = begun_run(runs_folder(), 1, [made_case()], total=1)
    killed.run_file.write_text('{"schema_version"')
    assert main(["recover", run_id(1)]) == 0
    captured = capsys.readouterr()
    assert "its run file cannot be used, and is made anew: " in captured.err
    assert len(BenchmarkRun.load(killed.run_file).cases) == 1


def test_a_session_that_is_running_will_write_its_own(capsys: Printed) -> None:
    alive = begun_run(runs_folder(), 1, [made_case()], total=2)
    held = alive.hold()
    try:
        assert main(["recover", run_id(1)]) == 1
    finally:
        held.release()
    assert "its session is still running" in capsys.readouterr().err
    assert not alive.run_file.exists()


def test_what_is_no_session_s_directory_has_nothing_to_recover(
    tmp_path: Path, capsys: Printed
) -> None:
    file = made_run(1).save(tmp_path / "run.json")
    assert main(["recover", str(file)]) == 2
    assert "is a run file: there is nothing to recover" in capsys.readouterr().err
    assert main(["recover", "last"]) == 2
    assert "there is no run" in capsys.readouterr().err


def test_journals_of_nothing_are_told(capsys: Printed) -> None:
    empty = begun_run(runs_folder(), 1, [], total=0)
    assert main(["recover", run_id(1)]) in (0, 1)
    capsys.readouterr()
    empty.journal("main").write_text("")
    empty.run_file.unlink(missing_ok=True)
    assert main(["recover", run_id(1)]) == 1
    assert "nothing can be made of them" in capsys.readouterr().err


def test_runs_of_another_directory_are_recovered_there(tmp_path: Path, capsys: Printed) -> None:
    killed = begun_run(tmp_path, 1, [made_case()], total=1)
    assert main(["recover", "last", f"--dir={tmp_path}"]) == 0
    assert killed.run_file.is_file()
