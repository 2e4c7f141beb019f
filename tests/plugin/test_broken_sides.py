"""Sides that break, in real sessions: what is said of them, and what is kept of the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from revisions import commit_all

from pytest_modelbench import BenchmarkRun
from pytest_modelbench.git import git
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.store import runs_folder
from pytest_modelbench.runs.folder import run_folders
from pytest_modelbench.views.sight import Watcher

pytestmark = pytest.mark.slow
CONFTEST = """
from pathlib import Path

from pytest_modelbench import Runner, Session


class Upper(Session):
    def __init__(self, name, params):
        self.name, self.params = name, params
        self.launches = 0
        if "breaks_in" in params:
            notes = Path(params["notes"])
            self.launches = len(notes.read_text()) if notes.exists() else 0
            notes.write_text("x" * (self.launches + 1))

    def predict(self, batch):
        if any(text in self.params.get("fails", "") for text in batch):
            raise ValueError("cannot say " + batch[0])
        # The first process measures the side by itself.
        if self.launches and self.launches == self.params.get("breaks_in"):
            raise RuntimeError("out of luck")
        return [text.upper() for text in batch]


class UpperRunner(Runner):
    name = "upper"
    input_kind = "text"
    quality = ("exact_match",)

    def load(self, candidate, device, params):
        return Upper(candidate.version, params)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("upper", UpperRunner)
"""
QUICK = {"blocks": 4, "launches": 2, "tolerance": "900%"}
LETTERS = "abcdefgh"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Callable[..., None]:
    pytester.makeconftest(CONFTEST)
    rows = [json.dumps({"text": one, "ref": one.upper()}) for one in LETTERS]
    (pytester.path / "rows.jsonl").write_text("\n".join(rows))

    def write(compare: Any = None, **fields: Any) -> None:
        whole = {
            "id": "s",
            "dataset": {"source": "jsonl", "path": "rows.jsonl", "reference_column": "ref"},
            "measure": {"min_samples": 5, "min_seconds": 0, "warmup": 2},
            "benchmarks": [{"id": "b", "runner": "upper", "model": "one"}],
            "compare": QUICK | (compare or {}),
            **fields,
        }
        (pytester.path / "s.json").write_text(json.dumps(whole, indent=1))

    return write


def session(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest("s.json", "--suite-output=run.json", "-Wdefault", *options)


def comparison_of(pytester: pytest.Pytester) -> Comparison:
    [comparison] = BenchmarkRun.load(pytester.path / "run.json").comparisons
    return comparison


def commit(folder: Path) -> str:
    """All that is there, as the next revision; its hash."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    (folder / ".gitignore").write_text("run.json\n__pycache__\n")
    return commit_all(folder)


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ("def broken(:\n", "SyntaxError: "),
        ("import absent_here\n", "ModuleNotFoundError: No module named 'absent_here'"),
        (CONFTEST.replace("modelbench.runners", "modelbench.racers"), "AttributeError: "),
        ("raise SystemExit('go away')\n", "SystemExit: go away"),
    ],
)
def test_a_revision_whose_conftest_is_broken_is_named_with_the_file_and_the_error(
    suite: Any, pytester: pytest.Pytester, broken: str, error: str
) -> None:
    suite()
    (pytester.path / "conftest.py").write_text(broken)
    made = commit(pytester.path)
    (pytester.path / "conftest.py").write_text(CONFTEST)
    result = session(pytester, "--suite-against=main")
    result.assert_outcomes(failed=1)
    detail = comparison_of(pytester).detail
    file = f"conftest.py of revision 'main' ({made[:12]})"
    assert detail.startswith(f"side 'baseline': {file} cannot be used: {error}")
    assert "Traceback" not in result.stdout.str()


