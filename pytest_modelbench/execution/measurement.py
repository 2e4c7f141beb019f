"""What was seen of a case while it ran, before it is summed up."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.samples import Sample, SampleSet
from pytest_modelbench.measure.timing import TimedCalls
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.runners.contract import Prediction, Runner


@dataclass
class Measurement:
    """What was seen of a case, before it is summed up."""

    case: Case
    runner: Runner
    sample_set: SampleSet
    batches: list[list[Sample]] = field(default_factory=list)
    unprepared: dict[str, Exception] = field(default_factory=dict)
    """Sample id to what its `prepare` raised."""
    calls: TimedCalls = field(default_factory=TimedCalls)
    predictions: list[Prediction | None] = field(default_factory=list)
    """One per sample, None for one that failed."""
    first_error: Exception | None = None
    memory: dict[str, Metric] = field(default_factory=dict)
