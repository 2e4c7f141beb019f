"""Predictions as figures: by dataset, and of each model over its datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pytest_modelbench.predictions.gather import Gathered, Key, Said, seconds_in
from pytest_modelbench.predictions.normalized import normalized
from pytest_modelbench.quality.terms import CannotScoreError, SampleTerms
from pytest_modelbench.results.metric import Metric

DEFAULT_NORMALIZER = "whisper-english"
ALIGNED_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, or why there is none."""

    value: float | None
    reason: str = ""

    @classmethod
    def ratio(cls, above: float, below: float, reason: str) -> Figure:
        return cls(above / below) if below > 0 else cls(None, reason)


@dataclass(frozen=True)
class DatasetScore:
    """One model on one dataset."""

    key: Key
    gathered: Gathered
    scored: Sequence[Said]
    """Samples that have a reference: those that count."""
    wer: Figure
    interval: Sequence[float] | None
    words: int
    """Of the references, after the normalizer."""

    @property
    def name(self) -> str:
        return dataset_label(self.key)

    @property
    def errors(self) -> list[Said]:
        """Samples without an answer; of those that count."""
        return [one for one in self.scored if one.answer is None]

    @property
    def without_reference(self) -> int:
        return len(self.gathered.samples) - len(self.scored)

    @property
    def audio_seconds(self) -> float:
        return sum(one.audio_seconds or 0.0 for one in self.scored)

    @property
    def of_unknown_length(self) -> int:
        return sum(one.audio_seconds is None for one in self.scored)

    @property
    def rtfx(self) -> Figure:
        return _rtfx([self.gathered])

    @property
    def rtfx_aggregate(self) -> Figure:
        return _rtfx_aggregate([self.gathered])


@dataclass(frozen=True)
class ModelScore:
    """One model on all its datasets."""

    model: str
    variant: str
    datasets: Sequence[DatasetScore]

    @property
    def name(self) -> str:
        return f"{self.model} ({self.variant})" if self.variant else self.model

    @property
    def samples(self) -> int:
        return sum(len(one.scored) for one in self.datasets)

    @property
    def error_count(self) -> int:
        return sum(len(one.errors) for one in self.datasets)

    @property
    def audio_seconds(self) -> float:
        return sum(one.audio_seconds for one in self.datasets)

    @property
    def mean_wer(self) -> Figure:
        """Every dataset counts the same."""
        return self._mean(lambda one: 1.0)

    @property
    def wer_by_audio(self) -> Figure:
        """Every second of sound counts the same."""
        for one in self.datasets:
            if count := one.of_unknown_length:
                which = "1 sample has" if count == 1 else f"{count} samples have"
                return Figure(None, f"{one.name}: {which} no duration")
        return self._mean(lambda one: one.audio_seconds)

    def _mean(self, weight_of: Callable[[DatasetScore], float]) -> Figure:
        total = weights = 0.0
        for one in self.datasets:
            if one.wer.value is None:
                return Figure(None, f"{one.name}: {one.wer.reason}")
            total += weight_of(one) * one.wer.value
            weights += weight_of(one)
        return Figure.ratio(total, weights, "there is no sound")

    @property
    def rtfx(self) -> Figure:
        """Seconds of sound for each second that a request took."""
        return _rtfx([one.gathered for one in self.datasets])

    @property
    def rtfx_aggregate(self) -> Figure:
        """Seconds of sound for each second by the clock."""
        return _rtfx_aggregate([one.gathered for one in self.datasets])


def dataset_label(key: Key) -> str:
    """
    >>> dataset_label(Key("m", "", "esb/ami", "test", ""))
    'esb/ami test'
    """
    return " ".join(filter(None, (key.dataset, key.split))) or "(not said)"


def score(
    gathered: Mapping[Key, Gathered], normalizer: str = DEFAULT_NORMALIZER
) -> list[ModelScore]:
    """Every model, in the order of names. Raises `ModelbenchError` where a package is missing."""
    ordered = sorted(gathered.values(), key=lambda one: one.key)
    texts = normalized(_texts(ordered), normalizer)
    scored = [_of_dataset(one, texts, normalizer) for one in ordered]
    by_model = groupby(scored, key=lambda one: (one.key.model, one.key.variant))
    return [ModelScore(model, variant, list(ones)) for (model, variant), ones in by_model]


def _texts(gathered: Iterable[Gathered]) -> Iterable[str]:
    for one in gathered:
        for sample in one.samples.values():
            if sample.has_reference:
                yield sample.reference or ""
                yield sample.answer or ""


def _of_dataset(one: Gathered, texts: Mapping[str, str], normalizer: str) -> DatasetScore:
    scored = [sample for sample in one.samples.values() if sample.has_reference]
    if not scored:
        reason = "no sample has a reference" if one.samples else "there is no sample"
        return DatasetScore(one.key, one, scored, Figure(None, reason), None, 0)
    terms = _terms(scored, texts)
    words = int(terms.second.sum())
    try:
        metric = _rate(terms, normalizer)
    except CannotScoreError as error:
        return DatasetScore(one.key, one, scored, Figure(None, str(error)), None, words)
    interval = metric.interval
    ends = None if interval is None else [end for end in interval if end is not None]
    return DatasetScore(one.key, one, scored, Figure(metric.value), ends, words)


def _terms(samples: Sequence[Said], texts: Mapping[str, str]) -> SampleTerms:
    """As of `wer`, of texts that went through the normalizer before; some at a time, as an
    alignment takes far more memory than its texts."""
    import numpy as np

    from pytest_modelbench.quality.word_error_rate import wer

    found = []
    for begin in range(0, len(samples), ALIGNED_AT_ONCE):
        some = samples[begin : begin + ALIGNED_AT_ONCE]
        answers = [None if one.answer is None else texts[one.answer] for one in some]
        references = [texts[one.reference or ""] for one in some]
        found.append(wer.terms(answers, references, normalizer="none"))
    edits, words = (np.concatenate([one[part] for one in found]) for part in (1, 2))
    return SampleTerms("ratio", edits, words)


def _rate(terms: SampleTerms, normalizer: str) -> Metric:
    from pytest_modelbench.quality.word_error_rate import wer

    return wer.from_terms(terms, normalizer=normalizer)


def _rtfx(gathered: Sequence[Gathered]) -> Figure:
    seconds = sum(one.service_seconds for one in gathered)
    audio = sum(one.timed_audio_seconds for one in gathered)
    return Figure.ratio(audio, seconds, "no answer has both a service time and a duration")


def _rtfx_aggregate(gathered: Sequence[Gathered]) -> Figure:
    timed, unplaced = sum(one.timed for one in gathered), sum(one.unplaced for one in gathered)
    if unplaced:
        return Figure(
            None, f"{unplaced} of {timed} timed answers do not say when they were sent and ended"
        )
    windows = [window for one in gathered for window in one.windows.values()]
    audio = sum(one.timed_audio_seconds for one in gathered)
    if not timed:
        return _rtfx(gathered)
    return Figure.ratio(audio, seconds_in(windows), "the answers took no time by the clock")
