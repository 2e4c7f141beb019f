"""Sides measured together in real sessions: what is worse fails, what is equal does not.

The models keep time by the clock itself, so that a busy machine does not change their truth: a
side that should take a tenth longer does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from revisions import AUTHOR, commit_all

from pytest_modelbench import BenchmarkRun
from pytest_modelbench.git import git
from pytest_modelbench.results.packed import unpack

CONFTEST = """
import os, time
from pathlib import Path
from pytest_modelbench import Prediction, Runner, Session, Unavailable

{imports}
HERE = Path(__file__).parent


def keep_time(microseconds):
    end = time.perf_counter_ns() + int(microseconds * 1000)
    while time.perf_counter_ns() < end:
        pass


class Clock(Session):
    def __init__(self, name, microseconds, params):
        self.name, self.microseconds, self.params = name, microseconds, params
        self.calls = 0

    def predict(self, batch):
        self.calls += 1
        keep_time(self.microseconds)
        if self.name == "dies" and self.calls > 30:
            os._exit(7)
        if self.name == "forks" and self.calls == 30:
            os.fork()
        if self.name == "raises" and self.calls > 30:
            raise RuntimeError("out of luck")
        wrong = self.params.get("wrong", ())
        return [text if text in wrong else text.upper() for text in batch]


class ClockRunner(Runner):
    name = "clock"
    input_kind = "text"
    quality = ("exact_match",)

    def devices(self):
        return ("CPU", "AUTO")

    def load(self, candidate, device, params):
        if candidate.version == "absent":
            raise Unavailable("no driver for it")
        base = {duration}
        return Clock(candidate.version, base * params.get("factor", 1), params)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("clock", ClockRunner)
