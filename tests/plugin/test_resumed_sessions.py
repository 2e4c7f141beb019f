"""What an earlier session measured is taken over where it still holds, and only there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from slow_teller import Tale, newest, newest_run

from pytest_modelbench.cli import main as modelbench
from pytest_modelbench.results.run import BenchmarkRun
from pytest_modelbench.results.store import runs_folder
from pytest_modelbench.runs.folder import make_run_folder, run_folders

EchoSuite = Callable[..., Path]
Runs = Callable[[], list[BenchmarkRun]]
FAILING = """

_load = Echo.load

def load(self, candidate, device, params):
    import os
    if candidate.version == "two" and not os.path.exists("mended"):
        raise RuntimeError("two is broken")
    return _load(self, candidate, device, params)

Echo.load = load
"""


@pytest.fixture
def broken(pytester: pytest.Pytester, echo_suite: EchoSuite) -> Callable[..., pytest.RunResult]:
    """Sessions of a suite in which model `two` fails until a file `mended` is there."""
    echo_suite()
    conftest = pytester.path / "conftest.py"
    conftest.write_text(conftest.read_text() + FAILING)
    return lambda *more: pytester.runpytest("echo.json", *more)


def taken(run: BenchmarkRun) -> list[bool]:
    return [any(one.what == "case" for one in case.taken_over) for case in run.cases]


def test_only_what_is_not_measured_well_is_measured(
    broken: Callable[..., pytest.RunResult], pytester: pytest.Pytester, runs: Runs
) -> None:
    result = broken()
    result.assert_outcomes(passed=1, failed=1)
    first = runs()[0].metadata.run_id
    result.stdout.fnmatch_lines(
        [
            f"why it failed, in full: modelbench show {first} --errors",
            f"only what went wrong, again: *pytest* echo.json* --suite-retry-failed={first}",
        ]
    )
    (pytester.path / "mended").write_text("")
    result = broken("--suite-resume=last")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            f"modelbench: resuming {first} (cases measured: 1, gone wrong: 1, skipped or *: 0)",
            f"note: not measured again but taken over from {first}: shout[[]one-CPU]",
        ]
    )
    second = runs()[1]
    assert taken(second) == [True, False]
    one = runs()[0].cases[0]
    assert second.cases[0].timing == one.timing  # the figures of one session, whole
    # Resumed once more, it still says where it was measured.
    broken("--suite-dry-run").assert_outcomes(skipped=2)
    broken("--suite-resume=last").assert_outcomes(passed=2)
    ids = [[mark.run_id for mark in case.taken_over] for case in runs()[3].cases]
    assert ids == [[first], [second.metadata.run_id]]


def test_a_command_that_is_named_looks_where_the_run_is(
    broken: Callable[..., pytest.RunResult],
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = broken("--suite-output-dir=my runs").stdout
    [first] = run_folders(pytester.path / "my runs")
    command = f"modelbench show {first.run_id} --errors --dir 'my runs'"
    said.fnmatch_lines([f"why it failed, in full: {command}"])
    capsys.readouterr()
    assert modelbench(shlex.split(command)[1:]) == 0
    assert "two is broken" in capsys.readouterr().out


def test_a_retry_leaves_alone_what_did_not_go_wrong(
    broken: Callable[..., pytest.RunResult], pytester: pytest.Pytester, runs: Runs
) -> None:
    broken("-k", "two").assert_outcomes(failed=1)
    (pytester.path / "mended").write_text("")
    result = broken("--suite-retry-failed=last", "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    run_id = runs()[0].metadata.run_id
    result.stdout.fnmatch_lines([f"*did not go wrong in {run_id} (--suite-retry-failed)"])


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize(
    "change",
    ["params", "dataset", "measure", "quality"],
)
def test_what_has_changed_since_is_measured_again(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs, change: str
) -> None:
    file = echo_suite()
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    suite = json.loads(file.read_text())
    if change == "dataset":
        rows = (pytester.path / "data.jsonl").read_text().splitlines()
        (pytester.path / "data.jsonl").write_text("\n".join([*rows[:2], rows[0]]))
    elif change == "measure":
        suite["measure"]["min_samples"] = 6
    elif change == "quality":
        suite["benchmarks"][0]["quality"] = ["exact_match", "cer"]
    else:
        suite["benchmarks"][0]["params"] = {"shout": 2}
    file.write_text(json.dumps(suite))
    pytester.runpytest("echo.json", "--suite-resume=last")
    assert taken(runs()[1]) == [False, False]


@pytest.mark.usefixtures("inline")
def test_criteria_are_judged_anew(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite()
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    echo_suite(criteria=[{"metric": "exact_match", "goal": "max", "min": 0.8}])
    pytester.runpytest("echo.json", "--suite-resume=last", "--suite-strict").assert_outcomes(
        failed=2
    )
    assert taken(runs()[1]) == [True, True]
    assert [case.bounds[0].outcome for case in runs()[1].cases] == ["inconclusive"] * 2


@pytest.mark.usefixtures("inline")
def test_a_wider_suite_measures_what_is_new(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite()
    pytester.runpytest("echo.json", "-k", "one").assert_outcomes(passed=1)
    pytester.runpytest("echo.json", "--suite-resume=last").assert_outcomes(passed=2)
    assert taken(runs()[1]) == [True, False]


@pytest.mark.usefixtures("inline")
def test_another_machine_s_figures_are_never_taken_over(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite()
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    (folder,) = run_folders(runs_folder())
    document = json.loads(folder.run_file.read_text())
    document["system_info"]["hostname"] = "elsewhere"
    document["system_info"]["packages"]["numpy"] = "0.1"
    folder.run_file.write_text(json.dumps(document))
    result = pytester.runpytest("echo.json", "--suite-resume=last")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["nothing is taken over from *: hostname was 'elsewhere' and is *; numpy was 0.1 and is *"]
    )
    assert taken(runs()[1]) == [False, False]


@pytest.mark.usefixtures("inline")
def test_a_run_file_alone_can_be_resumed(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    """As one that a CI job has kept."""
    echo_suite()
    pytester.runpytest("echo.json", "--suite-output=kept.json").assert_outcomes(passed=2)
    pytester.runpytest("echo.json", "--suite-resume=kept.json").assert_outcomes(passed=2)
    assert taken(runs()[1]) == [True, True]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("last", "--suite-resume last: there is no run of suite echo in * yet"),
        ("nothing.json", "--suite-resume 'nothing.json' is neither 'last', a run's directory or *"),
        ("empty", "--suite-resume 'empty': this directory holds no run"),
        (
            "echo.json",
            "not a run that can be read: *echo.json:1: * (and * more: modelbench validate *)",
        ),
    ],
)
def test_what_is_no_run_is_told(
    pytester: pytest.Pytester, echo_suite: EchoSuite, given: str, said: str
) -> None:
    echo_suite()
    (pytester.path / "empty").mkdir()
    result = pytester.runpytest("echo.json", f"--suite-resume={given}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}"])


def test_resuming_and_retrying_exclude_each_other(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    result = pytester.runpytest("echo.json", "--suite-resume=last", "--suite-retry-failed=last")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --suite-resume and --suite-retry-failed exclude *"])


def test_a_case_whose_metric_went_wrong_is_measured_again(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite(
        benchmarks=[
            {"id": "one", "runner": "echo", "model": "one", "quality": ["own_metric:score"]},
            {"id": "two", "runner": "echo", "model": "two"},
        ]
    )
    own = pytester.path / "own_metric.py"
    own.write_text("def score(predictions, references):\n    raise ValueError('a bug')\n")
    result = pytester.runpytest("echo.json")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["only what went wrong, again: *"])
    own.write_text("def score(predictions, references):\n    return 1.0 + 0.0\n")
    result = pytester.runpytest("echo.json", "--suite-retry-failed=last")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*(cases measured: 1, gone wrong: 1, skipped or not come to: 0)"])
    assert taken(runs()[1]) == [False, True]
    assert runs()[1].cases[0].metrics["score"].value == 1.0


def test_what_a_suite_tolerates_is_asked_anew(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    conftest = pytester.path / "conftest.py"
    answering = "return [text.upper() for text in batch]"
    failing = f"if 'b' in batch: raise ValueError('no b')\n        {answering}"
    conftest.write_text(conftest.read_text().replace(answering, failing))
    measure = {"min_samples": 5, "min_seconds": 0, "warmup": 0}
    echo_suite(measure={**measure, "max_failed_samples": 1})
    pytester.runpytest("echo.json", "-k", "one", "-Wdefault").assert_outcomes(passed=1)
    echo_suite(measure=measure)
    more = ("-k", "one", "-Wdefault", "--suite-resume=last")
    pytester.runpytest("echo.json", *more).assert_outcomes(failed=1)
    assert taken(runs()[1]) == [False]


@pytest.mark.usefixtures("inline")
def test_a_metric_that_is_called_as_its_criterion_is_is_taken_over(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite(criteria=[{"id": "exact_match", "expression": "exact_match * 3", "goal": "max"}])
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    pytester.runpytest("echo.json", "--suite-resume=last").assert_outcomes(passed=2)
    assert taken(runs()[1]) == [True, True]
    before, after = ([case.metrics["exact_match"] for case in run.cases] for run in runs())
    assert before == after


@pytest.mark.usefixtures("inline")
def test_what_criteria_compute_is_computed_anew(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    criterion = {"id": "more", "expression": "exact_match * 3", "goal": "max"}
    echo_suite(criteria=[criterion])
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    echo_suite(criteria=[{**criterion, "expression": "exact_match * 30"}])
    pytester.runpytest("echo.json", "--suite-resume=last").assert_outcomes(passed=2)
    assert taken(runs()[1]) == [True, True]
    assert [round(case.metrics["more"].value or 0) for case in runs()[1].cases] == [20, 20]
    echo_suite()
    pytester.runpytest("echo.json", "--suite-resume=last").assert_outcomes(passed=2)
    assert all("more" not in case.metrics for case in runs()[2].cases)


@pytest.mark.usefixtures("inline")
def test_the_last_run_is_the_last_of_the_same_suite(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite()
    echo_suite("other.json")
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    pytester.runpytest("other.json").assert_outcomes(passed=2)
    pytester.runpytest("echo.json", "--suite-resume=last").assert_outcomes(passed=2)
    assert taken(runs()[2]) == [True, True]
    other = runs()[1].metadata.run_id
    result = pytester.runpytest("echo.json", f"--suite-resume={other}")
    result.stdout.fnmatch_lines([f"note: nothing was taken over from {other}: none of these *"])


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("arguments", [(), ("suites",)])
def test_so_it_is_of_suites_that_the_ini_option_finds(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs, arguments: tuple[str, ...]
) -> None:
    pytester.makeini("[pytest]\nmodelbench_suites = suites/*.json")
    dataset = {"source": "jsonl", "path": "../data.jsonl", "reference_column": "ref"}
    echo_suite("suites/echo.json", dataset=dataset)
    echo_suite("other.json")
    pytester.runpytest(*arguments).assert_outcomes(passed=2)
    pytester.runpytest("other.json").assert_outcomes(passed=2)
    pytester.runpytest(*arguments, "--suite-resume=last").assert_outcomes(passed=2)
    assert taken(runs()[2]) == [True, True]


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [(), ("-n", "2")])
def test_a_gate_with_nothing_to_retry_has_something_to_compare_all_the_same(
    pytester: pytest.Pytester, echo_suite: EchoSuite, parallel: tuple[str, ...]
) -> None:
    if parallel:
        pytest.importorskip("xdist")
    echo_suite(benchmarks=[{"id": "shout", "runner": "echo", "model": "one"}])
    pytester.runpytest("echo.json").assert_outcomes(passed=1)
    retry = ("--suite-against=model:two", "--suite-retry-failed=last")
    result = pytester.runpytest("echo.json", *retry, *parallel)
    result.assert_outcomes(skipped=1)
    assert result.ret == 0


@pytest.mark.usefixtures("inline")
def test_one_measurement_in_two_runs_is_not_compared(
    broken: Callable[..., pytest.RunResult],
    pytester: pytest.Pytester,
    runs: Runs,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken()
    (pytester.path / "mended").write_text("")
    broken("--suite-resume=last")
    broken("--suite-resume=last")
    first, second, third = (run.metadata.run_id for run in runs())
    capsys.readouterr()
    modelbench(["compare", first, second])
    said = capsys.readouterr()
    assert "shout[one-CPU]" not in said.out
    assert "one measurement, which one session took over: echo::shout[one-CPU]" in said.err
    assert f"not in run {first}: echo::shout[one-CPU]" not in said.err
    assert modelbench(["compare", second, third]) == 2
    assert "hold the same measurements" in capsys.readouterr().err


def test_no_run_is_named_by_nothing(pytester: pytest.Pytester, echo_suite: EchoSuite) -> None:
    """As by a variable that is not set."""
    echo_suite()
    result = pytester.runpytest("echo.json", "--suite-resume=")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --suite-resume is empty: name a run, such as last"])


@pytest.mark.usefixtures("inline")
def test_a_session_that_said_nothing_before_it_was_killed_is_not_the_last(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite()
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    make_run_folder(runs_folder())
    pytester.runpytest("echo.json", "--suite-resume=last").assert_outcomes(passed=2)
    assert taken(runs()[1]) == [True, True]


@pytest.mark.slow
def test_a_comparison_is_taken_over_whole(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    compare: dict[str, Any] = {"baseline": {"params": {"n": 1}}, "candidate": {"params": {"n": 2}}}
    echo_suite(compare={**compare, "tolerance": "900%"})  # no busy machine makes it uncertain
    pytester.runpytest("echo.json", "-k", "one").assert_outcomes(passed=1)
    pytester.runpytest("echo.json", "--suite-resume=last", "-k", "one").assert_outcomes(passed=1)
    before, after = runs()
    assert after.comparisons == before.comparisons
    assert taken(after) == [True, True]
    # Another question is asked of it: measured again.
    echo_suite(compare={**compare, "tolerance": "800%"})
    pytester.runpytest("echo.json", "--suite-resume=last", "-k", "one").assert_outcomes(passed=1)
    assert taken(runs()[2]) == [False, False]


@pytest.mark.slow
def test_answers_with_several_parts_are_taken_over_too(tmp_path: Path) -> None:
    import os
    import signal

    from slow_teller import until

    tale = Tale(tmp_path, models=1)
    tale.write(seconds=0.02, kind="dict")
    assert "1 passed" in tale.run()
    expected = newest_run().cases[0].samples
    tale.forget_asked()
    process = tale.start()
    until(lambda: len(tale.asked("m0")) >= 15)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(300)
    until(lambda: not newest().is_running())
    tale.forget_asked()
    assert "1 passed" in tale.run("--suite-resume=last")
    run = newest_run()
    assert run.cases[0].samples == expected
    assert len(tale.asked("m0")) < 30


@pytest.mark.slow
def test_a_comparison_of_revisions_is_measured_again(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    """Its code is in no fingerprint."""
    import subprocess

    echo_suite(compare={"tolerance": "900%"})
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], cwd=pytester.path, check=True)
    against = ("echo.json", "-k", "one", "--suite-against=HEAD")
    pytester.runpytest(*against).assert_outcomes(passed=1)
    pytester.runpytest(*against, "--suite-resume=last").assert_outcomes(passed=1)
    assert taken(runs()[1]) == [False, False]
