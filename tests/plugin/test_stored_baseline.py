"""`--suite-baseline`: real sessions held against an earlier one."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from revisions import commit_all

from pytest_modelbench import BenchmarkRun
from pytest_modelbench.git import git
from pytest_modelbench.results.store import runs_folder

CONFTEST = '''
import time
from pathlib import Path

from pytest_modelbench import Prediction, Runner, Session


def seconds():
    """How long a call takes: what a test changes from session to session."""
    return float(Path("seconds").read_text())


class Sleeping(Session):
    def __init__(self):
        self.properties = {"inference_precision": Path("precision").read_text()}

    def predict(self, batch):
        time.sleep(seconds())
        return [text.upper() for text in batch]

    def finish(self, sample, answer):
        return Prediction(answer)


class Sleeper(Runner):
    """Answers in capitals, after a while."""

    name = "sleeper"
    input_kind = "text"
    quality = ("exact_match",)

    def load(self, candidate, device, params):
        return Sleeping()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("sleeper", Sleeper)
'''
FAST, SLOW = 0.001, 0.05
"""Fifty times as slow: more than any load on the machine makes of it."""
WIDE = {"metric": "p50_latency_ms", "max_regression": "700%"}
"""Allows what a loaded machine may do to equal code, and not what is as slow as that."""

Runs = Callable[[], list[BenchmarkRun]]


class Project:
    """A suite that is measured again and again."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.path = pytester.path
        self.engine = "inline"
        pytester.makeconftest(CONFTEST)
        (self.path / "data.jsonl").write_text('{"text": "a", "ref": "A"}\n' * 3)
        self.set(FAST)
        self.write()

    def set(self, seconds: float, precision: str = "f32") -> None:
        (self.path / "seconds").write_text(str(seconds))
        (self.path / "precision").write_text(precision)

    def write(self, *models: str, name: str = "sleep", **more: Any) -> None:
        suite = {
            "id": name,
            "dataset": {"source": "jsonl", "path": "data.jsonl", "reference_column": "ref"},
            "measure": {"min_samples": 12, "min_seconds": 0, "warmup": 0},
            "criteria": [WIDE],
            "benchmarks": [{"id": "b", "runner": "sleeper", "models": list(models or ["one"])}],
            **more,
        }
        (self.path / f"{name}.json").write_text(json.dumps(suite, indent=1))

    def run(self, *arguments: str, suite: str = "sleep.json") -> pytest.RunResult:
        options = ("-p", "no:benchmark", "-W", "default", f"--suite-engine={self.engine}")
        return self._pytester.runpytest(suite, *options, *arguments)

    def change_stored(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Alter the only stored run."""
        (file,) = runs_folder().glob("*/run.json")
        value = json.loads(file.read_text())
        change(value)
        file.write_text(json.dumps(value, indent=2))


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


@pytest.fixture
def measured(project: Project) -> Project:
    """With one run of it stored."""
    project.run().assert_outcomes(passed=1)
    return project


def outcomes(run: BenchmarkRun) -> list[str]:
    return [verdict.outcome for one in run.comparisons for verdict in one.verdicts]


def test_without_such_a_run_the_session_ends_before_anything_is_measured(project: Project) -> None:
    for text, said in (
        ("last", "*--suite-baseline last: there is no run in * yet: *"),
        ("branch:main", "*--suite-baseline branch:main: there is no run in * yet: *"),
        ("no.json", "*--suite-baseline 'no.json': no such file"),
    ):
        result = project.run("--suite-baseline", text)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([said])
    assert not list(runs_folder().glob("*"))


def test_a_run_without_the_suite_is_no_baseline(measured: Project) -> None:
    measured.write(name="other")
    result = measured.run("--suite-baseline=last", suite="other.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*there is 1 run in *, but none of suite other: *"])


@pytest.mark.slow
def test_what_became_slower_fails_and_what_did_not_passes(project: Project, runs: Runs) -> None:
    project.engine = "isolated"
    project.write("one", "two")
    project.run()
    project.run("--suite-baseline=last").assert_outcomes(passed=2)
    project.set(SLOW)
    result = project.run("--suite-baseline=last", "-W", "error")
    result.assert_outcomes(failed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "worse: p50 latency * ms, +*, tolerance 700 %: regression (noise between *",
            "b[[]one-CPU[]]: p50 latency * ms, +*: regression (*",
            "b[[]two-CPU[]]: p50 latency * ms, +*: regression (*",
            "run written to *",
            "FAILED sleep.json::b[[]one-CPU[]] - worse: p50 latency *",
        ]
    )
    first, second, third = runs()
    assert [outcomes(one) for one in (first, second, third)] == [
        [],
        ["pass"] * 2,
        ["regression"] * 2,
    ]
    one, two = third.comparisons
    assert (one.id, two.id) == ("sleep::b[one-CPU]", "sleep::b[two-CPU]")
    assert (one.kind, one.status, one.differences) == ("stored", "ok", [])
    baseline, candidate = one.sides
    assert (baseline.run_id, candidate.run_id) == (second.metadata.run_id, None)
    assert baseline.packages == candidate.packages == third.system_info.packages
    (verdict,) = one.verdicts
    assert verdict.evidence["verdicts"] == 2
    assert verdict.evidence["baseline_run"] == second.metadata.run_id


def test_without_a_max_regression_a_case_may_not_become_slower(
    project: Project, runs: Runs
) -> None:
    project.write(criteria=[])
    project.run()
    project.set(SLOW)
    project.run("--suite-baseline=last").assert_outcomes(failed=1)
    (verdict,) = (one for each in runs()[1].comparisons for one in each.verdicts)
    assert (verdict.metric, verdict.tolerance, verdict.criterion) == ("p50_latency_ms", 0.05, None)


def test_another_machine_leaves_it_untold_until_it_is_allowed(measured: Project) -> None:
    def elsewhere(run: dict[str, Any]) -> None:
        run["system_info"]["cpu_info"] = "Another Processor"
        run["system_info"]["packages"]["numpy"] = "0.1"

    measured.change_stored(elsewhere)
    (file,) = runs_folder().glob("*/run.json")
    baseline = f"--suite-baseline={file}"
    result = measured.run(baseline)
    result.assert_outcomes(passed=1, warnings=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*ModelbenchWarning: sleep::b[[]one-CPU[]]: could not tell: p50 latency *",
            "b[[]one-CPU[]]: *: inconclusive: machine: processor Another Processor -> *; "
            "packages: numpy 0.1 -> * (--suite-baseline-allow accepts: machine, packages)",
            "note: not the same on both sides: machine: processor Another Processor -> *",
        ]
    )
    strict = measured.run(baseline, "--suite-strict", "--suite-baseline-allow=machine")
    strict.assert_outcomes(failed=1)
    strict.stdout.fnmatch_lines(["could not tell: p50 latency *"])
    both = ["--suite-baseline-allow=machine", "--suite-baseline-allow=packages"]
    for allowed in (both, ["--suite-baseline-allow=all"]):
        result = measured.run(baseline, *allowed)
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["note: *machine: processor * (allowed)"])


def test_another_effective_precision_is_told_apart_from_the_machine(measured: Project) -> None:
    (file,) = runs_folder().glob("*/run.json")
    measured.set(SLOW, precision="bf16")
    result = measured.run(f"--suite-baseline={file}")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*precision: inference_precision f32 -> bf16 (--suite-*"])
    allowed = measured.run(f"--suite-baseline={file}", "--suite-baseline-allow=precision")
    allowed.assert_outcomes(failed=1)


def test_a_case_that_the_baseline_does_not_have_cannot_be_told(measured: Project) -> None:
    measured.write("one", "two")
    result = measured.run("--suite-baseline=last")
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(
        ["*has no case 'sleep::b[[]two-CPU[]]': it has sleep::b[[]one-CPU[]]"]
    )


def test_a_model_that_took_another_s_place_is_held_against_it(
    measured: Project, runs: Runs
) -> None:
    measured.write("new")
    measured.set(SLOW)
    result = measured.run("--suite-baseline=last")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["worse: p50 latency *: regression *; model new in place of one"])
    result.stdout.no_fnmatch_line("*no longer here*")
    (new,) = runs()[1].comparisons
    assert [side.case_id for side in new.sides] == ["sleep::b[one-CPU]", "sleep::b[new-CPU]"]


def test_a_kind_of_difference_that_there_is_not_is_refused_with_those_there_are(
    measured: Project,
) -> None:
    result = measured.run("--suite-baseline=last", "--suite-baseline-allow=weather")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'weather'*'machine'*'conditions'*'all'*"])


def test_a_session_s_own_output_is_not_its_baseline(measured: Project) -> None:
    measured.run("--suite-output=mine.json")
    result = measured.run("--suite-output=mine.json", "--suite-baseline=mine.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'mine.json' is the file that this session writes *"])


def test_a_dry_run_compares_nothing(measured: Project, runs: Runs) -> None:
    result = measured.run("--suite-baseline=last", "--suite-dry-run")
    result.assert_outcomes(skipped=1)
    assert runs()[1].comparisons == []


def test_a_case_that_goes_wrong_is_an_error_and_no_regression(
    measured: Project, runs: Runs
) -> None:
    (measured.path / "seconds").write_text("soon")
    result = measured.run("--suite-baseline=last")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*worse*")
    (one,) = runs()[1].comparisons
    assert (one.status, one.verdicts) == ("error", [])
    assert one.detail == runs()[1].cases[0].detail


def test_each_suite_has_its_own_newest_run(measured: Project, runs: Runs) -> None:
    measured.write(name="other")
    measured.run(suite="other.json").assert_outcomes(passed=1)
    measured.run("other.json", "--suite-baseline=last").assert_outcomes(passed=2)
    first, second, third = runs()
    found = {one.suite: one.sides[0].run_id for one in third.comparisons}
    assert found == {"sleep": first.metadata.run_id, "other": second.metadata.run_id}


def test_a_suite_that_is_new_does_not_stop_those_that_are_not(
    measured: Project, runs: Runs
) -> None:
    measured.write(name="other")
    result = measured.run("other.json", "--suite-baseline=last")
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(["*has no case 'other::b[[]one-CPU[]]': it has sleep::b[[]one*"])
    assert sorted(outcomes(runs()[1])) == ["inconclusive", "pass"]


def test_earlier_runs_tell_how_quiet_the_machine_is(measured: Project, runs: Runs) -> None:
    (file,) = runs_folder().glob("*/run.json")
    text = file.read_text()
    run_id = json.loads(text)["metadata"]["run_id"]
    for number in range(5):
        copy = f"{run_id[:-4]}{number:04x}"
        (runs_folder() / copy).mkdir()
        (runs_folder() / copy / "run.json").write_text(text.replace(run_id, copy))
    measured.run(f"--suite-baseline={run_id}")
    verdict = runs()[-1].comparisons[0].verdicts[0]
    # Unless the machine was disturbed now and not then, or the other way round.
    assert verdict.evidence["sessions"] in (6, 0)


@pytest.mark.slow
def test_it_works_with_parallel_workers(project: Project, runs: Runs) -> None:
    pytest.importorskip("xdist")
    project.engine = "isolated"
    project.write("one", "two")
    project.run()
    project.set(SLOW)
    result = project.run("--suite-baseline=last", "-n", "2")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["b[[]two-CPU[]]: p50 latency *: regression (*"])
    one, two = runs()[1].comparisons
    assert (one.id, two.id) == ("sleep::b[one-CPU]", "sleep::b[two-CPU]")
    assert outcomes(runs()[1]) == ["regression"] * 2
    missing = project.run("--suite-baseline=no.json", "-n", "2")
    assert missing.ret == pytest.ExitCode.USAGE_ERROR


TEST = """
import time
from pathlib import Path


def work(_):
    time.sleep(float(Path("seconds").read_text()))


def test_work(modelbench):
    modelbench.measure(work, [1], min_samples=12, min_seconds=0, warmup=0)


def test_measures_no_time(modelbench):
    modelbench.metric("accuracy", 0.9)
"""


def test_a_benchmark_in_python_is_held_against_it_too(project: Project, runs: Runs) -> None:
    (project.path / "test_work.py").write_text(TEST)
    project.run(suite="test_work.py").assert_outcomes(passed=2)
    project.set(SLOW)
    result = project.run("--suite-baseline=last", "--junitxml=junit.xml", suite="test_work.py")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*worse: p50 latency *", "test_work: p50 latency *: regression*"])
    (comparison,) = runs()[1].comparisons
    assert (comparison.id, comparison.kind) == ("test_work.py::test_work", "stored")
    assert 'name="modelbench_verdict" value="p50 latency' in (project.path / "junit.xml").read_text(
        encoding="utf-8"
    )


@pytest.mark.slow
def test_against_that_alone_nothing_was_measured_side_by_side(project: Project) -> None:
    pytest.importorskip("xdist")
    (project.path / "test_work.py").write_text(TEST)
    project.run(suite="test_work.py").assert_outcomes(passed=2)
    gates = ("--suite-baseline=last", "--suite-against=main")
    result = project.run(*gates, "-n", "2", suite="test_work.py")
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["--suite-against 'main': no case of a suite was measured *"])


@pytest.mark.parametrize("lost", [0, 1])
def test_the_criteria_of_a_mark_are_asked_of_its_test(
    project: Project, runs: Runs, lost: int
) -> None:
    test = """
        import pytest

        LOST = {"metric": "lost", "goal": "min", "max_regression": 0}

        @pytest.mark.modelbench(criteria=[LOST])
        def test_losses(modelbench):
            modelbench.metric("lost", %d)
    """
    test_file = project.path / "test_losses.py"
    test_file.write_text(textwrap.dedent(test % 0))
    project.run(suite="test_losses.py").assert_outcomes(passed=1)
    test_file.write_text(textwrap.dedent(test % lost))
    result = project.run("--suite-baseline=last", suite="test_losses.py")
    # One more may be chance: nothing is known of how much it differs.
    result.assert_outcomes(passed=1, warnings=lost)
    assert outcomes(runs()[1]) == ["inconclusive" if lost else "pass"]


def test_each_criterion_of_a_mark_counts_as_a_verdict(project: Project, runs: Runs) -> None:
    test = """
        import time
        from pathlib import Path

        import pytest

        WIDE = [
            {"metric": f"{name}_latency_ms", "max_regression": "900%"} for name in ("p50", "mean")
        ]

        @pytest.mark.modelbench(criteria=[*WIDE, {"metric": "p50_latency_ms", "max": 1e6}])
        def test_work(modelbench):
            wait = lambda _: time.sleep(0.001)
            modelbench.measure(wait, [1], min_samples=12, min_seconds=0, warmup=0)

        def test_without_a_mark(modelbench):
            modelbench.metric("lost", 0)
    """
    (project.path / "test_work.py").write_text(textwrap.dedent(test))
    project.run(suite="test_work.py").assert_outcomes(passed=2)
    project.run("--suite-baseline=last", suite="test_work.py")
    (comparison,) = runs()[1].comparisons
    assert [one.evidence["verdicts"] for one in comparison.verdicts] == [3, 3]


def test_the_run_is_named(measured: Project, runs: Runs) -> None:
    result = measured.run("--suite-baseline=last")
    first = runs()[0].metadata.run_id
    result.stdout.fnmatch_lines([f"note: held against run {first}"])


class Elsewhere:
    """The project's files once more, in other folders."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        self._project, self._monkeypatch = project, monkeypatch

    def copy(self, name: str) -> Path:
        files = [one for one in self._project.path.iterdir() if one.is_file()]
        folder = self._project.path / name
        folder.mkdir(parents=True)
        for one in files:
            shutil.copy(one, folder)
        (folder / "pytest.ini").write_text("[pytest]\n")  # the folder is its own root
        return folder

    def run(self, folder: Path, *arguments: str) -> pytest.RunResult:
        self._monkeypatch.chdir(folder)
        return self._project.run(*arguments)


@pytest.fixture
def elsewhere(project: Project, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    return Elsewhere(project, monkeypatch)


def repository(folder: Path, *contents: str) -> None:
    git(folder, "init", "-q", "-b", "main")
    for text in contents:
        (folder / "about").write_text(text)
        commit_all(folder, text)


@pytest.mark.parametrize("in_git", [False, True])
def test_a_suite_of_that_name_in_another_project_is_no_baseline(
    elsewhere: Elsewhere, in_git: bool, runs: Runs
) -> None:
    ours, theirs = elsewhere.copy("a"), elsewhere.copy("b")
    if in_git:
        repository(ours, "ours")
        repository(theirs, "theirs")
    elsewhere.run(theirs).assert_outcomes(passed=1)
    (only,) = runs()
    choices = ("last", *(["branch:main"] if in_git else []))
    for text in choices:
        result = elsewhere.run(ours, f"--suite-baseline={text}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(
            [
                f"*--suite-baseline {text}: no run of suite sleep of this project yet; run "
                f"{only.metadata.run_id} has one of that name, of another project ({theirs}/*"
            ]
        )
    # Who names it gets it.
    named = elsewhere.run(ours, f"--suite-baseline={only.metadata.run_id}")
    named.assert_outcomes(passed=1)
    named.stdout.fnmatch_lines([f"note: held against run {only.metadata.run_id}*"])
    # From now on there is one of this project, and it stays so when the other has a newer one.
    elsewhere.run(theirs).assert_outcomes(passed=1)
    last = elsewhere.run(ours, "--suite-baseline=last")
    last.stdout.fnmatch_lines([f"note: held against run {runs()[1].metadata.run_id}*"])


def test_a_clone_is_the_same_project(elsewhere: Elsewhere, runs: Runs) -> None:
    origin = elsewhere.copy("origin")
    repository(origin, "first", "second")
    clone = origin.parent / "clone"
    git(origin.parent, "clone", "-q", str(origin), str(clone))
    elsewhere.run(origin).assert_outcomes(passed=1)
    result = elsewhere.run(clone, "--suite-baseline=branch:main")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"note: held against run {runs()[0].metadata.run_id} of commit *"])


