"""What a speech API was heard to say, in a file of the run, as it comes."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_modelbench.case import Case
from pytest_modelbench.endpoints.contract import Endpoint
from pytest_modelbench.execution.endpoint_samples import OneSample
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.predictions.line import PredictionLine, sample_id
from pytest_modelbench.predictions.of_reply import Clock, Source, line_of
from pytest_modelbench.predictions.reader import answered


class PredictionLines:
    """Makes the lines of a case."""

    def __init__(self, case: Case, endpoint: Endpoint) -> None:
        self._source = Source.of(case, case.trail.run_id or "", endpoint.address)
        self._clock = Clock.now()
        own = case.trail.predictions
        self._earlier = [
            answers.parent.parent / own.parent.name / own.name
            for _, answers in case.trail.earlier_answers
            if own is not None
        ]

    def line(self, one: OneSample, reply: Reply) -> PredictionLine:
        """Of the first reply to a sample."""
        return line_of(
            reply, one.sample, one.identity, one.audio_seconds, self._source, self._clock
        )

    def taken_over(self, samples: list[OneSample]) -> Iterator[PredictionLine]:
        """Of answers that an earlier session got: its own lines, so that these score alike."""
        known: dict[str, PredictionLine] = {}
        for file in reversed(self._earlier):
            if file.exists():
                known |= answered(file)
        for one in samples:
            if one.prediction is not None:
                line = known.get(sample_id(one.identity, one.sample.id))
                yield line or self._untimed(one, str(one.prediction.value))

    def _untimed(self, one: OneSample, text: str) -> PredictionLine:
        unknown = Reply(0, "measured", 0, error="its line is lost")
        made = self.line(one, unknown)
        return made.model_copy(
            update={"status": "ok", "error": None, "pred_text": text, "wall_seconds": None}
        )
