"""Where samples come from: one file per source, found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.registered import Registered

DatasetSource: TypeAlias = Callable[[DatasetSpec, Path], Iterator[Mapping[str, Any]]]
"""`rows(spec, base_dir)` yields rows lazily; relative paths resolve against `base_dir`."""

DATASET_SOURCES: Registered[DatasetSource] = Registered(
    "pytest_modelbench.dataset_sources", "dataset source", folds_case=True
)
"""Every dataset source by name: entry points of installed packages, and those a conftest adds."""