def test_a_suite_that_was_moved_within_its_project_keeps_its_baseline(
    elsewhere: Elsewhere, runs: Runs
) -> None:
    folder = elsewhere.copy("a")
    repository(folder, "first")
    elsewhere.run(folder).assert_outcomes(passed=1)
    (folder / "sub").mkdir()
    for name in ("sleep.json", "data.jsonl", "seconds", "precision"):
        (folder / name).rename(folder / "sub" / name)
    shutil.copy(folder / "sub" / "seconds", folder)
    (folder / "sub" / "pytest.ini").write_text("[pytest]\n")
    shutil.copy(folder / "conftest.py", folder / "sub")
    result = elsewhere.run(folder / "sub", "--suite-baseline=last")
    result.assert_outcomes(passed=1)


def test_tests_of_another_project_are_no_baseline(elsewhere: Elsewhere, runs: Runs) -> None:
    folders = [elsewhere.copy(name) for name in "ab"]
    for folder in folders:
        (folder / "sleep.json").write_text(TEST)
        (folder / "sleep.json").rename(folder / "test_work.py")
    run = elsewhere._project.run
    elsewhere._monkeypatch.chdir(folders[0])
    run(suite="test_work.py").assert_outcomes(passed=2)
    elsewhere._monkeypatch.chdir(folders[1])
    (folders[1] / "seconds").write_text(str(SLOW))
    result = run("--suite-baseline=last", suite="test_work.py")
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(["*no run of suite test_work.py of this project yet; run *"])


