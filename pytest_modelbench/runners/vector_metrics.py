"""How long the vectors are that a model gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_modelbench.results.metric import Metric, measured

VECTOR_METRICS = ("vector_dim_mean", "vector_dim_min", "vector_dim_max")
UNIT = "dimensions"


def vector_metrics(sizes: Sequence[int]) -> Mapping[str, Metric]:
    """Over the samples that did not fail; nothing where all did.

    >>> vector_metrics([384, 384])["vector_dim_mean"].value
    384.0
    """
    if not sizes:
        return {}
    values = (sum(sizes) / len(sizes), min(sizes), max(sizes))
    return {
        name: measured(value, UNIT, samples=len(sizes))
        for name, value in zip(VECTOR_METRICS, values, strict=True)
    }
