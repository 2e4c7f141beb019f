"""Rows that hold nothing but a number, for runners that make their inputs from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_modelbench.datasets.spec import SEED_COLUMN, DatasetSpec


def rows(spec: DatasetSpec, base_dir: Path) -> Iterator[dict[str, Any]]:
    """`spec.max_samples` rows, with the seeds 0, 1, 2 and so on."""
    for seed in range(spec.max_samples):
        yield {SEED_COLUMN: seed}
