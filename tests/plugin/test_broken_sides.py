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

from pytest_modelbench import BenchmarkRun
from pytest_modelbench.git import git
from pytest_modelbench.results.comparison import Comparison

pytestmark = pytest.mark.slow
CONFTEST = """
from pytest_modelbench import Runner, Session


class Upper(Session):
    def __init__(self, name):
        self.name = name

    def predict(self, batch):
        return [text.upper() for text in batch]


class UpperRunner(Runner):
    name = "upper"
    input_kind = "text"
    quality = ("exact_match",)

    def load(self, candidate, device, params):
        return Upper(candidate.version)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("upper", UpperRunner)
"""
AUTHOR = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")
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
    return pytester.runpytest_subprocess(
        "s.json", "--suite-output=run.json", "-p", "no:cacheprovider", *options
    )


def comparison_of(pytester: pytest.Pytester) -> Comparison:
    [comparison] = BenchmarkRun.load(pytester.path / "run.json").comparisons
    return comparison


def commit(folder: Path) -> str:
    """All that is there, as the next revision; its hash."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    (folder / ".gitignore").write_text("run.json\n__pycache__\n")
    git(folder, "add", "-A")
    subprocess.run(["git", *AUTHOR, "-C", str(folder), "commit", "-qm", "some"], check=True)
    return git(folder, "rev-parse", "HEAD")


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
        return done.stdout.decode("utf-8", "replace")

    assert "1 passed" in against("main")
    run = BenchmarkRun.load(folder / "run.json")
    assert run.suites[0].file == f"{pytester.path}/caf?/s.json"
    [verdict] = run.comparisons[0].verdicts
    assert verdict.outcome == "pass"
    refused = f"'nosuch' is no revision of {pytester.path}/caf? (branches: main)"
    assert refused in against("nosuch")
