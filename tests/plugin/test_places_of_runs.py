"""Where a run is kept when a place is full, read-only, taken, or shared with another session."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from slow_teller import Held, Tale, newest_run, until

from pytest_modelbench.results.run import BenchmarkRun
from pytest_modelbench.results.store import runs_folder
from pytest_modelbench.runs.folder import make_run_folder, run_folders

EchoSuite = Callable[..., Path]
Runs = Callable[[], list[BenchmarkRun]]


def test_a_run_has_a_directory_of_its_own(pytester: pytest.Pytester, echo_suite: EchoSuite) -> None:
    echo_suite()
    pytester.runpytest("echo.json", "--suite-output-dir=kept").assert_outcomes(passed=2)
    (folder,) = run_folders(pytester.path / "kept")
    run = BenchmarkRun.load(folder.run_file)
    assert run.metadata.run_id == folder.run_id
    assert folder.state() == "finished"
    assert not list(run_folders(runs_folder()))
    # Nobody will go on with cases that are measured well.
    assert not list(folder.answers.iterdir())
    assert not list(folder.live.iterdir())


def test_a_session_without_a_case_leaves_no_directory(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    pytester.runpytest("echo.json", "-k", "nothing")
    pytester.runpytest("echo.json", "--collect-only")
    assert not list(run_folders(runs_folder()))


FAILS = "def test_it():\n    assert False\n"


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (FAILS, ("-x",)),
        ("import nothing_of_that_name\n", ()),
        (FAILS, ("-x", "-n", "1")),
        (FAILS, ("-x", "-n", "1", "--suite-against=model:three")),
    ],
)
def test_what_was_selected_by_a_session_that_ended_before_its_first_case_is_in_its_run(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs, text: str, arguments: list[str]
) -> None:
    if "-n" in arguments:
        pytest.importorskip("xdist")
    echo_suite()
    pytester.makepyfile(test_before=text)
    chosen = ("test_before.py", "--suite=echo.json", "-k", "before or one")
    result = pytester.runpytest(*chosen, *arguments)
    result.stdout.fnmatch_lines(["run written to *"])
    result.stdout.no_fnmatch_line("--suite-against *")
    (run,) = runs()
    assert {case.id.partition("-")[0] for case in run.cases} == {"echo::shout[one"}
    assert {case.detail for case in run.cases} == {"not run: the session ended before"}
    assert run.metadata.exit_status == result.ret != 0


@pytest.mark.parametrize("option", ["--collect-only", "--suite-preflight", "--suite-model=nosuch"])
def test_of_a_session_that_was_to_measure_nothing_there_is_no_run(
    pytester: pytest.Pytester, echo_suite: EchoSuite, option: str
) -> None:
    echo_suite()
    pytester.makepyfile(test_before=FAILS)
    pytester.runpytest("test_before.py", "--suite=echo.json", "-x", option)
    # Whether what is left was ever selected nobody knows.
    pytester.makepyfile(test_before="import nothing_of_that_name")
    pytester.runpytest("test_before.py", "--suite=echo.json", "-x")
    assert not list(run_folders(runs_folder()))


def test_a_directory_that_was_asked_for_and_cannot_be_ends_the_session_before_anything_is_measured(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    (pytester.path / "file").write_text("")
    result = pytester.runpytest("echo.json", "--suite-output-dir=file")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --suite-output-dir 'file' is not a directory"])


@pytest.mark.parametrize(
    "arguments", [("echo.json",), ("bad.json",), ("test_it.py",), ("echo.json", "-n", "2")]
)
def test_so_does_one_that_cannot_be_made(
    pytester: pytest.Pytester, echo_suite: EchoSuite, arguments: tuple[str, ...]
) -> None:
    if "-n" in arguments:
        pytest.importorskip("xdist")
    echo_suite()
    echo_suite("bad.json", benchmarks=[{"id": "a", "runner": "ecko", "model": "one"}])
    pytester.makepyfile(test_it="def test_it(modelbench):\n    open('measured', 'w').close()\n")
    (pytester.path / "file").write_text("")
    run = pytester.runpytest_subprocess if "-n" in arguments else pytester.runpytest
    result = run(*arguments, "--suite-output-dir=file/in/it")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert not (pytester.path / "measured").exists()
    result.stderr.fnmatch_lines(
        ["*file/in/it: no run can be kept there (Not a directory): give a writable directory with*"]
    )


def test_where_the_usual_place_cannot_be_written_the_run_is_kept_elsewhere(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    runs_folder().parent.mkdir(parents=True)
    runs_folder().write_text("")
    result = pytester.runpytest("echo.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*pytest-modelbench/runs: no run can be kept there (*): give a writable directory with "
            "--suite-output-dir, or set XDG_STATE_HOME",
            "run written to *",
        ]
    )
    saved = Path(result.stdout.str().rpartition("run written to ")[2].split()[0])
    assert len(BenchmarkRun.load(saved).cases) == 2
    # Who says where the run is to go has it there, and nothing is amiss.
    result = pytester.runpytest("echo.json", "--suite-output=mine.json")
    assert result.ret == 0
    assert len(BenchmarkRun.load(pytester.path / "mine.json").cases) == 2


def test_ids_that_are_taken_are_not_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of two sessions in the same instant, or of a clock that was put back."""
    ids = iter(
        ["benchmark_20260102_030405_00000000000a"] * 3 + ["benchmark_20260102_030405_00000000000b"]
    )
    monkeypatch.setattr("pytest_modelbench.runs.folder.new_run_id", lambda now: next(ids))
    first, second = make_run_folder(tmp_path), make_run_folder(tmp_path)
    assert (first.run_id[-1], second.run_id[-1]) == ("a", "b")


