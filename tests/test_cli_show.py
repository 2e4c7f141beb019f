"""`modelbench show`: one run, whatever has become of its session."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from made_runs import (
    begun_run,
    kept_run,
    made_case,
    made_comparison,
    made_run,
    milliseconds,
    run_id,
    stored_run,
)

from pytest_modelbench.cli import main
from pytest_modelbench.results.judgement import BoundCheck
from pytest_modelbench.results.metric import failed, skipped
from pytest_modelbench.results.run import BenchmarkRun, CaseResult
from pytest_modelbench.results.store import runs_folder

Printed = pytest.CaptureFixture[str]
CHECK = BoundCheck(
    criterion="fast", what="p50_latency_ms", value=10.0, interval=None, unit="ms", min=None,
    max=20.0, outcome="passed", message="p50_latency_ms 10 ms is at most 20 ms",
)  # fmt: skip


def said(capsys: Printed, *arguments: str) -> str:
    assert main(["show", *arguments]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def refusal(capsys: Printed, *arguments: str, status: int = 2) -> str:
    assert main(["show", *arguments]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line


def cases() -> list[CaseResult]:
    metrics = {
        "p50_latency_ms": milliseconds(12.5),
        "peak_vram_mb": skipped("device 'CPU' has no memory of its own", "MB"),
        "odd": failed("division by zero"),
    }
    broken = made_case("b[two-CPU]", status="error", detail="it broke", trace="Traceback:\n  deep")
    return [made_case("b[one-CPU]", metrics, bounds=[CHECK]), broken]


def test_the_tables_are_those_of_the_session_s_end(
    pytester: pytest.Pytester, echo_suite: object, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    echo_suite()  # type: ignore[operator]
    monkeypatch.setenv("COLUMNS", "120")
    lines = pytester.runpytest("echo.json").stdout.lines
    capsys.readouterr()  # what pytester prints of that session
    first = next(at for at, line in enumerate(lines) if "modelbench: echo (2 cases)" in line)
    last = next(at for at, line in enumerate(lines) if line.startswith("run written to "))
    shown = said(capsys, "last").splitlines()
    assert shown[:-1] == lines[first:last]
    assert len(shown) > 6
    assert shown[-1] == lines[last].replace("run written to", "run file:")


def test_a_run_is_named_in_any_way(tmp_path: Path, capsys: Printed) -> None:
    folder = kept_run(runs_folder(), 1, git_branch="main", git_dirty=False)
    kept_run(runs_folder(), 2, git_branch="main", git_dirty=True)
    kept_run(runs_folder(), 3, git_branch="dev")
    file = made_run(4).save(tmp_path / "copy.json")
    for name, number in {
        "last": 3, "branch:main": 1, run_id(2): 2, str(folder.path): 1, str(folder.run_file): 1,
        str(file): 4,
    }.items():  # fmt: skip
        found = json.loads(said(capsys, name, "--raw"))
        assert found["metadata"]["run_id"] == run_id(number), name
    assert "is the beginning of 3 runs (newest: " in refusal(capsys, "benchmark_20260301")
    assert refusal(capsys, "gone.json") == "'gone.json': no such file"
    assert refusal(capsys, "x").startswith("'x' is neither a file nor 'last', 'branch:NAME' or ")
    assert "of branch 'other'" in refusal(capsys, "branch:other")
    assert "is a directory: name a run file" in refusal(capsys, str(tmp_path))


def test_last_is_the_newest_also_if_it_was_dry_or_killed(capsys: Printed) -> None:
    kept_run(runs_folder(), 1)
    kept_run(runs_folder(), 2, dry_run=True)
    assert "(1 case, dry run)" in said(capsys, "last")
    begun_run(runs_folder(), 3, [made_case("b[one-CPU]")], total=2)
    shown = said(capsys, "last")
    assert f"modelbench recover {run_id(3)} makes the run file" in shown.splitlines()[0]
    assert "b[one-CPU]" in shown
    assert "not run: the session ended before" in shown
    assert "run file:" not in shown


def test_commands_that_are_named_look_where_the_run_is(tmp_path: Path, capsys: Printed) -> None:
    store = tmp_path / "my runs"
    folder = begun_run(store, 1, [made_case()], total=2)
    for named in (["last", f"--dir={store}"], [str(folder.path)]):
        shown = said(capsys, *named).splitlines()[0]
        command = f"modelbench recover {run_id(1)} --dir {shlex.quote(str(store))}"
        assert f"; {command} makes the run file" in shown
    assert main(["watch", f"--dir={store}"]) == 1
    ended = f"modelbench show {run_id(1)} --dir {shlex.quote(str(store))})"
    assert capsys.readouterr().err.endswith(f"(the newest there has ended: {ended}\n")
    assert main(["watch", run_id(1), f"--dir={store}"]) == 1
    assert f"its run file: {command}\n" in capsys.readouterr().err
    assert main(shlex.split(command)[1:]) == 0


def test_a_newer_run_that_cannot_be_read_is_passed_over_and_told(capsys: Printed) -> None:
    kept_run(runs_folder(), 1)
    kept_run(runs_folder(), 2).run_file.write_text("[]")
    shown = said(capsys, "last")
    assert shown.splitlines()[0].startswith(f"passed over {run_id(2)}: ")
    assert "modelbench: s (1 case)" in shown
    assert "not a run that can be read" in refusal(capsys, run_id(2), status=1)


def test_a_running_session_is_shown_as_far_as_it_is(capsys: Printed) -> None:
    alive = begun_run(runs_folder(), 1, [made_case("b[one-CPU]")], total=3)
    held = alive.hold()
    try:
        shown = said(capsys, run_id(1))
        assert main(["show", run_id(1), "--raw"]) == 0
    finally:
        held.release()
    assert "its session is still running: this is what it has measured so far" in shown
    assert "(3 cases)" in shown
    captured = capsys.readouterr()
    assert len(json.loads(captured.out)["cases"]) == 3  # what else is said is no JSON
    assert "still running" in captured.err


def test_raw_is_the_run_as_it_is_kept(capsys: Printed) -> None:
    folder = kept_run(runs_folder(), 1, cases())
    assert said(capsys, "last", "--raw") == folder.run_file.read_text()


def test_detailed_has_every_metric_with_its_interval_or_its_reason(capsys: Printed) -> None:
    kept_run(runs_folder(), 1, cases(), git_sha="ab" * 20, git_branch="main", git_dirty=True)
    shown = said(capsys, "last", "--detailed")
    assert f"run {run_id(1)}: " in shown
    assert "code main@abababababab+, exit status 0" in shown
    assert re.search(r"p50_latency_ms  12.5 ms  \[12.4, 12.6\] at 95 %  of 500\n", shown)
    assert re.search(r"peak_vram_mb +skipped: device 'CPU' has no memory of its own\n", shown)
    assert re.search(r"odd +error: division by zero\n", shown)
    assert "bound       passed: p50_latency_ms 10 ms is at most 20 ms" in shown
    assert "s::b[two-CPU]: error: it broke" in shown
    assert "conditions  workers=1, lock=host" in shown


def test_errors_have_their_traces_and_each_reason_stands_once(capsys: Printed) -> None:
    missing = [made_case(f"b[{name}-CPU]", status="skipped", detail="no GPU") for name in "xy"]
    kept_run(runs_folder(), 1, [*cases(), *missing])
    assert said(capsys, "last", "--errors").splitlines() == [
        "error: s::b[one-CPU]: odd",
        "    division by zero",
        "error: s::b[two-CPU]: it broke",
        "    Traceback:",
        "      deep",
        "skipped: no GPU",
        "    s::b[x-CPU]",
        "    s::b[y-CPU]",
        "skipped: peak_vram_mb",
        "    device 'CPU' has no memory of its own",
    ]
    kept_run(runs_folder(), 2)
    assert said(capsys, "last", "--errors") == "no error, nothing was skipped\n"


def test_cases_can_be_chosen_by_name(capsys: Printed) -> None:
    kept_run(runs_folder(), 1, [*cases(), made_case("c[one-CPU]", suite="t")])
    shown = said(capsys, "last", "--case=b[two-CPU]", "--errors")
    assert "it broke" in shown
    assert "division" not in shown
    shown = said(capsys, "last", "--case=*[one-CPU]")
    assert "modelbench: s (1 case)" in shown
    assert "modelbench: t (1 case)" in shown
    assert "no case of the run is called so: it has s::b[one-CPU], s::b[two-CPU]" in refusal(
        capsys, "last", "--case=b[three-CPU]"
    )


@pytest.mark.parametrize("pattern", ["c[m-CPU]", "s::c[m-CPU]", "c[m-CPU]@candidate", "?[m-CPU]"])
def test_what_was_compared_is_shown_with_its_sides_by_the_name_that_verdicts_have(
    pattern: str, capsys: Printed
) -> None:
    names = ("baseline", "candidate")
    run = made_run(1, [made_case("b[n-CPU]"), *(made_case(f"c[m-CPU]@{name}") for name in names)])
    made = [
        made_comparison("c[m-CPU]", *names),
        made_comparison("d[m-CPU]", status="error", detail="no such revision"),
    ]
    run.model_copy(update={"comparisons": made}).save(runs_folder() / f"{run_id(1)}.json")
    found = BenchmarkRun.model_validate_json(said(capsys, "last", "--raw", f"--case={pattern}"))
    assert [case.id for case in found.cases] == [
        f"s::c[m-CPU]@{name}"
        for name in names
        if not pattern.endswith("@candidate") or name in pattern
    ]
    kept = ["s::c[m-CPU]", "s::d[m-CPU]"] if pattern[0] == "?" else ["s::c[m-CPU]"]
    assert [one.id for one in found.comparisons] == kept
    assert "no such revision" in said(capsys, "last", "--case=d[*", "--errors")


def test_a_case_that_was_chosen_still_has_what_the_run_says_of_it(capsys: Printed) -> None:
    kept_run(runs_folder(), 1, cases())
    found = BenchmarkRun.model_validate_json(said(capsys, "last", "--raw", "--case=b[one-CPU]"))
    assert [case.id for case in found.cases] == ["s::b[one-CPU]"]


def test_a_name_that_would_steer_the_terminal_is_written_out(capsys: Printed) -> None:
    broken = made_case(status="error", detail="\x1b[2Jgone", trace="a\x1b]0;title\x07b")
    stored_run(runs_folder(), 1, [broken])
    for how in ([], ["--detailed"], ["--errors"]):
        assert "\x1b" not in said(capsys, "last", *how)


@pytest.mark.parametrize("both", [["--raw", "--errors"], ["--detailed", "--raw"]])
def test_two_ways_at_once_are_wrong_usage(both: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["show", "last", *both])
    assert caught.value.code == 2