"""
pytestmark = pytest.mark.slow
PLAIN = {"imports": "", "duration": "1000"}
ROWS = [{"text": letter, "ref": letter.upper()} for letter in "abcdefgh"]


def conftest(**parts: str) -> str:
    text = CONFTEST
    for name, part in {**PLAIN, **parts}.items():
        text = text.replace("{" + name + "}", part)
    return text


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Callable[..., Path]:
    pytester.makeconftest(conftest())
    rows = "".join(json.dumps(row) + "\n" for row in ROWS)
    (pytester.path / "rows.jsonl").write_text(rows)

    def write(compare: Any = None, **fields: Any) -> Path:
        whole = {
            "id": "s",
            "dataset": {"source": "jsonl", "path": "rows.jsonl", "reference_column": "ref"},
            "measure": {"min_samples": 5, "min_seconds": 0, "warmup": 2},
            "benchmarks": [{"id": "b", "runner": "clock", "model": "one"}],
            **fields,
        }
        if compare is not None:
            # Wide, and what is to be found wider: no load of this machine comes near.
            whole["compare"] = {"tolerance": "30%", **compare}
        file = pytester.path / "s.json"
        file.write_text(json.dumps(whole, indent=1))
        return file

    return write


def run_of(pytester: pytest.Pytester) -> BenchmarkRun:
    return BenchmarkRun.load(pytester.path / "run.json")


def session(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest(
        "s.json", "--suite-output=run.json", "-p", "no:cacheprovider", *options
    )


SLOWER = {"baseline": {}, "candidate": {"params": {"factor": 2}}}


def test_a_slower_candidate_fails_with_one_line_that_says_how_much(
    suite: Any, pytester: pytest.Pytester
) -> None:
    suite(SLOWER)
    result = session(pytester)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.re_match_lines(
        [r".*worse: p50 latency 1\.\d+ -> 2\.\d* ms, \+\d.*\[.*\], tolerance 30 %: regression \("]
    )
    run = run_of(pytester)
    [comparison] = run.comparisons
    assert (comparison.kind, comparison.status) == ("paired", "ok")
    [verdict] = comparison.verdicts
    assert verdict.outcome == "regression"
    assert verdict.change == pytest.approx(1.0, abs=0.2)
    low, high = verdict.interval or (None, None)
    assert low is not None
    assert high is not None
    assert 0.3 < low < verdict.change < high
    assert {launch.series for launch in comparison.launches} == {"decision", "confirmation"}


def test_equal_sides_pass_and_every_call_is_in_the_run(
    suite: Any, pytester: pytest.Pytester
) -> None:
    suite({"baseline": {}, "seed": 7})
    result = session(pytester)
    result.assert_outcomes(passed=1)
    run = run_of(pytester)
    assert [case.id for case in run.cases] == [
        "s::b[one-CPU-vs-baseline]@baseline",
        "s::b[one-CPU-vs-baseline]@candidate",
    ]
    assert all(case.status == "ok" for case in run.cases)
    [comparison] = run.comparisons
    procedure = comparison.procedure
    assert procedure is not None
    assert (procedure.seed, procedure.calls, procedure.repeats) == (7, 3, 1)
    for launch in comparison.launches:
        order = list(unpack(launch.order))
        assert len(order) % (4 * procedure.blocks) == 0
        for start in range(0, len(order), 4):
            one, other, *back = order[start : start + 4]
            assert sorted((one, other)) == [0, 1]
            assert back == [other, one]
        for side in launch.sides:
            assert len(unpack(side.durations)) == len(order) // 2 * procedure.calls
            assert min(unpack(side.durations)) >= 1_000_000
            assert side.metrics["peak_ram_mb"] > 1
            assert side.metrics["items_per_call"] == 1
    firsts = [list(unpack(launch.order))[::4] for launch in comparison.launches]
    assert {0, 1} <= set(firsts[0])


def test_the_same_seed_gives_the_same_order(suite: Any, pytester: pytest.Pytester) -> None:
    suite({"baseline": {}, "seed": 11})
    orders = []
    for _ in range(2):
        session(pytester).assert_outcomes(passed=1)
        [comparison] = run_of(pytester).comparisons
        orders.append(list(unpack(comparison.launches[0].order))[:80])
    assert orders[0] == orders[1]


def test_what_is_faster_passes_and_is_called_better(suite: Any, pytester: pytest.Pytester) -> None:
    suite({"baseline": {"params": {"factor": 2}}})
    result = session(pytester)
    result.assert_outcomes(passed=1)
    [verdict] = run_of(pytester).comparisons[0].verdicts
    assert "pass, better" in verdict.message


def test_criteria_say_what_is_judged_and_how_much_worse_it_may_be(
    suite: Any, pytester: pytest.Pytester
) -> None:
    criteria = [
        {"id": "speed", "metric": "p50_latency_ms", "max_regression": "300%"},
        {"id": "right", "metric": "exact_match", "goal": "max", "max_regression": 0.2},
        {"id": "rate", "metric": "throughput_items_per_second", "goal": "max",
         "max_regression": "20%"},
        {"id": "rows", "metric": "sample_count", "goal": "max", "max_regression": "0%"},
    ]  # fmt: skip
    suite(SLOWER, criteria=criteria)
    assert session(pytester).ret == pytest.ExitCode.TESTS_FAILED
    verdicts = {one.criterion: one for one in run_of(pytester).comparisons[0].verdicts}
    outcomes = {name: one.outcome for name, one in verdicts.items()}
    assert outcomes == {"speed": "pass", "right": "pass", "rate": "regression", "rows": "pass"}
    assert verdicts["rate"].change == pytest.approx(-0.5, abs=0.1)
    assert verdicts["right"].message.startswith("exact match 1 -> 1")


def test_worse_answers_fail_and_equal_answers_can_be_required(
    suite: Any, pytester: pytest.Pytester
) -> None:
    criteria = [{"metric": "exact_match", "goal": "max", "max_regression": 0.1}]
    candidates = {"same": {}, "wrong": {"params": {"wrong": list("abcdefg")}}}
    suite({"baseline": {}, "candidates": candidates, "outputs": "equal"}, criteria=criteria)
    result = session(pytester)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    [comparison] = run_of(pytester).comparisons
    assert comparison.launches == []  # nothing that is asked needs them
    found = {(one.candidate, one.metric, one.baseline): one for one in comparison.verdicts}
    assert found["same", "exact_match", "baseline"].outcome == "pass"
    assert found["wrong", "exact_match", "baseline"].outcome == "regression"
    assert found["same", "outputs", "baseline"].outcome == "pass"
    assert found["wrong", "outputs", "baseline"].outcome == "regression"
    assert found["wrong", "exact_match", "same"].outcome == "noted"
    said = found["wrong", "outputs", "baseline"].message
    assert "outputs differ in 7 of 8 samples, first in sample 0; most in sample 0: " in said
    assert "'A'" in said
    assert "'a'" in said


def test_three_sides_are_measured_in_the_same_blocks(suite: Any, pytester: pytest.Pytester) -> None:
    candidates = {"human": {}, "agent": {"params": {"factor": 2}}}
    suite({"baseline": {}, "candidates": candidates})
    result = session(pytester)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    [comparison] = run_of(pytester).comparisons
    outcomes = {(one.baseline, one.candidate): one.outcome for one in comparison.verdicts}
    assert outcomes == {
        ("baseline", "human"): "pass",
        ("baseline", "agent"): "regression",
        ("human", "agent"): "noted",
    }
    order = list(unpack(comparison.launches[0].order))
    for start in range(0, len(order), 6):
        block = order[start : start + 6]
        assert sorted(block[:3]) == [0, 1, 2]
        assert block[3:] == block[2::-1]


def test_a_gate_that_would_compare_nothing_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_plain="def test_it(modelbench):\n    modelbench.metric('a', 1)\n")
    result = pytester.runpytest_subprocess("--suite-against=main")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--suite-against 'main': there is no case of a suite to*"])
    result = pytester.runpytest_subprocess("--suite-against=main", "-n", "2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["--suite-against 'main': no case of a suite was measured *"])


def test_what_is_slow_on_every_new_input_is_found(suite: Any, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        conftest().replace(
            "        self.calls += 1\n",
            "        self.calls += 1\n"
            "        is_new = batch != getattr(self, 'before', None)\n"
            "        self.before = batch\n"
            "        if is_new and self.params.get('reshapes'):\n"
            "            keep_time(self.microseconds)\n",
        )
    )
    suite({"baseline": {}, "candidate": {"params": {"reshapes": True}}})
    assert session(pytester).ret == pytest.ExitCode.TESTS_FAILED
    [verdict] = run_of(pytester).comparisons[0].verdicts
    assert verdict.change == pytest.approx(1.0, abs=0.2)


def test_inputs_that_react_in_opposite_ways_do_not_make_the_faster_side_worse(
    suite: Any, pytester: pytest.Pytester
) -> None:
    text = conftest().replace(
        "        keep_time(self.microseconds)\n",
        "        is_long = batch[0] in 'abcd'\n"
        "        times = self.params.get('times', (5000, 500))\n"
        "        keep_time(times[not is_long])\n",
    )
    pytester.makeconftest(text)
    criteria = [
        {"metric": name, "max_regression": "5%"}
        for name in ("mean_latency_ms", "throughput_items_per_second")
    ]
    candidate = {"params": {"times": [2500, 1250]}}
    suite({"baseline": {}, "candidate": candidate}, criteria=criteria)
    session(pytester)
    for verdict in run_of(pytester).comparisons[0].verdicts:
        assert verdict.outcome != "regression", verdict.message


def test_the_time_it_may_take_is_said_before(suite: Any, pytester: pytest.Pytester) -> None:
    suite({"baseline": {}, "max_seconds": 30})
    session(pytester).stdout.fnmatch_lines(
        ["modelbench: 1 comparison, each with at most 30 s of measuring in turn in 6 launches*"]
    )


def test_a_side_against_itself_is_measured_and_said_to_be_one(
    suite: Any, pytester: pytest.Pytester
) -> None:
    suite({"baseline": {}, "launches": 2, "blocks": 4})
    result = session(pytester, "--suite-against=model:one")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "modelbench: a candidate is what the baseline is, so all it can show is noise (b*one?)",
            "note: not the same on both sides: nothing: side 'candidate' is what the baseline *",
        ]
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nosuch", "--suite-against: 'nosuch' is no revision of *(branches: main)"),
        ("merge-base:trunk", "--suite-against: 'merge-base:trunk': HEAD and trunk have no common*"),
        ("python:no/python", "--suite-against: 'no/python': there is no such interpreter*"),
    ],
)
@pytest.mark.parametrize("parallel", [(), ("-n", "2")])
def test_a_baseline_that_is_not_there_is_a_wrong_option_and_no_mistake_of_the_suite(
    suite: Any, pytester: pytest.Pytester, given: str, said: str, parallel: tuple[str, ...]
) -> None:
    suite()
    git(pytester.path, "init", "-q", "-b", "main")
    commit = commit_all(pytester.path)
    if "trunk" in given:
        git(pytester.path, "checkout", "-q", "--orphan", "trunk")
        git(pytester.path, *AUTHOR, "commit", "-qm", "another beginning")
        git(pytester.path, "checkout", "-q", commit)
    result = session(pytester, f"--suite-against={given}", *parallel)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}"])


def test_answers_of_a_batch_may_be_an_array(suite: Any, pytester: pytest.Pytester) -> None:
    """As of the runner in the docs; an array has no truth value."""
    text = conftest(imports="import numpy").replace('quality = ("exact_match",)', "quality = ()")
    answer = text[text.index("        wrong = ") : text.index("class ClockRunner")]
    array = "        return numpy.array([[len(text), 1.0] for text in batch])\n\n\n"
    pytester.makeconftest(text.replace(answer, array))
    suite({"baseline": {}, "outputs": "equal"})
    session(pytester).assert_outcomes(passed=1)
    timed, outputs = run_of(pytester).comparisons[0].verdicts
    assert (timed.outcome, outputs.outcome) == ("pass", "pass")


def test_bounds_are_for_candidates_alone(suite: Any, pytester: pytest.Pytester) -> None:
    criteria = [{"id": "fast", "metric": "max_latency_ms", "max": 1e6, "min": 1.3}]
    suite({"baseline": {}, "candidate": {"params": {"factor": 2}}, "tolerance": "200%"},
          criteria=criteria)  # fmt: skip
    session(pytester).assert_outcomes(passed=1)
    baseline, candidate = run_of(pytester).cases
    assert baseline.bounds == []
    assert [check.criterion for check in candidate.bounds] == ["fast"]


@pytest.mark.parametrize(
    ("model", "words"),
    [("dies", "ended with exit status 7"), ("raises", "RuntimeError: out of luck")],
)
def test_a_side_that_breaks_in_the_middle_is_an_error_that_names_it(
    suite: Any, pytester: pytest.Pytester, model: str, words: str
) -> None:
    suite({"baseline": {}, "candidate": {"model": model}})
    result = session(pytester)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    [comparison] = run_of(pytester).comparisons
    assert comparison.status == "error"
    assert comparison.detail.startswith("side 'candidate': ")
    assert words in comparison.detail
    [verdict] = comparison.verdicts
    assert (verdict.outcome, verdict.reason) == ("inconclusive", comparison.detail)
    assert "Traceback" not in result.stdout.str()


def test_a_copy_that_a_model_forks_has_no_say(suite: Any, pytester: pytest.Pytester) -> None:
    suite({"baseline": {}, "candidate": {"model": "forks"}})
    session(pytester).assert_outcomes(passed=1)
    [comparison] = run_of(pytester).comparisons
    assert comparison.status == "ok"
    assert [verdict.outcome for verdict in comparison.verdicts] == ["pass"]


def test_an_absent_side_skips_the_comparison_with_its_reason(
    suite: Any, pytester: pytest.Pytester
) -> None:
    suite({"baseline": {"model": "absent"}})
    result = session(pytester, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*side 'baseline': no driver for it*"])
    assert run_of(pytester).comparisons[0].status == "skipped"


def test_a_dry_run_lists_every_side(suite: Any, pytester: pytest.Pytester) -> None:
    suite(SLOWER)
    session(pytester, "--suite-dry-run").assert_outcomes(skipped=1)
    run = run_of(pytester)
    assert [case.detail for case in run.cases] == ["dry run", "dry run"]
    assert run.comparisons[0].status == "skipped"


def test_parallel_workers_give_the_same_verdicts(suite: Any, pytester: pytest.Pytester) -> None:
    benchmarks = [
        {"id": "b", "runner": "clock", "model": "one", "matrix": {"factor": [1, 2]}},
        {"id": "slow", "runner": "clock", "model": "one",
         "compare": {**SLOWER, "tolerance": "30%"}},
    ]  # fmt: skip
    suite({"baseline": {}}, benchmarks=benchmarks)
    result = session(pytester, "-n", "2")
    result.assert_outcomes(passed=2, failed=1)
    run = run_of(pytester)
    outcomes = {one.id: [v.outcome for v in one.verdicts] for one in run.comparisons}
    assert outcomes == {
        "s::b[one-CPU-factor=1-vs-baseline]": ["pass"],
        "s::b[one-CPU-factor=2-vs-baseline]": ["pass"],
        "s::slow[one-CPU-vs-baseline]": ["regression"],
    }
    assert {one.procedure.verdict_count for one in run.comparisons if one.procedure} == {3}


def test_an_environment_variable_can_make_a_side(suite: Any, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(conftest(duration="float(os.environ.get('PACE', 1000))"))
    suite({"baseline": {}, "candidate": {"env": {"PACE": "2000"}}})
    assert session(pytester).ret == pytest.ExitCode.TESTS_FAILED
    [verdict] = run_of(pytester).comparisons[0].verdicts
    assert verdict.change == pytest.approx(1.0, abs=0.2)


class Project:
    """A small project under git, whose code decides how long a call takes."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.path = pytester.path
        pytester.makeconftest(conftest(imports="import work", duration="work.MICROSECONDS"))
        (self.path / ".gitignore").write_text("run.json\n__pycache__\n*.pyc\n")
        git(self.path, "init", "-q", "-b", "main")

    def commit(self, microseconds: int) -> str:
        self.write(microseconds)
        return commit_all(self.path)

    def write(self, microseconds: int) -> None:
        (self.path / "src").mkdir(exist_ok=True)
        (self.path / "src" / "work.py").write_text(f"MICROSECONDS = {microseconds}\n")