def test_a_run_that_did_not_measure_the_case_is_passed_over(measured: Project, runs: Runs) -> None:
    """An interrupted session, one that went wrong, and one that measured beside a baseline."""
    (measured.path / "seconds").write_text("soon")
    measured.run().assert_outcomes(failed=1)
    measured.set(FAST)
    measured.write("one", "two")
    measured.run("-k", "two").assert_outcomes(passed=1)
    good, _, narrow = (run.metadata.run_id for run in runs())
    result = measured.run("--suite-baseline=last")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            f"note: held against run {good} (b[[]one-CPU[]])",
            f"note: held against run {narrow} (b[[]two-CPU[]])",
        ]
    )


@pytest.mark.slow
def test_sides_of_a_comparison_are_no_baseline_of_the_case(measured: Project, runs: Runs) -> None:
    measured.engine = "isolated"
    repository(measured.path, "first")
    measured.write(compare={"launches": 2, "max_seconds": 1})
    measured.run("--suite-against=HEAD")
    assert [one.kind for one in runs()[1].comparisons] == ["paired"]
    measured.write()
    result = measured.run("--suite-baseline=last")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"note: held against run {runs()[0].metadata.run_id}"])


def test_a_case_that_is_gone_is_named_where_the_suite_is_run_whole(
    project: Project, runs: Runs
) -> None:
    project.write("one", "two")
    project.run().assert_outcomes(passed=2)
    project.write("one")
    baseline = f"--suite-baseline={runs()[0].metadata.run_id}"
    said = f"sleep: in run {runs()[0].metadata.run_id}, the baseline, but no longer here: *two-CPU*"
    for chosen in (baseline, "--suite-baseline=last"):
        result = project.run(chosen)
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines([said])
        shutil.rmtree(runs_folder() / runs()[-1].metadata.run_id)
    project.write("one", "three", "four")
    narrowed = project.run(baseline, "-k", "one")
    narrowed.stdout.no_fnmatch_line("*no longer here*")


