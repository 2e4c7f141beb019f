"""Where each side of a comparison is measured, made ready, and what is installed there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pytest_modelbench.case import Case, ComparisonPlan, SidePlan
from pytest_modelbench.comparison.worktrees import ready_worktree
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.place import HERE, Place

_PROBE = """
import importlib.metadata as metadata, json, platform
found = {}
for one in metadata.distributions():
    name = one.metadata["Name"]
    if name:
        found.setdefault(name.lower().replace("_", "-"), one.version)
print(json.dumps({"python": platform.python_version(), "packages": found}))
"""
_PROBE_SECONDS = 120.0
_OURS = "pytest-modelbench"


@dataclass(frozen=True)
class Whereabouts:
    """A side with everything that it takes to measure it."""

    name: str
    case: Case
    place: Place
    python_version: str
    packages: Mapping[str, str]
    """Everything that is installed there."""
    described: Mapping[str, Any]


def whereabouts_of(plan: ComparisonPlan) -> list[Whereabouts]:
    """Every side, in order. Raises `ModelbenchError` naming the side that cannot be made ready."""
    probed: dict[Place, Mapping[str, Any]] = {}
    found = []
    for side in plan.sides:
        try:
            place = _place(side, plan)
            if place not in probed:
                probed[place] = _probe(place)
        except ModelbenchError as error:
            raise ModelbenchError(f"side {side.name!r}: {error}") from None
        seen = probed[place]
        case = _moved(side.case, place)
        found.append(
            Whereabouts(
                side.name, case, place, seen["python"], seen["packages"], _described(side, case)
            )
        )
    return found


def _place(side: SidePlan, plan: ComparisonPlan) -> Place:
    if side.commit is None or plan.repository is None:
        return replace(HERE, python=side.python, env=side.env)
    revisions = plan.settings.revisions
    folder = ready_worktree(plan.repository, side.commit, revisions)
    names = revisions.path
    if names is None:
        names = ["src", "."] if (folder / "src").is_dir() else ["."]
    return Place(
        python=_interpreter(side, folder),
        path=tuple(str((folder / name).resolve()) for name in names),
        folder=str(folder),
        env=side.env,
        tree=(str(plan.repository), str(folder)),
    )


def _interpreter(side: SidePlan, folder: Path) -> str | None:
    if side.python is None:
        return None
    path = folder / side.python
    if not path.is_file():
        raise ModelbenchError(
            f"there is no {side.python!r} in its worktree {folder}: what is made by "
            "compare.revisions.setup?"
        )
    # Not resolved: a virtual environment's interpreter is a link, and known by its own name.
    return str(path)


def _moved(case: Case, place: Place) -> Case:
    """The case with its model as it is in the side's worktree, where it is there."""
    path = place.counterpart(case.candidate.model_path)
    if path == case.candidate.model_path:
        return case
    return replace(case, candidate=replace(case.candidate, model_path=path))


def _described(side: SidePlan, case: Case) -> dict[str, Any]:
    given = {"model": case.candidate.version, "device": case.device, "params": dict(case.params)}
    commit = {"commit": side.commit} if side.commit else {}
    return {**given, **side.given, **commit}


def _probe(place: Place) -> Mapping[str, Any]:
    """Python's version and what is installed. Raises `ModelbenchError` for what cannot serve."""
    command = [place.executable, "-P", "-c", _PROBE]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            check=False,
            env=place.environment(),
            cwd=place.folder,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ModelbenchError(f"{place.executable} cannot be run: {error}") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise ModelbenchError(f"{place.executable} cannot be used: {said[0]}")
    seen: Mapping[str, Any] = json.loads(done.stdout)
    _check_package(place, seen["packages"].get(_OURS))
    return seen


def _check_package(place: Place, found: str | None) -> None:
    wanted = version(_OURS)
    if found is None:
        raise ModelbenchError(
            f"{_OURS} is not installed for {place.executable}: install {_OURS} {wanted} there"
        )
    if found != wanted:
        raise ModelbenchError(
            f"{place.executable} has {_OURS} {found} and this session {wanted}: both sides must be "
            "measured by the same version"
        )


def unasked_differences(sides: Sequence[Whereabouts]) -> list[str]:
    """What differs between the sides' environments, in words; each side against the first."""
    baseline, *others = sides
    lines = []
    for side in others:
        if side.python_version != baseline.python_version:
            lines.append(f"Python {baseline.python_version} -> {side.python_version} ({side.name})")
        changed = [
            f"{name} {baseline.packages.get(name, 'absent')} -> {side.packages.get(name, 'absent')}"
            for name in sorted({*baseline.packages, *side.packages})
            if baseline.packages.get(name) != side.packages.get(name)
        ]
        lines += [f"{line} ({side.name})" for line in changed[:_MOST_NAMED]]
        if len(changed) > _MOST_NAMED:
            lines.append(f"and {len(changed) - _MOST_NAMED} more packages ({side.name})")
    return lines


_MOST_NAMED = 10
