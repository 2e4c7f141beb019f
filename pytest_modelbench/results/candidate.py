"""A model of a run, and the metrics that every model has."""

from __future__ import annotations

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.registry import ModelType
from pytest_modelbench.results.fields import Amount, Text
from pytest_modelbench.results.metric import Metric


class StandardMetrics(StrictModel):
    """The six metrics every candidate carries; `metadata.case` names the case they are from."""

    latency_ms: Metric
    tokens_per_sec: Metric
    peak_vram_mb: Metric
    peak_ram_mb: Metric
    cove_pass_rate: Metric
    retrieval_score: Metric


class BenchmarkCandidate(StrictModel):
    """A model of the run."""

    version: Text
    model_type: ModelType
    model_path: Text
    base_model: Text | None
    quantization: Text | None
    distilled_from: Text | None
    file_size_mb: Amount | None
    metrics: StandardMetrics

    @property
    def latency_ms(self) -> Metric:
        return self.metrics.latency_ms

    @property
    def tokens_per_sec(self) -> Metric:
        return self.metrics.tokens_per_sec

    @property
    def peak_vram_mb(self) -> Metric:
        return self.metrics.peak_vram_mb

    @property
    def peak_ram_mb(self) -> Metric:
        return self.metrics.peak_ram_mb

    @property
    def cove_pass_rate(self) -> Metric:
        return self.metrics.cove_pass_rate

    @property
    def retrieval_score(self) -> Metric:
        return self.metrics.retrieval_score