def test_a_revision_whose_conftest_registers_nothing_yet_is_named_with_what_is_not_known(
    suite: Any, pytester: pytest.Pytester
) -> None:
    suite()
    (pytester.path / "conftest.py").write_text("")
    made = commit(pytester.path)
    (pytester.path / "conftest.py").write_text(CONFTEST)
    session(pytester, "--suite-against=main").assert_outcomes(failed=1)
    detail = comparison_of(pytester).detail
    assert detail.startswith("side 'baseline': 'upper' is not a runner")
    assert detail.endswith(
        f"; conftest.py of revision 'main' ({made[:12]}) has no pytest_modelbench_register"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux alone")
def test_a_repository_whose_path_is_not_utf_8_is_like_any_other(
    suite: Any, pytester: pytest.Pytester
) -> None:
    suite(benchmarks=[{"id": "b", "runner": "upper", "model": "./models"}])
    folder = Path(os.fsdecode(os.fsencode(pytester.path) + b"/caf\xe9"))
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "one").touch()
    for name in ("s.json", "rows.jsonl", "conftest.py"):
        (pytester.path / name).rename(folder / name)
    commit(folder)

    def against(revision: str) -> str:
        options = ["--suite-output=run.json", f"--rootdir={folder}", f"--suite-against={revision}"]
        command = [sys.executable, "-m", "pytest", "s.json", *options]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        return (done.stdout + done.stderr).decode("utf-8", "replace")

    assert "1 passed" in against("main")
    run = BenchmarkRun.load(folder / "run.json")
    assert run.suites[0].file == f"{pytester.path}/caf?/s.json"
    [verdict] = run.comparisons[0].verdicts
    assert verdict.outcome == "pass"
    where = f"{pytester.path}/caf? (branches: main)"
    refused = f"ERROR: --suite-against: 'nosuch' is no revision of {where}"
    assert refused in against("nosuch")


EXACT = {"id": "right", "metric": "exact_match", "goal": "max", "max_regression": 0.5}
TIGHT = {"id": "speed", "metric": "p50_latency_ms", "max_regression": "0.0001%"}
LATENCY = {"id": "speed", "metric": "p50_latency_ms", "max_regression": "900%"}


def test_what_earlier_launches_said_is_kept_when_a_candidate_breaks(
    suite: Any, pytester: pytest.Pytester
) -> None:
    breaks = {"breaks_in": 3, "notes": str(pytester.path / "notes")}
    compare = {"baseline": {}, "candidate": {"params": breaks}}
    suite({**compare, "launches": 4, "outputs": "equal"}, criteria=[EXACT, TIGHT])
    result = session(pytester)
    result.assert_outcomes(failed=1)
    said = "side 'candidate': broken in launch 3: RuntimeError: out of luck"
    comparison = comparison_of(pytester)
    assert (comparison.status, comparison.detail) == ("error", said)
    assert "Traceback" in (comparison.trace or "")
    assert len(comparison.launches) == 2
    verdicts = {one.metric: one for one in comparison.verdicts}
    assert verdicts["exact_match"].outcome == verdicts["outputs"].outcome == "pass"
    speed = verdicts["p50_latency_ms"]
    assert (speed.outcome, speed.reason) == ("inconclusive", said)
    assert speed.interval is not None
    assert "Traceback" not in result.stdout.str()
    lines = [line for line in result.stdout.lines if line.startswith("b[")]
    assert any(line.endswith(f": compared only so far: {said}") for line in lines)
    [folder] = run_folders(runs_folder())
    assert Watcher(folder).look().failures == [f"{comparison.id}: {said}"]
    result.stdout.fnmatch_lines(
        [
            f"why it failed, in full: modelbench show {folder.run_id} --errors",
            f"only what went wrong, again: *--suite-retry-failed={folder.run_id}",
        ]
    )


