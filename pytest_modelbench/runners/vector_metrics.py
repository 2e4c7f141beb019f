"""How long the vectors are that a model gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.results.metric import Metric, measured, skipped
from pytest_modelbench.runners.contract import Prediction

VECTOR_METRICS = ("vector_dim_mean", "vector_dim_min", "vector_dim_max")
UNIT = "dimensions"
UNKNOWN = "all pairs were answered in an earlier session: how long their vectors were is not kept"


def vector_metrics(
    samples: Sequence[Sample], predictions: Sequence[Prediction | None], seen: Mapping[str, int]
) -> Mapping[str, Metric]:
    """Over the samples that did not fail; nothing where all did.

    `seen` has the lengths of what this session was answered, by the sample's id. Of what an earlier
    one was, a vector says its length itself; of a pair only its similarity is kept.
    """
    answered = [
        (sample, given.value)
        for sample, given in zip(samples, predictions, strict=True)
        if given is not None
    ]
    sizes = [
        seen[sample.id] if sample.id in seen else len(value)
        for sample, value in answered
        if sample.id in seen or hasattr(value, "shape")
    ]
    if not sizes:
        return {name: skipped(UNKNOWN, UNIT) for name in VECTOR_METRICS} if answered else {}
    values = (sum(sizes) / len(sizes), min(sizes), max(sizes))
    return {
        name: measured(value, UNIT, samples=len(sizes))
        for name, value in zip(VECTOR_METRICS, values, strict=True)
    }
