"""`modelbench compare`: runs held against each other after the fact."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_runs import (
    SYSTEM,
    begun_run,
    kept_run,
    made_case,
    made_run,
    milliseconds,
    run_id,
    stored_run,
)

from pytest_modelbench.cli import main
from pytest_modelbench.results.metric import failed, measured
from pytest_modelbench.results.packed import pack
from pytest_modelbench.results.project import Project
from pytest_modelbench.results.run import BenchmarkRun, CaseResult, TakenOver
from pytest_modelbench.results.store import runs_folder
from pytest_modelbench.results.timing_record import TimingRecord

Printed = pytest.CaptureFixture[str]


def stored(number: int, latency: float = 10.0, **fields: Any) -> Path:
    return stored_run(runs_folder(), number, [case(latency)], **fields)


def case(latency: float, name: str = "b[m-CPU]", **metrics: float) -> CaseResult:
    return made_case(
        name,
        {
            "p50_latency_ms": milliseconds(latency),
            "failure_count": measured(0.0),
            **{key: measured(value) for key, value in metrics.items()},
        },
    )


def test_a_slower_run_is_a_regression_and_exit_status_1(capsys: Printed) -> None:
    stored(1)
    stored(2, 100.0)
    assert main(["compare", run_id(1), "last"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("b[m-CPU]: p50 latency 10 -> 100 ms, +900.0 % [")
    assert said.count("\n") == 1
    assert main(["compare", "last", run_id(1)]) == 0
    assert "-90.0 %" in capsys.readouterr().out


def test_runs_are_named_as_for_a_session(tmp_path: Path, capsys: Printed) -> None:
    stored(1, git_branch="main", git_dirty=False)
    file = made_run(2, [case(100.0)]).save(tmp_path / "new.json")
    assert main(["compare", "branch:main", str(file)]) == 1
    assert main(["compare", "branch:dev", str(file)]) == 2
    assert "none of branch 'dev'" in capsys.readouterr().err


def test_runs_are_named_by_their_directories_too_and_may_lie_elsewhere(
    tmp_path: Path, capsys: Printed
) -> None:
    first = kept_run(tmp_path, 1, [case(10.0)])
    second = kept_run(tmp_path, 2, [case(100.0)])
    assert main(["compare", str(first.path), str(second.path)]) == 1
    said = capsys.readouterr().out
    assert "p50 latency 10 -> 100 ms" in said
    for b in ("last", run_id(2), str(second.run_file)):
        assert main(["compare", run_id(1), b, f"--dir={tmp_path}"]) == 1
        assert capsys.readouterr().out == said
    killed = begun_run(tmp_path, 3, [case(10.0)], total=2)
    assert main(["compare", str(first.path), str(killed.path)]) == 2
    assert "was killed: modelbench recover" in capsys.readouterr().err


def test_what_the_suite_asked_is_asked_unless_metrics_are_named(capsys: Printed) -> None:
    criteria = [{"id": "none lost", "metric": "failure_count", "max_regression": 0}]
    stored(1)
    stored(2, 100.0, criteria=criteria)
    assert main(["compare", run_id(1), run_id(2)]) == 0
    assert capsys.readouterr().out == ("b[m-CPU]: failure count 0 -> 0, +0, tolerance 0: pass\n")
    assert main(["compare", run_id(1), run_id(2), "--metric=p50_latency_ms"]) == 1
    both = ["--metric=p50_latency_ms", "--metric=failure_count", "--max-regression=2000%"]
    assert main(["compare", run_id(1), run_id(2), *both]) == 0
    said = capsys.readouterr().out
    assert "tolerance 2000 %: pass" in said
    assert "failure count" in said


def test_the_allowed_amount_may_be_in_the_metric_s_unit(capsys: Printed) -> None:
    stored(1)
    stored(2, 100.0)
    assert main(["compare", run_id(1), run_id(2), "--max-regression", "500"]) == 0
    assert "+90 [+69, +117], tolerance 500: pass" in capsys.readouterr().out
    assert main(["compare", run_id(1), run_id(2), "--max-regression", "some"]) == 2
    assert "--max-regression 'some' should be a share" in capsys.readouterr().err


def test_what_differs_is_told_and_can_be_allowed(capsys: Printed) -> None:
    stored(1, system=SYSTEM.model_copy(update={"cpu_info": "Processor B"}))
    stored(2, 100.0)
    assert main(["compare", run_id(1), run_id(2)]) == 0
    said = capsys.readouterr().out
    assert "inconclusive: machine: processor Processor B -> Processor A" in said
    assert "note: not the same on both sides: machine: " in said
    assert main(["compare", run_id(1), run_id(2), "--allow=machine"]) == 1
    assert main(["compare", run_id(1), run_id(2), "--allow=machines"]) == 2
    assert "did you mean 'machine'?" in capsys.readouterr().err


def test_earlier_runs_say_how_quiet_the_machine_is_but_not_the_one_that_is_judged(
    capsys: Printed,
) -> None:
    for number in range(12):
        stored(number, 10.0 + 0.01 * (number % 3))
    stored(20, 11.5)
    assert main(["compare", run_id(11), run_id(20)]) == 1
    assert "noise between sessions 0.085 %, by 12 of them" in capsys.readouterr().out


def test_cases_of_one_run_alone_are_named_beside_the_verdicts(
    tmp_path: Path, capsys: Printed
) -> None:
    old = made_run(1, [case(10.0, "b[m-CPU]")]).save(tmp_path / "old.json")
    new = made_run(2, [case(10.0, "b[m-CPU]"), case(10.0, "c[m-CPU]")]).save(tmp_path / "new.json")
    assert main(["compare", str(old), str(new)]) == 0
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    assert printed.err == f"not in run {run_id(1)}: s::c[m-CPU]\n"


def test_runs_without_a_case_in_common_cannot_be_compared(tmp_path: Path, capsys: Printed) -> None:
    one = made_run(1, [case(10.0, "b[m-CPU]")]).save(tmp_path / "one.json")
    other = made_run(2, [case(10.0, "c[m-CPU]")]).save(tmp_path / "other.json")
    assert main(["compare", str(one), str(other)]) == 2
    assert capsys.readouterr().err == (
        f"'{one}' and '{other}' have no case in common: the first has s::b[m-CPU], "
        "the second s::c[m-CPU]\n"
    )


def test_a_run_is_not_compared_with_itself(capsys: Printed) -> None:
    stored(1)
    assert main(["compare", "last", run_id(1)]) == 2
    assert "are the same run" in capsys.readouterr().err


def test_a_metric_that_no_case_has_is_refused(capsys: Printed) -> None:
    stored(1)
    stored(2)
    assert main(["compare", run_id(1), run_id(2), "--metric=p50_latency"]) == 2
    assert capsys.readouterr().err == (
        "--metric 'p50_latency': no case has it; did you mean 'p50_latency_ms'?\n"
    )


def accuracy(value: float, **metadata: Any) -> CaseResult:
    return made_case(metrics={"my_accuracy": measured(value, **metadata)})


def of_accuracy(*extra: str) -> int:
    return main(["compare", run_id(1), run_id(2), "--metric=my_accuracy", *extra])


def test_a_metric_of_which_nothing_says_which_way_is_better_is_refused(capsys: Printed) -> None:
    for number, value in ((1, 0.9), (2, 0.5)):
        stored_run(runs_folder(), number, [accuracy(value, better="neither")])
    assert of_accuracy() == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "--metric 'my_accuracy': nothing says which way is better: neither a criterion of its "
        "suite, nor the metric itself, nor the catalogue: give --better lower or --better higher\n"
    )
    # Nothing is known of its noise.
    assert of_accuracy("--better=higher") == 0
    assert "my accuracy 0.9 -> 0.5, -44.4 %, tolerance 5 %: inconclusive" in capsys.readouterr().out
    assert main(["compare", run_id(1), run_id(2), "--better=higher"]) == 2
    assert "--better higher is about metrics" in capsys.readouterr().err


@pytest.mark.parametrize("by", ["metric", "criterion", "option"])
def test_a_fall_of_what_should_be_high_is_no_improvement(by: str, capsys: Printed) -> None:
    criteria = [{"id": "c", "metric": "my_accuracy", "goal": "max"}] if by == "criterion" else []
    own = {"better": "higher"} if by == "metric" else {}
    for number in range(3, 20):  # earlier sessions say how much it differs
        value = 0.9 + 0.001 * (number % 2)
        stored_run(runs_folder(), number, [accuracy(value, **own)], criteria=criteria)
    stored_run(runs_folder(), 20, [accuracy(0.5, **own)], criteria=criteria)
    asked = ["compare", run_id(19), run_id(20), "--metric=my_accuracy"]
    asked += ["--better=higher"] if by == "option" else []
    assert main(asked) == 1
    assert ": regression" in capsys.readouterr().out
    asked[1:3] = [run_id(20), run_id(19)]
    assert main(asked) == 0
    assert "regression" not in capsys.readouterr().out


def test_a_tolerance_that_equal_code_would_break_is_refused(capsys: Printed) -> None:
    tails = made_case(metrics={"p50_latency_ms": 10.0, "p95_latency_ms": 20.0})
    for number in (1, 2):
        stored_run(runs_folder(), number, [tails])
    tail = ["compare", run_id(1), run_id(2), "--metric=p95_latency_ms"]
    assert main([*tail, "--max-regression=1%"]) == 2
    assert capsys.readouterr().err == (
        "--max-regression of p95_latency_ms should be 15% or more, not 1 %: so far out, equal "
        "code differs by as much\n"
    )
    assert main([*tail, "--max-regression=3"]) == 2
    assert "should be a share, 15% or more, not 3" in capsys.readouterr().err
    assert main(tail) == 0
    assert "tolerance 15 %: " in capsys.readouterr().out


def test_a_criterion_that_is_no_longer_accepted_is_a_sentence(capsys: Printed) -> None:
    stored(1)
    file = stored(2, criteria=[{"id": "tail", "metric": "p95_latency_ms"}])
    value = json.loads(file.read_text())
    value["suites"][0]["criteria"][0]["max_regression"] = 3.0
    file.write_text(json.dumps(value))
    assert main(["compare", run_id(1), run_id(2)]) == 1
    assert capsys.readouterr().err.startswith(
        f"run {run_id(2)}: its criterion 'tail' cannot be used: 'max_regression' of p95_latency_ms"
    )


def test_with_one_run_there_is_nothing_to_allow(capsys: Printed) -> None:
    stored(1)
    assert main(["compare", "last", "--allow=machine"]) == 2
    assert capsys.readouterr().err == (
        "--allow 'machine' needs two runs: with one its own sides are judged\n"
    )


def test_a_run_in_which_nothing_was_compared_has_no_verdicts(capsys: Printed) -> None:
    stored(1)
    assert main(["compare", "last"]) == 2
    assert "nothing was compared in this run" in capsys.readouterr().err


def test_the_verdicts_of_a_run_are_shown_in_the_same_words(tmp_path: Path, capsys: Printed) -> None:
    stored(1)
    stored(2, 100.0)
    main(["compare", run_id(1), run_id(2)])
    words = capsys.readouterr().out
    # As a session with --suite-baseline stores it.
    file = tmp_path / "compared.json"
    _with_comparisons(run_id(1), run_id(2)).save(file)
    assert main(["compare", str(file)]) == 1
    assert capsys.readouterr().out == f"{words}note: held against run {run_id(1)}\n"
    assert main(["compare", str(file), "--max-regression=2000%"]) == 2
    assert "whose figures are not in it: name both runs" in capsys.readouterr().err


def _with_comparisons(baseline: str, name: str) -> BenchmarkRun:
    from pytest_modelbench.judge.question import usual_question
    from pytest_modelbench.judge.stored.comparison import Against, stored_comparison
    from pytest_modelbench.judge.stored.history import History
    from pytest_modelbench.judge.stored.measured_case import cases_of
    from pytest_modelbench.results.find_run import find_run

    run = find_run(name)[1]
    against = Against(find_run(baseline)[1], History([]))
    made = [stored_comparison(one, [usual_question("5%")], against) for one in cases_of(run)]
    return run.model_copy(update={"comparisons": made})


def test_markdown_is_that_of_a_report(capsys: Printed) -> None:
    stored(1)
    stored(2, 100.0)
    assert main(["compare", run_id(1), run_id(2), "--markdown"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("**1 regression**")
    assert "| b\\[m-CPU] | p50 latency | 10 ms | 100 ms | +900.0 %" in said


def test_several_suites_stand_apart(tmp_path: Path, capsys: Printed) -> None:
    def both(latency: float) -> list[CaseResult]:
        return [made_case(metrics={"p50_latency_ms": latency}, suite=suite) for suite in ("x", "y")]

    one = made_run(1, both(10.0)).save(tmp_path / "one.json")
    other = made_run(2, both(100.0)).save(tmp_path / "other.json")
    assert main(["compare", str(one), str(other)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line in ("x:", "y:")] == ["x:", "y:"]
    assert len(lines) == 4


def test_a_faulty_file_is_a_sentence(tmp_path: Path, capsys: Printed) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"schema_version": "1"}))
    assert main(["compare", str(file)]) == 1
    assert "not a run that can be read" in capsys.readouterr().err


def gone_wrong(name: str, **metrics: Any) -> CaseResult:
    return made_case(name, status="error", detail="it crashed", metrics={}, **metrics)


def compared(tmp_path: Path, before: list[CaseResult], after: list[CaseResult]) -> int:
    files = [
        str(made_run(number, cases).save(tmp_path / f"{number}.json"))
        for number, cases in ((1, before), (2, after))
    ]
    return main(["compare", *files])


def test_a_case_that_went_wrong_is_named_and_no_success(tmp_path: Path, capsys: Printed) -> None:
    both = [case(10.0), case(10.0, "c[m-CPU]")]
    assert compared(tmp_path, both, [case(10.0), gone_wrong("c[m-CPU]")]) == 1
    assert "c[m-CPU]: not compared: it crashed\n" in capsys.readouterr().out
    assert compared(tmp_path, both[1:], [gone_wrong("c[m-CPU]")]) == 1
    assert capsys.readouterr().out == "c[m-CPU]: not compared: it crashed\n"


def test_what_went_wrong_before_as_well_is_named_and_no_failure(
    tmp_path: Path, capsys: Printed
) -> None:
    wrong = gone_wrong("c[m-CPU]")
    assert compared(tmp_path, [case(10.0), wrong], [case(10.0), wrong]) == 0
    assert "c[m-CPU]: not compared: it crashed\n" in capsys.readouterr().out


def test_a_metric_that_went_wrong_is_no_success(tmp_path: Path, capsys: Printed) -> None:
    wrong = made_case(metrics={"p50_latency_ms": failed("no clock", "ms")})
    assert compared(tmp_path, [case(10.0)], [wrong]) == 1
    assert "inconclusive: the candidate has no value: no clock" in capsys.readouterr().out


def test_a_case_that_is_gone_is_named_beside_the_verdicts(tmp_path: Path, capsys: Printed) -> None:
    assert compared(tmp_path, [case(10.0), case(10.0, "c[m-CPU]")], [case(10.0)]) == 0
    assert capsys.readouterr().err == f"not in run {run_id(2)}, but in the baseline: s::c[m-CPU]\n"
    # One whose place another model took is not gone, and both are named.
    assert compared(tmp_path, [case(10.0, "b[old-CPU]")], [case(100.0, "b[new-CPU]")]) == 1
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.endswith("; model new in place of old\n")


def test_the_option_that_accepts_a_difference_is_the_command_s_own(capsys: Printed) -> None:
    stored(1, system=SYSTEM.model_copy(update={"cpu_info": "Processor B"}))
    stored(2)
    main(["compare", run_id(1), run_id(2)])
    said = capsys.readouterr().out
    assert "(--allow accepts: machine)" in said
    assert "--suite-baseline-allow" not in said


def test_wrong_usage_is_told_from_a_regression_by_its_status(tmp_path: Path) -> None:
    stored(1)
    slow = stored(2, 100.0)
    usual = ["compare", run_id(1), run_id(2)]
    assert main(usual) == 1
    for wrong in (
        ["compare", run_id(1), str(tmp_path / "gone.json")],
        ["compare", "benchmark_1999", run_id(1)],
        [*usual, "--max-regression=abc"],
        [*usual, "--metric=nonsense"],
        [*usual, "--better=lower"],
        [*usual, "--allow=weather"],
    ):
        assert main(wrong) == 2, wrong
    slow.write_text("{")  # a fault of the file
    assert main(["compare", run_id(1), str(slow)]) == 1


def test_last_is_of_the_same_suite_and_has_measured_its_case_and_is_named(
    capsys: Printed,
) -> None:
    stored(1)
    stored_run(runs_folder(), 2, [gone_wrong("b[m-CPU]")])
    stored_run(runs_folder(), 3, [made_case("b[m-CPU]", suite="other")])
    stored(4, 100.0)
    file = runs_folder() / f"{run_id(4)}.json"
    moved = file.rename(runs_folder() / "mine.json")
    assert main(["compare", "last", str(moved)]) == 1
    said = capsys.readouterr()
    assert said.err == f"last is run {run_id(1)}\n"
    assert "p50 latency 10 -> 100 ms" in said.out


def test_a_run_is_held_against_the_one_before_it_though_it_is_the_last(
    tmp_path: Path, capsys: Printed
) -> None:
    stored(1)
    newest = stored(2, 100.0)
    newest_elsewhere = tmp_path / "run.json"
    newest_elsewhere.write_text(newest.read_text())
    assert main(["compare", "last", str(newest_elsewhere)]) == 1
    assert capsys.readouterr().err == f"last is run {run_id(1)}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="a pipe whose reader is gone")
def test_a_reader_that_has_seen_enough_changes_no_verdict() -> None:
    """However much it leaves unread."""
    many = [case(10.0, f"b[{number}-CPU]") for number in range(300)]
    stored_run(runs_folder(), 1, many)
    stored_run(runs_folder(), 2, [case(100.0, one.id.removeprefix("s::")) for one in many])
    theirs, ours = os.pipe()
    os.close(theirs)
    command = [sys.executable, "-m", "pytest_modelbench.cli", "compare", run_id(1), run_id(2)]
    done = subprocess.run(command, stdout=ours, stderr=subprocess.PIPE, text=True, check=False)
    os.close(ours)
    assert (done.returncode, done.stderr) == (1, "")


def test_last_of_another_project_is_not_chosen(capsys: Printed) -> None:
    for number, latency, name in ((1, 10.0, "a"), (2, 10.0, "b"), (3, 100.0, "a")):
        project = Project(root=f"/{name}", first_commit=name * 40, remote=None)
        run = made_run(number, [case(latency)], project=project)
        suites = [one.model_copy(update={"file": f"/{name}/s.json"}) for one in run.suites]
        file = f"{run_id(number)}.json" if number < 3 else "mine.json"
        run.model_copy(update={"suites": suites}).save(runs_folder() / file)
    assert main(["compare", "last", str(runs_folder() / "mine.json")]) == 1
    assert capsys.readouterr().err == f"last is run {run_id(1)}\n"


def test_a_measurement_that_was_taken_over_says_nothing_of_the_noise_it_is_judged_by(
    capsys: Printed,
) -> None:
    """Interrupted, and resumed in the run that is judged: it is one measurement."""
    stored(1, 10.0)
    stored(2, 15.0)
    resumed = case(15.0).model_copy(
        update={"taken_over": [TakenOver(run_id=run_id(2), what="case", samples=None)]}
    )
    stored_run(runs_folder(), 3, [resumed])
    assert main(["compare", run_id(1), run_id(3)]) == 1
    assert ": regression" in capsys.readouterr().out


def test_with_calls_in_flight_their_rate_is_asked_as_in_a_session(capsys: Printed) -> None:
    timing = TimingRecord(
        warmup=pack([1]), warmup_ended_by="count", warmup_rule="1 call", durations=pack([1]),
        first_round=1, repeated=0, stopped_by="enough", in_flight=4,
    )  # fmt: skip
    for number, rate in ((1, 100.0), (2, 30.0)):
        metrics = {
            "p50_latency_ms": milliseconds(10.0),
            "throughput_items_per_second": measured(rate, "items/s"),
        }
        stored_run(runs_folder(), number, [made_case(metrics=metrics, timing=timing)])
    assert main(["compare", run_id(1), run_id(2)]) == 1
    assert "throughput 100 -> 30" in capsys.readouterr().out


def test_what_measured_no_time_is_not_asked_about_it(capsys: Printed) -> None:
    for number, value in ((1, 0.1), (2, 0.9)):
        stored_run(runs_folder(), number, [case(10.0), made_case("t[own]", {"own": value})])
    assert main(["compare", run_id(1), run_id(2)]) == 0
    assert "t[own]" not in capsys.readouterr().out
    named = ["--metric=own", "--better=lower", "--max-regression=10%"]
    main(["compare", run_id(1), run_id(2), *named])
    assert "own 0.1 -> 0.9" in capsys.readouterr().out


def test_a_run_and_a_copy_of_its_file_are_one(capsys: Printed) -> None:
    kept_run(runs_folder(), 1, [case(10.0)])
    stored(1)
    stored(2, 100.0)
    assert main(["compare", run_id(1), run_id(2)]) == 1


def test_of_one_run_too_a_metric_that_went_wrong_is_no_success(
    tmp_path: Path, capsys: Printed
) -> None:
    stored(1)
    stored(2)
    run = _with_comparisons(run_id(1), run_id(2))
    assert main(["compare", str(run.save(tmp_path / "well.json"))]) == 0
    [good] = run.cases
    wrong = good.model_copy(update={"metrics": {**good.metrics, "wer": failed("no words")}})
    file = run.model_copy(update={"cases": [wrong]}).save(tmp_path / "wrong.json")
    assert main(["compare", str(file)]) == 1
