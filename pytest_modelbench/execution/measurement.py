"""What was seen of a case while it ran, before it is summed up."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.samples import Audio, Sample
from pytest_modelbench.execution.content import hash64
from pytest_modelbench.measure.timing import TimedCalls
from pytest_modelbench.measure.warmup import WarmUp
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.runners.contract import Prediction, Runner, Session

MOST_FAILED_NAMED = 20


class Placed(Protocol):
    """A sample that was asked, and its place among all."""

    sample: Sample
    place: int


@dataclass
class Measurement:
    """What was seen of a case. Of the samples it holds only what will be needed again."""

    case: Case
    runner: Runner
    session: Session
    calls: TimedCalls
    warm_up: WarmUp | None = None
    memory: dict[str, Metric] = field(default_factory=dict)
    sample_count: int = 0
    answered: int = 0
    first_error: Exception | None = None
    other_error: Exception | None = None
    """The first one that left no sample without an answer."""
    failed_rows: list[str] = field(default_factory=list)
    """The first samples that failed, by their rows."""
    items: int = 0
    """Samples answered by the timed calls, each as often as it was asked."""
    audio_seconds: float | None = None
    """Sound in them; None when the inputs are not sound."""
    tokens: int | None = None
    """Tokens in their answers; None when no answer says."""
    references: list[Any] = field(default_factory=list)
    predictions: list[Prediction | None] = field(default_factory=list)
    """One per sample, None for one that failed; empty when nobody will ask for them."""
    samples: list[Sample] = field(default_factory=list)
    outputs: array[int] = field(default_factory=lambda: array("q"))
    """A hash of each sample's answer, 0 for one that failed; empty when nobody compares them."""

    _has_answer: bytearray = field(default_factory=bytearray)
    """A byte for each sample."""

    def __post_init__(self) -> None:
        summarizes = type(self.session).summarize is not Session.summarize
        names = self.runner.quality if self.case.quality is None else self.case.quality
        self._keeps_samples = summarizes
        self._keeps_predictions = summarizes or bool(names) or self.case.outputs_file is not None
        self.keeps_outputs = self._keeps_predictions or self.case.keep_outputs

    def fail(self, error: Exception, asked: Sequence[Placed] = ()) -> None:
        """Remember the first fault, and the samples that are without an answer for it."""
        self.first_error = self.first_error or error
        without = [one.sample.id for one in asked if not self._has_answer[one.place]]
        if not without:
            self.other_error = self.other_error or error
        self.failed_rows += without[: MOST_FAILED_NAMED - len(self.failed_rows)]

    @property
    def failed(self) -> int:
        """Samples without an answer."""
        return self.sample_count - self.answered

    @property
    def failures_tolerated(self) -> int:
        return self.case.measure.failures_tolerated(self.sample_count)

    @property
    def fatal_error(self) -> Exception | None:
        """The first fault, unless there are no others than failed samples that are tolerated."""
        is_tolerated = self.other_error is None and self.failed <= self.failures_tolerated
        return None if is_tolerated else self.first_error

    def expect(self, sample: Sample) -> int:
        """Count a sample that is to be answered; its place."""
        place = self.sample_count
        self.sample_count += 1
        self._has_answer.append(False)
        if self._keeps_predictions:
            self.references.append(sample.reference)
            self.predictions.append(None)
        if self.keeps_outputs:
            self.outputs.append(0)
        if self._keeps_samples:
            self.samples.append(sample)
        return place

    def has_answer(self, place: int) -> bool:
        return bool(self._has_answer[place])

    def count_calls(self, batch: Sequence[Sample], calls: int) -> None:
        """`batch` was answered by so many timed calls."""
        self.items += len(batch) * calls
        if isinstance(batch[0].input, Audio):
            seconds = sum(one.input.duration_seconds for one in batch)
            self.audio_seconds = (self.audio_seconds or 0.0) + seconds * calls

    def answer(self, place: int, prediction: Prediction, calls: int) -> None:
        """The sample at `place` was answered, in each of so many calls alike."""
        output = hash64(prediction.value) if self.keeps_outputs else 0
        self.count_tokens(prediction.tokens, calls)
        self.answered += 1
        self._has_answer[place] = True
        if self.keeps_outputs:
            self.outputs[place] = output
        if self._keeps_predictions:
            self.predictions[place] = prediction

    def count_tokens(self, tokens: int | None, calls: int) -> None:
        """So many tokens were the answer of each of so many timed calls."""
        if tokens is not None and calls:
            self.tokens = (self.tokens or 0) + tokens * calls

    def values(self) -> list[Any]:
        """What was answered, None for a sample that failed."""
        return [None if one is None else one.value for one in self.predictions]
