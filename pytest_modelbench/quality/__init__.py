"""How good answers are: one file per quality metric, found by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from pytest_modelbench.registered import Registered

if TYPE_CHECKING:
    from pytest_modelbench.results.metric import Metric

QualityMetric: TypeAlias = Callable[..., "Metric | float"]
"""`metric(predictions, references, **options)`: two lists of equal length to one number.

A sample that failed has the prediction None. A plain float is taken as measured.
"""

QUALITY_METRICS: Registered[QualityMetric] = Registered(
    "pytest_modelbench.quality_metrics", "quality metric"
)
"""Every quality metric by name: entry points of installed packages, and those a conftest adds."""