def test_a_candidate_that_breaks_in_the_first_launch_has_its_quality_compared(
    suite: Any, pytester: pytest.Pytester
) -> None:
    breaks = {"breaks_in": 1, "notes": str(pytester.path / "notes")}
    suite({"baseline": {}, "candidate": {"params": breaks}}, criteria=[EXACT, LATENCY])
    session(pytester).assert_outcomes(failed=1)
    comparison = comparison_of(pytester)
    said = "side 'candidate': broken in launch 1: RuntimeError: out of luck"
    assert (comparison.status, comparison.detail) == ("error", said)
    verdicts = [(one.metric, one.outcome, one.reason) for one in comparison.verdicts]
    assert verdicts[1:] == [("p50_latency_ms", "inconclusive", said)]
    assert verdicts[0][:2] == ("exact_match", "pass")
    # Only now does it not break: what went wrong is measured again.
    session(pytester, "--suite-retry-failed=last").assert_outcomes(passed=1)


@pytest.mark.parametrize("side", ["baseline", "candidate"])
def test_a_sample_that_fails_on_one_side_is_left_out_of_time_and_the_item_fails(
    suite: Any, pytester: pytest.Pytester, side: str
) -> None:
    suite({"baseline": {}, side: {"params": {"fails": "c"}}}, criteria=[EXACT, LATENCY])
    result = session(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*1 of 8 samples failed, the first with: ValueError: cannot say*"])
    comparison = comparison_of(pytester)
    assert comparison.status == "ok"
    verdicts = {one.metric: one for one in comparison.verdicts}
    assert verdicts["exact_match"].outcome in ("pass", "inconclusive")
    assert verdicts["p50_latency_ms"].outcome == "pass"
    assert "without 1 that failed" in verdicts["p50_latency_ms"].message
    assert comparison.differences == [
        f"side '{side}': 1 of 8 samples failed (0 tolerated by measure.max_failed_samples): row 2; "
        "the first with: ValueError: cannot say c; no side is timed on what failed"
    ]
    again = pytester.run(sys.executable, "-m", "pytest_modelbench.cli", "compare", "run.json")
    assert "without 1 that failed" in again.stdout.str()


def test_samples_that_may_fail_do_not_break_the_launches(
    suite: Any, pytester: pytest.Pytester
) -> None:
    measure = {"min_samples": 5, "min_seconds": 0, "warmup": 2, "max_failed_samples": 1}
    compare = {"baseline": {"params": {"fails": "a"}}, "candidate": {"params": {"fails": "b"}}}
    suite(compare, criteria=[LATENCY], measure=measure)
    session(pytester).assert_outcomes(passed=1)
    [verdict] = comparison_of(pytester).verdicts
    assert verdict.outcome == "pass"
    assert "without 2 that failed" in verdict.message


def test_where_every_sample_failed_on_one_side_or_the_other_nothing_is_timed(
    suite: Any, pytester: pytest.Pytester
) -> None:
    measure = {"min_samples": 5, "min_seconds": 0, "warmup": 2, "max_failed_samples": 7}
    fails = [{"params": {"fails": some}} for some in ("abcd", "efgh")]
    compare = dict(zip(("baseline", "candidate"), fails, strict=True))
    suite(compare, criteria=[EXACT, LATENCY], measure=measure)
    result = session(pytester)
    result.assert_outcomes(failed=1)
    comparison = comparison_of(pytester)
    failed = "'baseline' failed 4, 'candidate' failed 4"
    said = f"no sample is left that all sides answered (of 8: {failed})"
    assert (comparison.status, comparison.detail) == ("error", said)
    assert comparison.launches == []
    verdicts = {one.metric: one for one in comparison.verdicts}
    assert list(verdicts) == ["exact_match", "p50_latency_ms"]
    assert verdicts["p50_latency_ms"].reason == said
    assert f": compared only so far: {said}" in result.stdout.str()


def test_answers_that_have_to_be_equal_have_to_be_there(
    suite: Any, pytester: pytest.Pytester
) -> None:
    measure = {"min_samples": 5, "min_seconds": 0, "warmup": 2, "max_failed_samples": 1}
    compare = {"baseline": {}, "candidate": {"params": {"fails": "b"}}, "outputs": "equal"}
    suite(compare, measure=measure)
    result = session(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*worse: outputs: regression: outputs differ in 1 of 8 samples*"])