@pytest.fixture
def project(suite: Any, pytester: pytest.Pytester) -> Project:
    made = Project(pytester)
    suite({"launches": 4})
    (pytester.path / "pytest.ini").write_text("[pytest]\npythonpath = src\n")
    return made


def test_a_change_of_the_user_s_code_is_measured_against_a_revision(
    project: Project, pytester: pytest.Pytester
) -> None:
    before = project.commit(1000)
    project.write(2000)
    result = session(pytester, "--suite-against=main")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    run = run_of(pytester)
    [comparison] = run.comparisons
    assert comparison.id == "s::b[one-CPU-vs-main]"
    assert comparison.sides[0].described["commit"] == before
    assert "commit" not in comparison.sides[1].described
    [verdict] = comparison.verdicts
    assert verdict.change == pytest.approx(1.0, abs=0.2)
    changed = git(project.path, "status", "--porcelain", "--untracked-files=no")
    assert changed == "M src/work.py"


def test_two_revisions_have_a_worktree_each_made_ready_by_the_suite_s_commands(
    project: Project, suite: Any, pytester: pytest.Pytester
) -> None:
    project.commit(1000)
    project.commit(1100)
    project.write(9000)
    suite(
        {
            "baseline": {"revision": "HEAD~1"},
            "candidate": {"revision": "HEAD"},
            "revisions": {"setup": ["mkdir made", "echo MICROSECONDS = 1700 > made/work.py"],
                          "path": ["made"]},
        }
    )  # fmt: skip
    session(pytester).assert_outcomes(passed=1)
    [comparison] = run_of(pytester).comparisons
    assert [side.described["revision"] for side in comparison.sides] == ["HEAD~1", "HEAD"]
    [verdict] = comparison.verdicts
    assert verdict.outcome == "pass"
    assert verdict.baseline_value == pytest.approx(1.7, rel=0.2)


