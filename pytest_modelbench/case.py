"""A case: one benchmark on one model, one device and one set of parameters."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.execution.trail import NO_TRAIL, Trail
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.registry import Candidate
from pytest_modelbench.suite.compare import Compare


@dataclass(frozen=True, eq=False)
class Case:
    """Everything needed to measure it, and nothing of pytest."""

    suite_id: str
    suite_file: Path
    benchmark_id: str
    runner: str
    candidate: Candidate
    device: str
    params: Mapping[str, Any]
    dataset: DatasetSpec
    measure: MeasureSpec
    load: LoadSpec | None = None
    """How an endpoint is loaded; None for a model that is loaded here."""
    quality: tuple[str, ...] | None = None
    """Quality metrics by name; None takes the runner's own."""
    env: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    varied: tuple[str, ...] = ()
    """The parameters a matrix varies, which therefore stand in the id."""
    line: int = 1
    """The line of its benchmark in the suite file."""
    label: str = field(default="")
    """What stands between the brackets of its node id."""
    keep_outputs: bool = False
    """Whether a hash of each answer is kept, even when nothing scores them."""
    trail: Trail = NO_TRAIL
    """What it leaves in the directory of its run while it is measured."""
    outputs_file: Path | None = None
    """Where the answers themselves are left, for whoever compares them number by number."""
    side: str = ""
    """Which side of a comparison it is."""
    comparison: ComparisonPlan | None = None
    """The sides that are measured against each other; of them the case itself is the candidate."""

    @property
    def name(self) -> str:
        """The pytest item's name: `benchmark[model-device]`."""
        return f"{self.benchmark_id}[{self.label}]"

    @property
    def id(self) -> str:
        """Readable, unique in a session, and the same wherever the suite file lies."""
        return f"{self.suite_id}::{self.name}" + (f"@{self.side}" if self.side else "")

    @property
    def measured(self) -> Sequence[Case]:
        """The cases whose results its item gives: itself, or every side of its comparison."""
        return [side.case for side in self.comparison.sides] if self.comparison else [self]

    def on(self, candidate: Candidate, device: str) -> Case:
        """The case with another model and device; sides that name one themselves keep it."""
        moved = replace(self, candidate=candidate, device=device)
        if self.comparison is None:
            return moved
        sides = tuple(side.on(candidate, device) for side in self.comparison.sides)
        return replace(moved, comparison=replace(self.comparison, sides=sides))

    @property
    def base_dir(self) -> Path:
        """What relative paths of the suite resolve against."""
        return self.suite_file.parent

    @property
    def load_key(self) -> Hashable:
        """Equal for cases that one loaded model can serve.

        Of the candidate all fields count: a runner may load by any of them.
        """
        params = json.dumps(self.params, sort_keys=True, default=str)
        limits = (self.measure.threads, self.measure.memory_limit_mb)
        return (self.runner, self.candidate, self.device, params, limits)


@dataclass(frozen=True, eq=False)
class SidePlan:
    """One side of a comparison, and where it is measured."""

    name: str
    case: Case
    given: Mapping[str, Any]
    """What the suite or the command line says of this side, for people."""
    commit: str | None = None
    """The commit to check out; None for the files as they are."""
    python: str | None = None
    """Another interpreter: an absolute path, or relative to the worktree of `commit`."""
    env: tuple[tuple[str, str], ...] = ()

    def on(self, candidate: Candidate, device: str) -> SidePlan:
        """The side with these, but for what it names itself."""
        if self.given.get("model") is not None:
            candidate = self.case.candidate
        if self.given.get("device") is not None:
            device = self.case.device
        return replace(self, case=replace(self.case, candidate=candidate, device=device))


@dataclass(frozen=True, eq=False)
class ComparisonPlan:
    """Sides to be measured against each other; the first one is the baseline."""

    sides: tuple[SidePlan, ...]
    settings: Compare
    repository: Path | None = None
    """The root of the git repository, where a side is one of its commits."""


def case_label(candidate: Candidate, device: str, varied: Mapping[str, Any]) -> str:
    """`model-device`, and the parameters a matrix varies.

    >>> case_label(Candidate("tiny", "/models/tiny"), "CPU", {"batch_size": 4})
    'tiny-CPU-batch_size=4'
    """
    parts = [candidate.version, device]
    for name, value in varied.items():
        text = value if isinstance(value, str) else json.dumps(value)
        parts.append(f"{name}={text}")
    return "-".join(parts)
