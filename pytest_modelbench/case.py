"""A case: one benchmark on one model, one device and one set of parameters."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.registry import Candidate


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

    @property
    def name(self) -> str:
        """The pytest item's name: `benchmark[model-device]`."""
        return f"{self.benchmark_id}[{self.label}]"

    @property
    def id(self) -> str:
        """Readable, unique in a session, and the same wherever the suite file lies."""
        return f"{self.suite_id}::{self.name}"

    @property
    def base_dir(self) -> Path:
        """What relative paths of the suite resolve against."""
        return self.suite_file.parent

    @property
    def load_key(self) -> Hashable:
        """Equal for cases that one loaded model can serve."""
        params = json.dumps(self.params, sort_keys=True, default=str)
        limits = (self.measure.threads, self.measure.memory_limit_mb)
        return (self.runner, self.candidate.model_path, self.device, params, limits)


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