def test_what_a_conftest_imports_from_beside_it_is_the_revision_s(
    project: Project, suite: Any, pytester: pytest.Pytester
) -> None:
    bench = project.path / "bench"
    bench.mkdir()
    (project.path / "conftest.py").unlink()
    (bench / "conftest.py").write_text(conftest(imports="import helper", duration="helper.PACE"))
    for file in ("s.json", "rows.jsonl"):
        (project.path / file).rename(bench / file)
    helper = "import os\nPACE = 1000\nassert os.path.basename(os.getcwd()) == 'bench'\n"
    (bench / "helper.py").write_text(helper)
    project.commit(1)
    (bench / "helper.py").write_text(helper.replace("1000", "1500"))
    os.chdir(bench)
    result = session(pytester, "--suite-against=HEAD", f"--rootdir={project.path}")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    [comparison] = BenchmarkRun.load(bench / "run.json").comparisons
    for launch in comparison.launches:
        fastest = [min(unpack(side.durations)) for side in launch.sides]
        assert 1_000_000 <= fastest[0] < 1_500_000 <= fastest[1]


def test_a_revision_that_gets_the_working_tree_s_code_is_an_error_that_names_it(
    project: Project, pytester: pytest.Pytester
) -> None:
    source = str(project.path / "src")
    first = f"import sys\nsys.path.insert(0, {source!r})\nimport work"
    pytester.makeconftest(conftest(imports=first, duration="work.MICROSECONDS"))
    project.commit(1000)
    project.write(2000)
    result = session(pytester, "--suite-against=main")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    [comparison] = run_of(pytester).comparisons
    assert comparison.status == "error"
    assert comparison.detail.startswith(
        f"side 'baseline': module 'work' was imported from {source}/work.py, which is the working "
        "tree's and not the revision's: "
    )


