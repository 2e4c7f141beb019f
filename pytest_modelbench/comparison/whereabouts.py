"""Where each side of a comparison is measured, made ready, and what is installed there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_modelbench.case import Case, ComparisonPlan, SidePlan
from pytest_modelbench.comparison.probe import probe
from pytest_modelbench.comparison.worktrees import ready_worktree
from pytest_modelbench.errors import ModelbenchError, encodable
from pytest_modelbench.execution.place import HERE, Extension, Place
from pytest_modelbench.execution.tree import Tree
from pytest_modelbench.execution.turns import Turns


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
    not_of_revision: Sequence[str] = ()
    """Files taken from the working tree, since the side's revision has none of that name."""


@dataclass(frozen=True)
class Places:
    """Of the sides of a comparison."""

    found: Mapping[str, Whereabouts]
    """By the side's name, the baseline first."""
    lost: Mapping[str, str]
    """Why a candidate could not be made ready."""


@contextmanager
def places_of(
    plan: ComparisonPlan,
    extensions: Sequence[Extension],
    turns: Turns,
    failed: dict[str, str] | None = None,
) -> Iterator[Places]:
    """Every side, for as long as nobody may remove its worktree.

    `failed` remembers which revisions could not be made ready, and why: their setup is not run
    again for each case of a session.

    Making them ready is work that others may do at the same time, but nobody beside a timed call.
    Who waits for a worktree is busy, and so is who makes it: never the one without the other.

    Raises `ModelbenchError` naming the side that cannot be made ready, where without it there is
    nothing to compare: the baseline, or the last of the candidates.
    """
    failed = {} if failed is None else failed
    with ExitStack() as in_use:
        probed: dict[Place, Mapping[str, Any]] = {}
        found, lost = dict[str, Whereabouts](), dict[str, str]()
        with turns.busy():
            for side in plan.sides:
                try:
                    place = _place(side, plan, in_use, failed)
                    if place not in probed:
                        probed[place] = _probe(place)
                except ModelbenchError as error:
                    lost[side.name] = str(error)
                    if not found or len(lost) == len(plan.sides) - 1:
                        raise ModelbenchError(f"side {side.name!r}: {error}") from None
                else:
                    found[side.name] = _whereabouts(side, place, probed[place], extensions)
        yield Places(found, lost)


def _whereabouts(
    side: SidePlan, place: Place, seen: Mapping[str, Any], extensions: Sequence[Extension]
) -> Whereabouts:
    case = _moved(side.case, place)
    files = [side.case.candidate.model_path, *(file for _, file in extensions)]
    return Whereabouts(
        name=side.name,
        case=case,
        place=place,
        python_version=seen["python"],
        packages=seen["packages"],
        described=_described(side, case),
        not_of_revision=[one for one in files if Path(one).is_absolute() and place.lacks(one)],
    )


def _place(
    side: SidePlan, plan: ComparisonPlan, in_use: ExitStack, failed: dict[str, str]
) -> Place:
    if side.commit is None or plan.repository is None:
        return replace(HERE, python=side.python, env=side.env)
    revisions = plan.settings.revisions
    called = f"revision {side.given.get('revision', side.commit)!r} ({side.commit[:12]})"
    what = "\0".join((side.commit, *revisions.setup))
    if what in failed:
        raise ModelbenchError(failed[what])
    try:
        made = ready_worktree(plan.repository, side.commit, revisions, called)
        folder = in_use.enter_context(made)
    except ModelbenchError as error:
        failed[what] = str(error)
        raise
    names = revisions.path
    if names is None:
        names = ["src", "."] if (folder / "src").is_dir() else ["."]
    tree = Tree(str(plan.repository), str(folder), called)
    return Place(
        python=_interpreter(side, folder),
        path=tuple(str((folder / name).resolve()) for name in names),
        folder=_working_directory(tree),
        env=side.env,
        tree=tree,
    )


def _working_directory(tree: Tree) -> str:
    """The session's, as the revision has it."""
    try:
        here = tree.counterpart(str(Path.cwd()))
    except OSError:  # it has been deleted
        here = None
    return here if here is not None and Path(here).is_dir() else tree.worktree


def _interpreter(side: SidePlan, folder: Path) -> str | None:
    if side.python is None:
        return None
    path = folder / side.python
    if not path.is_file():
        raise ModelbenchError(
            f"there is no {side.python!r} in its worktree {folder}: it should be made by "
            f"compare.revisions.setup; {_anew(folder)}"
        )
    # Not resolved: a virtual environment's interpreter is a link, and known by its own name.
    return str(path)


def _moved(case: Case, place: Place) -> Case:
    """The case with its model as it is in the side's worktree, where it is there."""
    path = case.candidate.model_path
    if not Path(path).is_absolute():  # of a hub
        return case
    path = place.counterpart(path)
    return replace(case, candidate=replace(case.candidate, model_path=path))


def _described(side: SidePlan, case: Case) -> dict[str, Any]:
    given = {"model": case.candidate.version, "device": case.device, "params": dict(case.params)}
    commit = {"commit": side.commit} if side.commit else {}
    return {**side.given, **given, **commit}


def _probe(place: Place) -> Mapping[str, Any]:
    try:
        return probe(place)
    except ModelbenchError as error:
        if place.tree is None or place.is_own_interpreter:
            raise
        raise ModelbenchError(f"{error}; {_anew(Path(place.tree.worktree))}") from None


def _anew(folder: Path) -> str:
    return f"to have the worktree made anew, delete {folder}"


def equal_to_baseline(plan: ComparisonPlan) -> list[str]:
    """The candidates that are the same model, device, parameters, code and environment."""
    baseline, *others = map(_what_it_is, plan.sides)
    names = (side.name for side in plan.sides[1:])
    return [name for name, one in zip(names, others, strict=True) if one == baseline]


def _what_it_is(side: SidePlan) -> tuple[Any, ...]:
    case = side.case
    return case.candidate, case.device, case.params, side.commit, side.python, side.env


def unasked_differences(sides: Sequence[Whereabouts]) -> list[str]:
    """What differs between the sides' environments, in words; each side against the first.

    And what does not although it should: files that a revision has not.
    """
    baseline, *others = sides
    lines = [
        f"{encodable(file)} is not in the revision: the working tree's was taken ({side.name})"
        for side in sides
        for file in side.not_of_revision
    ]
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
