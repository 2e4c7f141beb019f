"""`modelbench runs`: what is kept, one line a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_runs import begun_run, kept_run, made_case, made_run, run_id, stored_run

from pytest_modelbench.cli import main
from pytest_modelbench.results.judgement import BoundCheck
from pytest_modelbench.results.store import new_run_id, runs_folder

Printed = pytest.CaptureFixture[str]
BROKEN = BoundCheck(
    criterion="fast", what="p50_latency_ms", value=10.0, interval=None, unit="ms", min=None,
    max=5.0, outcome="failed", message="p50_latency_ms 10 ms is above 5 ms",
)  # fmt: skip


def said(capsys: Printed, *arguments: str) -> str:
    assert main(["runs", *arguments]) == 0
    return capsys.readouterr().out


def ids(capsys: Printed, *arguments: str) -> list[str]:
    """Those of the runs that are listed, in the order listed."""
    lines = said(capsys, *arguments).splitlines()[1:]
    return [line.split()[0] for line in lines if not line.startswith("...")]


def test_runs_are_listed_newest_first_with_what_became_of_them(capsys: Printed) -> None:
    broken = made_case("b[two-CPU]", bounds=[BROKEN])
    cases = [made_case("b[one-CPU]"), broken, made_case("b[x-CPU]", status="skipped", detail="no")]
    kept_run(runs_folder(), 1, cases, git_branch="main", git_sha="ab" * 20, git_dirty=True,
             exit_status=1)  # fmt: skip
    kept_run(runs_folder(), 2, dry_run=True)
    titles, second, first = said(capsys).splitlines()
    assert titles.split() == [
        "run", "when", "code", "suites", "ok", "failed", "skipped", "state", "host",
    ]  # fmt: skip
    assert second.startswith(f"{run_id(2)}  2026-03-01 ")
    assert "  dry run  " in second
    assert first.startswith(run_id(1))
    assert first.split()[-8:] == ["main@abababa+", "s", "1", "1", "1", "exit", "1", "here"]


def test_a_killed_and_a_running_session_say_how_far_they_are(capsys: Printed) -> None:
    cases = [made_case("b[one-CPU]"), made_case("b[two-CPU]")]
    begun_run(runs_folder(), 1, cases, total=5)
    alive = begun_run(runs_folder(), 2, cases[:1], total=3)
    held = alive.hold()
    try:
        running, killed = said(capsys).splitlines()[1:]
    finally:
        held.release()
    assert "running, 1 of 3 done" in running
    assert "unfinished, 2 of 5 done" in killed
    assert killed.split()[6:8] == ["-", "s"]  # the suite is known from the first events


def test_what_cannot_be_read_is_a_line_whatever_is_asked_for(capsys: Printed) -> None:
    kept_run(runs_folder(), 1)
    damaged = kept_run(runs_folder(), 2)
    damaged.run_file.write_text('{"schema_version": "1"}')
    empty = begun_run(runs_folder(), 3, [], total=1)
    empty.journal("main").write_text("")
    odd = kept_run(runs_folder(), 4)
    odd.summary_file.write_text(odd.summary_file.read_text().replace('"cases"', '"places"'))
    lines = {line.split()[0]: line for line in said(capsys, "--suite=s").splitlines()}
    assert "cannot be read: " in lines[run_id(2)]
    assert "metadata: is missing" in lines[run_id(2)]
    assert "its journals do not say which session wrote them" in lines[run_id(3)]
    assert "its summary is damaged" in lines[run_id(4)]
    assert set(ids(capsys, "--suite=other")) == {run_id(2), run_id(3), run_id(4)}


def test_filters_choose_by_suite_model_device_and_branch(capsys: Printed) -> None:
    kept_run(runs_folder(), 1, [made_case("b[tiny-CPU]", suite="speech")], git_branch="main")
    kept_run(runs_folder(), 2, [made_case("b[base-GPU.1]", device="GPU.1", suite="text")])
    assert ids(capsys, "--suite=sp*") == [run_id(1)]
    assert ids(capsys, "--model=base") == [run_id(2)]
    assert ids(capsys, "--model=tiny", "--model=ba?e") == [run_id(2), run_id(1)]
    assert ids(capsys, "--device=gpu.1") == [run_id(2)]
    assert ids(capsys, "--branch=main") == [run_id(1)]
    assert main(["runs", "--branch=dev"]) == 0
    assert "none of the 2 runs there is what was asked for" in capsys.readouterr().err


def test_filters_choose_by_how_a_run_ended(capsys: Printed) -> None:
    error = made_case(status="error", detail="it broke")
    kept_run(runs_folder(), 1)
    kept_run(runs_folder(), 2, exit_status=1)
    kept_run(runs_folder(), 3, [error], exit_status=1)
    kept_run(runs_folder(), 4, dry_run=True)
    begun_run(runs_folder(), 5, [made_case()], total=2)
    for status, expected in {
        "ok": [1], "failed": [3, 2], "errors": [3], "dry": [4], "unfinished": [5], "running": [],
    }.items():  # fmt: skip
        found = json_ids(capsys, f"--status={status}")
        assert found == [run_id(number) for number in expected], status


def json_ids(capsys: Printed, *arguments: str) -> list[str]:
    return [json.loads(line)["run_id"] for line in said(capsys, "--json", *arguments).splitlines()]


def test_times_are_those_of_the_place(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "HERE-05:30")
    time.tzset()
    kept_run(runs_folder(), 1)
    assert "  2026-03-01 05:30, " in said(capsys)
    assert len(json_ids(capsys, "--since=2026-03-01T05:29")) == 1
    assert json_ids(capsys, "--since=2026-03-01T05:31") == []


def test_since_is_a_date_or_an_age(capsys: Printed) -> None:
    kept_run(runs_folder(), 1)
    now = datetime.now(UTC)
    for days in (1, 10):
        run = made_run(2)
        fresh = new_run_id(now - timedelta(days=days))
        kept_run(runs_folder(), 2, run_id=fresh, timestamp=run.metadata.timestamp)
    assert len(json_ids(capsys, "--since=2026-03-01")) == 3
    assert len(json_ids(capsys, "--since=2026-03-02T12:00")) == 2
    assert len(json_ids(capsys, "--since=2d")) == 1
    assert len(json_ids(capsys, "--since=300000d")) == 3
    for wrong in ("yesterday", "3 moons", "-2d"):
        with pytest.raises(SystemExit) as caught:
            main(["runs", f"--since={wrong}"])
        assert caught.value.code == 2
        assert "should be a date such as" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["runs --since", "prune --dry-run --older-than"])
@pytest.mark.parametrize("age", ["999999d", "99999999999w", f"{'9' * 400}h"])
def test_longer_ago_than_there_are_dates_is_no_age(option: str, age: str, capsys: Printed) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*option.split(), age])
    assert caught.value.code == 2
    assert f"'{age}' should be an age of at most 365000d\n" in capsys.readouterr().err


def test_a_list_is_short_unless_it_is_asked_for_whole(capsys: Printed) -> None:
    for number in range(33):
        kept_run(runs_folder(), number)
    assert len(ids(capsys)) == 30
    assert said(capsys).endswith("\n... and older ones: --limit 0 lists all\n")
    assert len(ids(capsys, "--limit=0")) == 33
    assert ids(capsys, "--limit=1") == [run_id(32)]
    assert len(json_ids(capsys)) == 33
    assert len(json_ids(capsys, "--limit=2")) == 2


def test_json_has_a_line_for_each_run(capsys: Printed) -> None:
    folder = kept_run(runs_folder(), 1, git_branch="main", git_sha="ab" * 20)
    found = json.loads(said(capsys, "--json"))
    assert found["path"] == str(folder.path)
    assert found["state"] == "finished"
    assert found["cases"] == {"ok": 1, "failed": 0, "skipped": 0}
    assert (found["suites"], found["models"], found["devices"]) == (["s"], ["m"], ["CPU"])
    assert (found["git_branch"], found["exit_status"], found["fault"]) == ("main", 0, None)


def test_runs_of_another_directory_and_single_files_are_listed_too(
    tmp_path: Path, capsys: Printed
) -> None:
    kept_run(tmp_path, 1)
    stored_run(tmp_path, 2)
    (tmp_path / f"{run_id(3)}.json").write_text("{}")
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / "other").mkdir()
    lines = said(capsys, f"--dir={tmp_path}").splitlines()[1:]
    assert [line.split()[0] for line in lines] == [run_id(3), run_id(2), run_id(1)]
    assert "cannot be read" in lines[0]
    assert main(["runs", "--dir=gone"]) == 2
    assert capsys.readouterr().err == "--dir 'gone': no such directory\n"


def test_a_run_file_that_an_editor_has_saved_anew_is_read(capsys: Printed) -> None:
    """With the three bytes before it that some begin a file with."""
    file = stored_run(runs_folder(), 1, [made_case("b[one-CPU]")])
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert ids(capsys) == [run_id(1)]
    assert ids(capsys, "--limit=99999999999999999999") == [run_id(1)]


def test_an_empty_store_says_how_to_fill_it(capsys: Printed) -> None:
    assert main(["runs"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "there is no run yet: a session with --suite makes one" in captured.err


def test_what_would_steer_the_terminal_is_written_out(capsys: Printed) -> None:
    kept_run(runs_folder(), 1, git_branch="\x1b[31mred", git_sha="ab" * 20)
    assert "\\x1b[31mred@abababa" in said(capsys)


@pytest.mark.parametrize("command", ["runs", "history p50_latency_ms"])
def test_nothing_is_imported_that_takes_longer_than_reading_runs(command: str) -> None:
    """What would make it slow, whatever machine this is."""
    kept_run(runs_folder(), 1)
    code = (
        f"import sys; from pytest_modelbench.cli import main; status = main({command.split()!r}); "
        "heavy = {'pydantic', 'pytest', 'numpy', 'scipy', 'rich', 'filelock'} & set(sys.modules); "
        "sys.exit(f'imported: {heavy}' if heavy else status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert "10 ms" in done.stdout or run_id(1) in done.stdout


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    for number in range(40):
        kept_run(runs_folder(), number)
    command = [sys.executable, "-m", "pytest_modelbench.cli", "runs", "--limit=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        assert listing.stdout is not None
        listing.stdout.close()
        assert listing.stderr is not None
        assert listing.stderr.read() == b""
        assert listing.wait(300) == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_another_s_run_may_be_closed_to_us(capsys: Printed) -> None:
    kept_run(runs_folder(), 1)
    other = kept_run(runs_folder(), 2)
    other.path.chmod(0)
    try:
        lines = said(capsys).splitlines()
        assert lines[1].startswith(run_id(2))
        assert lines[1].endswith("cannot be read: its directory may not be looked into")
        assert lines[2].startswith(run_id(1))
        assert main(["show", "last"]) == 0
        capsys.readouterr()
        assert main(["history", "p50_latency_ms"]) == 0
        assert f"{run_id(2)}: its directory may not be looked" in capsys.readouterr().err
        assert main(["show", run_id(2)]) == 1
        closed = f"{run_id(2)}: its directory may not be looked into"
        assert capsys.readouterr().err == f"{closed}\n"
        for refused in ("last", run_id(2)):
            assert main(["compare", refused, run_id(2)]) != 0
            assert closed in capsys.readouterr().err
        assert main(["prune", "--keep=1", "--yes"]) == 0
        assert capsys.readouterr().err == f"{closed}: it stays\n"
        assert main(["prune", "--keep=0", "--yes"]) == 0
        capsys.readouterr()
        assert ids(capsys) == [run_id(2)]
    finally:
        other.path.chmod(0o700)
