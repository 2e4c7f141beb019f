"""The samples of a case whose model answers over HTTP: made ready, and what became of each."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.datasets.samples import Audio, AudioAddress, Sample
from pytest_modelbench.endpoints.contract import Endpoint, EndpointError
from pytest_modelbench.execution.kept import KeptAnswers
from pytest_modelbench.execution.measurement import Measurement
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.share import Asked
from pytest_modelbench.runners.contract import Prediction


@dataclass(slots=True)
class OneSample:
    """A sample without its sound, which is large, and what became of it."""

    sample: Sample
    identity: int
    audio_seconds: float | None
    prediction: Prediction | None = None
    error: Exception | None = None
    """Why there is no prediction; None as well where it was not asked."""


class EndpointSamples:
    """All samples of a case, held as what will be sent."""

    def __init__(self, endpoint: Endpoint, kept: KeptAnswers) -> None:
        self._endpoint = endpoint
        self._kept = kept
        self._all: list[OneSample] = []
        """In the order of the dataset."""
        self.askable: list[OneSample] = []
        self.asked: list[Asked] = []
        """What is sent for each of `askable`."""

    def add(self, samples: Sequence[Sample], identities: Sequence[int]) -> None:
        """Make a portion ready. Answers of an earlier session are taken over."""
        for sample, identity in zip(samples, identities, strict=True):
            one = OneSample(_without_sound(sample), identity, _audio_seconds(sample))
            self._all.append(one)
            if (known := self._kept.answer_of(identity)) is not None:
                one.prediction = Prediction(known.value, known.tokens)
            try:
                prepared: Any = self._endpoint.prepare(sample)
            except Exception as error:
                one.error = error
            else:
                self.askable.append(one)
                self.asked.append((one.sample, prepared))
        self._kept.write()

    def __len__(self) -> int:
        return len(self._all)

    def unanswered(self) -> list[int]:
        """Which of `askable` have no answer yet."""
        return [at for at, one in enumerate(self.askable) if one.prediction is None]

    def take(self, reply: Reply) -> Prediction | None:
        """Note a reply to a sample that has no answer yet; the prediction, where this is one."""
        one = self.askable[reply.place]
        if reply.answer is None:
            one.error = EndpointError(reply.error)
            return None
        one.prediction = Prediction(reply.answer.value, reply.output_tokens)
        return one.prediction

    def tell(self, seen: Measurement) -> array[int]:
        """Put what became of them into `seen`, but for those that were never asked; the identities
        of those that are in it.
        """
        told = array("q")
        for one in self._all:
            if one.prediction is None and one.error is None:
                continue
            place = seen.expect(one.sample)
            told.append(one.identity)
            if one.prediction is not None:
                seen.answer(place, one.prediction, 0)
            elif one.error is not None:
                seen.fail(one.error, [_Placed(one.sample, place)])
        return told


@dataclass(slots=True)
class _Placed:
    sample: Sample
    place: int


def _without_sound(sample: Sample) -> Sample:
    if isinstance(sample.input, Audio):
        return Sample(sample.id, None, sample.reference, sample.source)
    return sample


def _audio_seconds(sample: Sample) -> float | None:
    is_sound = isinstance(sample.input, Audio | AudioAddress)
    return sample.input.duration_seconds if is_sound else None