def test_a_case_that_is_gone_is_named_of_a_run_from_another_place(
    project: Project, elsewhere: Elsewhere, runs: Runs
) -> None:
    project.write("one", "two")
    project.run("--suite-output=ours.json").assert_outcomes(passed=2)
    project.write("one")
    clone = elsewhere.copy("clone")
    result = elsewhere.run(clone, "--suite-baseline=ours.json")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["sleep: in run *, the baseline, but no longer here: *two-CPU*"])


def test_runs_that_are_kept_in_a_directory_of_their_own_are_those_to_choose_from(
    measured: Project, runs: Runs
) -> None:
    here = ("--suite-output-dir=kept", "--suite-baseline=last")
    result = measured.run(*here)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--suite-baseline last: there is no run in *kept yet: *"])
    measured.run("--suite-output-dir=kept").assert_outcomes(passed=1)
    result = measured.run(*here)
    (kept, _) = sorted((measured.path / "kept").glob("*/run.json"))
    result.stdout.fnmatch_lines([f"note: held against run {kept.parent.name}"])
    assert len(runs()) == 1


def test_a_baseline_that_is_removed_meanwhile_costs_no_result(project: Project, runs: Runs) -> None:
    """Two suites, so that the newest run is not that of both; the first case removes them all."""
    project.run().assert_outcomes(passed=1)
    project.write(name="other")
    project.run(suite="other.json").assert_outcomes(passed=1)
    conftest = CONFTEST.replace("import time", "import shutil, time").replace(
        "        time.sleep(seconds())",
        f"        for file in Path({str(runs_folder())!r}).glob('*/run.json'):\n"
        "            file.unlink()\n"
        "        time.sleep(seconds())",
    )
    project.path.joinpath("conftest.py").write_text(conftest)
    result = project.run("--suite-baseline=last", "other.json", "--suite-output=run.json")
    result.assert_outcomes(passed=2)
    run = BenchmarkRun.load(project.path / "run.json")
    assert [case.status for case in run.cases] == ["ok", "ok"]
    assert "inconclusive" in outcomes(run)


def test_parallel_workers_name_it_too_and_once(project: Project) -> None:
    pytest.importorskip("xdist")
    project.write("one", "two", "three")
    project.run().assert_outcomes(passed=3)
    project.write("one", "two")
    result = project.run("--suite-baseline=last", "-n", "2")
    result.assert_outcomes(passed=2)
    [said] = [line for line in result.outlines if "no longer here" in line]
    assert "three-CPU" in said