def test_a_conftest_that_the_revision_lacks_serves_both_sides_and_is_listed(
    project: Project, pytester: pytest.Pytester
) -> None:
    ours = (project.path / "conftest.py").read_text()
    (project.path / "conftest.py").unlink()
    project.commit(1000)
    (project.path / "conftest.py").write_text(ours)
    session(pytester, "--suite-against=main").assert_outcomes(passed=1)
    [comparison] = run_of(pytester).comparisons
    file = project.path / "conftest.py"
    assert comparison.differences == [
        f"{file} is not in the revision: the working tree's was taken (baseline)"
    ]


def test_a_revision_whose_setup_fails_is_an_error_in_one_line(
    project: Project, suite: Any, pytester: pytest.Pytester
) -> None:
    project.commit(1000)
    suite({"baseline": {"revision": "main"}, "revisions": {"setup": "echo no compiler; false"}})
    result = session(pytester)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*side 'baseline': setup of *'echo no compiler; false' ended*"])
    assert run_of(pytester).comparisons[0].status == "error"


def test_a_revision_whose_import_hangs_ends_with_its_time(
    project: Project, suite: Any, pytester: pytest.Pytester
) -> None:
    project.commit(1000)
    (pytester.path / "src" / "work.py").write_text("import time\ntime.sleep(600)\n")
    commit_all(project.path)
    project.write(1000)
    suite({}, measure={"min_samples": 5, "min_seconds": 0, "timeout_seconds": 3})
    result = session(pytester, "--suite-against=HEAD")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    detail = run_of(pytester).comparisons[0].detail
    assert (
        detail == "side 'baseline': its imports were not done after 3 s (measure.timeout_seconds)"
    )