@pytest.mark.slow
def test_two_sessions_at_once_keep_out_of_each_other_s_way(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    tales = [Held(folder, "m0", models=1, seconds=0.0) for folder in folders]
    processes = [tale.start() for tale in tales]
    until(lambda: len([one for one in run_folders(runs_folder()) if one.is_running()]) == 2)
    for tale in tales:
        tale.go()
    assert [process.wait(300) for process in processes] == [0, 0]
    ids = [BenchmarkRun.load(one.run_file).metadata.run_id for one in run_folders(runs_folder())]
    assert len(set(ids)) == 2


@pytest.mark.slow
def test_a_run_that_is_running_is_neither_resumed_nor_recovered(tmp_path: Path) -> None:
    tale = Tale(tmp_path, models=1, seconds=1.0)
    process = tale.start()
    until(lambda: tale.asked("m0"))
    try:
        folder = next(run_folders(runs_folder()))
        command = [sys.executable, "-m", "pytest", "--suite=tale.json", "--suite-resume=last"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == pytest.ExitCode.USAGE_ERROR
        assert f"--suite-resume {folder.run_id}: its session is still running" in done.stderr
    finally:
        process.terminate()
        process.wait(300)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 400 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


FILL = """
def pytest_runtest_setup(item):
    if "m1" in item.name:
        with open("disk/filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
"""


@pytest.mark.slow
def test_a_disk_that_fills_up_in_the_middle_loses_nothing(tmp_path: Path, small_disk: Path) -> None:
    tale = Tale(tmp_path, models=3, seconds=0.001)
    conftest = tmp_path / "conftest.py"
    conftest.write_text(conftest.read_text() + FILL)
    process = tale.start("--suite-output-dir=disk")
    assert process.wait(300) == 1
    out = (tmp_path / "out.txt").read_text()
    assert "3 passed" in out, out
    assert "the run file cannot be written (No space left on device)" in out
    saved = Path(out.rpartition("run written to ")[2].split()[0])
    assert [case.status for case in BenchmarkRun.load(saved).cases] == ["ok"] * 3
    # What was journaled before is there, each line of it whole.
    (folder,) = run_folders(small_disk)
    lines = folder.journal("main").read_bytes().splitlines(keepends=True)
    assert all(line.endswith(b"\n") and json.loads(line) for line in lines)
    assert sum(b'"results"' in line for line in lines) >= 1
    (small_disk / "filler").unlink()
    tale.forget_asked()
    out = tale.run(f"--suite-resume={folder.path}")
    assert "3 passed" in out, out
    assert tale.asked("m0") == []
    assert [case.status for case in newest_run().cases] == ["ok"] * 3


def test_a_directory_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    folder = tmp_path / "mine"
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(PermissionError):
        make_run_folder(folder)


def test_a_directory_that_goes_away_while_it_is_written_costs_nothing(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    conftest = pytester.path / "conftest.py"
    remove = "\n\nimport shutil\n\ndef pytest_runtest_setup(item):\n    shutil.rmtree('kept')\n"
    conftest.write_text(conftest.read_text() + remove)
    result = pytester.runpytest("echo.json", "--suite-output-dir=kept", "-k", "one")
    result.assert_outcomes(passed=1)
    (folder,) = run_folders(pytester.path / "kept")
    assert len(BenchmarkRun.load(folder.run_file).cases) == 1
