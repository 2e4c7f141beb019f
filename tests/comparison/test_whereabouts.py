"""Where each side is measured: worktrees, environments, and what is told of them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from revisions import commit_all

from pytest_modelbench.case import ComparisonPlan, SidePlan
from pytest_modelbench.comparison.compare import Comparer
from pytest_modelbench.comparison.probe import probe
from pytest_modelbench.comparison.whereabouts import places_of, unasked_differences
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.locks import SharedLock
from pytest_modelbench.execution.place import HERE
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.git import git
from pytest_modelbench.suite.compare import Compare
from pytest_modelbench.suite.load import load_suite
from pytest_modelbench.suite.selection import Selection

SUITE = """{"id": "s", "dataset": {"source": "jsonl", "path": "rows.jsonl"},
 "benchmarks": [{"id": "b", "runner": "embedding_text", "model": "models/tracked.xml"}]}"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "models").mkdir(parents=True)
    (folder / "bench").mkdir()
    (folder / "bench" / "readme").touch()
    (folder / "models" / "tracked.xml").touch()
    (folder / "s.json").write_text(SUITE)
    (folder / "rows.jsonl").write_text('{"text": "a"}\n')
    git(folder, "init", "-q", "-b", "main")
    commit_all(folder)
    return folder


def plan(repository: Path, model: str = "models/tracked.xml", **revisions: Any) -> ComparisonPlan:
    """HEAD against the files as they are."""
    [case] = load_suite(repository / "s.json", Selection()).cases
    case = replace(
        case, candidate=replace(case.candidate, model_path=str(repository / model)), side="baseline"
    )
    python = revisions.get("python")
    sides = (
        SidePlan("baseline", case, {}, commit=git(repository, "rev-parse", "HEAD"), python=python),
        SidePlan("candidate", replace(case, side="candidate"), {}),
    )
    return ComparisonPlan(sides, Compare.model_validate({"revisions": revisions}), repository)


def test_a_side_of_a_revision_has_the_model_and_directory_of_its_worktree(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(repository)
    monkeypatch.chdir(tmp_path / "link" / "bench")
    with places_of(plan(repository), (), Turns("none")) as places:
        baseline, candidate = places.found.values()
        assert baseline.place.tree is not None
        worktree = baseline.place.tree.worktree
        assert baseline.case.candidate.model_path == f"{worktree}/models/tracked.xml"
        assert baseline.place.folder == f"{worktree}/bench"
        assert candidate.case.candidate.model_path == f"{repository}/models/tracked.xml"
        assert candidate.place == HERE
        assert unasked_differences([baseline, candidate]) == []
    monkeypatch.chdir(tmp_path)
    with places_of(plan(repository), (), Turns("none")) as places:
        baseline = places.found["baseline"]
        assert baseline.place.folder == worktree


def test_a_model_that_the_revision_has_not_is_listed(repository: Path) -> None:
    (repository / "models" / "new.xml").touch()
    with places_of(plan(repository, "models/new.xml"), (), Turns("none")) as places:
        sides = list(places.found.values())
        file = f"{repository}/models/new.xml"
        assert sides[0].case.candidate.model_path == file
        assert unasked_differences(sides) == [
            f"{file} is not in the revision: the working tree's was taken (baseline)"
        ]


@pytest.mark.parametrize("setup", ["true", "mkdir env; printf '#!/bin/sh\\nexit 3' > env/python"])
def test_an_environment_that_cannot_serve_names_the_folder_to_delete(
    repository: Path, setup: str
) -> None:
    commands = [setup, "chmod -R u+x ."]
    with (
        pytest.raises(ModelbenchError, match=r"^side 'baseline': .*made anew, delete /.*trees/"),
        places_of(plan(repository, setup=commands, python="env/python"), (), Turns("none")),
    ):
        pass


def test_a_worktree_is_made_ready_while_nobody_is_timed(repository: Path, tmp_path: Path) -> None:
    """The setup itself looks whether it could be alone with the host."""
    code = (
        "from pathlib import Path; from pytest_modelbench.execution.locks import SharedLock; "
        f"lock = SharedLock(Path('{tmp_path}/locks/host.lock')); "
        f"Path('{tmp_path}/seen').write_text(str(lock.take(wait=False)))"
    )
    turns = Turns("host", folder=tmp_path / "locks")
    command = f'{sys.executable} -c "{code}"'
    with places_of(plan(repository, setup=[command]), (), turns):
        assert (tmp_path / "seen").read_text() == "False"
        alone = SharedLock(tmp_path / "locks" / "host.lock")
        assert alone.take(wait=False), "who has got ready keeps nobody waiting"
        alone.release()


def test_a_setup_that_failed_is_not_run_again_for_the_next_case(
    repository: Path, tmp_path: Path
) -> None:
    failed: dict[str, str] = {}
    for _ in range(2):
        with (
            pytest.raises(ModelbenchError, match=r"^side 'baseline': setup of "),
            places_of(
                plan(repository, setup=[f"echo once >> {tmp_path}/count; false"]),
                (),
                Turns("none"),
                failed,
            ),
        ):
            pass
    assert (tmp_path / "count").read_text() == "once\n"


def test_what_starts_with_the_interpreter_may_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import atexit, sys\nsys.stdout.write('{} hello')\natexit.register(print, '{}')\n"
    (tmp_path / "sitecustomize.py").write_text(code)
    seen = probe(replace(HERE, path=(str(tmp_path),)))
    assert seen["packages"]["pytest-modelbench"]
    said = subprocess.run([sys.executable, "-c", ""], env={"PYTHONPATH": str(tmp_path)},
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert said.stdout == "{} hello{}\n", "the file is heeded"


def test_a_comparison_without_fork_says_so(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = replace(plan(repository).sides[1].case, comparison=plan(repository))
    monkeypatch.delattr(os, "fork")
    compared = Comparer("main", [], "none").compare(case, [])
    assert compared.comparison.status == "error"
    assert compared.comparison.detail.startswith("comparisons need fork")


def test_a_candidate_that_cannot_be_made_ready_leaves_the_others_theirs(repository: Path) -> None:
    whole = plan(repository, setup="false")
    ours = replace(whole.sides[1].case, side="ours")
    baseline = replace(whole.sides[0], commit=None)
    old = replace(whole.sides[0], name="old", case=replace(ours, side="old"))
    others = (old, SidePlan("ours", ours, {}))
    with places_of(replace(whole, sides=(baseline, *others)), (), Turns("none")) as places:
        assert list(places.found) == ["baseline", "ours"]
        assert "'false' ended with" in places.lost["old"]
    nothing_left = replace(whole, sides=(baseline, old))
    with (
        pytest.raises(ModelbenchError, match=r"^side 'old': setup of "),
        places_of(nothing_left, (), Turns("none")),
    ):
        pass