def environment_with(folder: Path, library: str, version: str, code: str) -> Path:
    """An environment that has what this one has, and a library of its own."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    names = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", vars=names))
    ours = [path for path in sys.path if path and Path(path).is_dir()]
    (packages / "ours.pth").write_text("\n".join(ours) + "\n")
    (packages / f"{library}.py").write_text(code)
    metadata = packages / f"{library}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {library}\nVersion: {version}\n")
    return folder / "bin" / "python"


def test_another_environment_is_another_version_of_a_library(
    suite: Any, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(
        conftest(
            imports="try:\n    import quickcalc\nexcept ImportError:\n    quickcalc = None\n",
            duration="quickcalc.MICROSECONDS",
        )
    )
    for version, pace in (("1.0", 1000), ("2.0", 2000)):
        code = f"MICROSECONDS = {pace}\n"
        environment_with(pytester.path / f"env-{version}", "quickcalc", version, code)
    suite(
        {
            "baseline": {"python": "env-1.0/bin/python"},
            "candidate": {"python": "env-2.0/bin/python"},
        }
    )
    result = session(pytester)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    [comparison] = run_of(pytester).comparisons
    assert comparison.differences == ["quickcalc 1.0 -> 2.0 (candidate)"]
    assert comparison.verdicts[0].outcome == "regression"
    assert comparison.sides[1].packages["quickcalc"] == "2.0"


def test_an_interpreter_without_this_package_says_what_to_install(
    suite: Any, pytester: pytest.Pytester
) -> None:
    bare = pytester.path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    suite({"baseline": {"python": "bare/bin/python"}})
    result = session(pytester)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*side 'baseline': pytest-modelbench is not installed for *"])


def test_nothing_is_left_running_and_no_memory_of_it_after_a_comparison(
    suite: Any, pytester: pytest.Pytester
) -> None:
    suite({"baseline": {}, "candidate": {"model": "dies"}})
    marker = {"MODELBENCH_TEST_MARKER": str(pytester.path)}
    command = [sys.executable, "-m", "pytest", "s.json", "-q", "-p", "no:cacheprovider"]
    subprocess.run(
        command, cwd=pytester.path, env={**os.environ, **marker}, capture_output=True, timeout=120
    )
    assert [process for process in Path("/proc").glob("[0-9]*") if _has(process, marker)] == []


def _has(process: Path, marker: dict[str, str]) -> bool:
    try:
        content = (process / "environ").read_bytes()
    except OSError:
        return False
    return any(f"{name}={value}".encode() in content for name, value in marker.items())


def test_what_no_side_has_is_told_with_its_reason_and_only_where_it_was_asked_for(
    suite: Any, pytester: pytest.Pytester
) -> None:
    criteria = [{"metric": "peak_vram_mb", "max_regression": "5%"}]
    sides = {"candidates": {"a": {}, "b": {}}, "launches": 2, "blocks": 4}
    suite({"baseline": {}, **sides}, criteria=criteria)
    assert session(pytester, "-Wdefault").ret == 0
    [comparison] = run_of(pytester).comparisons
    said = {(one.baseline, one.candidate): one for one in comparison.verdicts}
    for candidate in ("a", "b"):
        words = f"{candidate}: peak vram, tolerance 5 %: inconclusive: "
        assert said["baseline", candidate].message.startswith(words)
        assert "CPU" in str(said["baseline", candidate].reason)
    assert said["a", "b"].outcome == "noted"


def test_the_first_call_says_nothing_of_how_many_there_are_to_be(
    suite: Any, pytester: pytest.Pytester
) -> None:
    """Without a warm-up only a first call has been seen, here one of 300 ms."""
    slow_first = "1000 if self.calls > 1 else 300_000"
    pytester.makeconftest(
        conftest().replace("keep_time(self.microseconds)", f"keep_time({slow_first})")
    )
    suite({"baseline": {}}, measure={"min_samples": 5, "min_seconds": 0, "warmup": 0})
    session(pytester).assert_outcomes(passed=1)
    procedure = run_of(pytester).comparisons[0].procedure
    assert procedure is not None
    assert (procedure.calls, procedure.blocks) == (3, 20)


def test_parameters_of_a_side_are_shown_with_those_of_the_benchmark(
    suite: Any, pytester: pytest.Pytester
) -> None:
    suite(
        {"baseline": {}, "candidate": {"params": {"factor": 0.9}}},
        criteria=[{"metric": "exact_match", "goal": "max", "max_regression": 0.5}],
        benchmarks=[{"id": "b", "runner": "clock", "model": "one", "params": {"wrong": ["a"]}}],
    )
    session(pytester).assert_outcomes(passed=1)
    sides = run_of(pytester).comparisons[0].sides
    assert [side.described["params"] for side in sides] == [
        {"wrong": ["a"]},
        {"wrong": ["a"], "factor": 0.9},
    ]
