"""What `pytest_modelbench_register` is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_modelbench.datasets import DATASET_SOURCES, DatasetSource
from pytest_modelbench.quality import QUALITY_METRICS, QualityMetric
from pytest_modelbench.registered import Registered
from pytest_modelbench.runners import RUNNERS


@dataclass(frozen=True)
class Extensions:
    """The three things a user may add, by name."""

    runners: Registered[Any] = RUNNERS
    dataset_sources: Registered[DatasetSource] = DATASET_SOURCES
    quality_metrics: Registered[QualityMetric] = QUALITY_METRICS
