"""The load of a case: each answer noted as it comes, and what was seen of all requests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_modelbench.case import Case
from pytest_modelbench.endpoints.contract import (
    Endpoint,
    EndpointError,
    EndpointRunner,
    EndpointSession,
)
from pytest_modelbench.execution.endpoint_outcome import Outcome, of_sweep, of_window
from pytest_modelbench.execution.endpoint_samples import EndpointSamples
from pytest_modelbench.execution.keeper import Keeper
from pytest_modelbench.execution.kept import KeptAnswers
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.predictions.writer import PredictionsFile
from pytest_modelbench.runners.contract import Prediction

if TYPE_CHECKING:
    from pytest_modelbench.execution.endpoint_predictions import PredictionLines
    from pytest_modelbench.load.driver import Progress


HOPELESS_REQUESTS, UNREACHABLE_REQUESTS = 10, 3
"""So many from the first one on that are not answered say that none will be; fewer do where not
even a connection stood, of which each has taken several attempts."""


class EndpointCourse:
    """Puts the load of a case on its endpoint."""

    def __init__(
        self,
        case: Case,
        runner: EndpointRunner,
        session: EndpointSession,
        samples: EndpointSamples,
        kept: KeptAnswers,
    ) -> None:
        self._session = session
        self._samples = samples
        self._kept = kept
        self._lines = _lines_of(case, runner, session.endpoint)
        self._file = None if self._lines is None else case.trail.predictions
        self._spec = effective(case.load or LoadSpec(), runner)
        self._was_answered = False
        self._first_errors: list[str] = []
        self._were_sent = 0
        self._asked_again, self._differed = set[int](), set[int]()

    def run(self) -> Outcome | None:
        """None where all had been answered in an earlier session and no more is asked for."""
        from pytest_modelbench.load.driver import drive
        from pytest_modelbench.load.sweep import sweep

        spec, order = self._spec, self._samples.unanswered()
        self._was_answered = len(order) < len(self._samples.asked)  # by an earlier session
        with ExitStack() as leaving:
            file = leaving.enter_context(closing(PredictionsFile(self._file)))
            if self._lines is not None:
                file.add(*self._lines.taken_over(self._samples.askable))
            if not self._samples.asked or not (order or spec.requests or spec.seconds):
                return None
            self._kept.live.enter("timing")
            keeper = leaving.enter_context(Keeper(self._kept, file))
            how: dict[str, Any] = {
                "order": order or None,
                "on_reply": partial(self._take, keeper.keep),
                "on_progress": partial(_show, keeper),
            }
            endpoint, asked = self._session.endpoint, self._samples.asked
            audio_seconds = [one.audio_seconds for one in self._samples.askable]
            if spec.sweep is not None:
                outcome = of_sweep(sweep(endpoint, asked, spec, **how), spec, audio_seconds)
            else:
                outcome = of_window(drive(endpoint, asked, spec, **how), spec, audio_seconds)
        outcome.notes += [one for one in (file.warning, self._varying()) if one]
        return outcome

    def _take(self, keep: Callable[..., None], reply: Reply) -> None:
        self._give_up_on_nobody(reply)
        one = self._samples.askable[reply.place]
        if one.prediction is not None:
            self._compare(reply, one.prediction)
            return
        prediction = self._samples.take(reply)
        if prediction is not None and reply.answer is not None:
            self._session.note(one.sample, reply.answer)
        keep(one.identity, prediction, self._lines and self._lines.line(one, reply))

    def _compare(self, reply: Reply, first: Prediction) -> None:
        """Of a sample that was answered before: the first answer is the one that is scored."""
        if reply.answer is None or not isinstance(first.value, str):
            return
        self._asked_again.add(reply.place)
        if reply.answer.value != first.value:
            self._differed.add(reply.place)

    def _varying(self) -> str:
        """That quality is a matter of chance; empty where nothing shows it."""
        if not self._differed:
            return ""
        return (
            f"{len(self._differed)} of {len(self._asked_again)} samples that were asked again were "
            "answered differently: quality is that of the first answers, and another run's will "
            "differ"
        )

    def _give_up_on_nobody(self, reply: Reply) -> None:
        """Raises `EndpointError` where there is nobody who answers, or none who may be asked.

        Else a thousand samples would be tried, each several times, to say a thousand times so.
        """
        if not reply.error:
            self._was_answered = True
        elif not self._was_answered:
            self._first_errors.append(reply.error)
            self._were_sent += not reply.is_unreachable
            count = len(self._first_errors)
            if count >= (HOPELESS_REQUESTS if self._were_sent else UNREACHABLE_REQUESTS):
                raise EndpointError(
                    f"none of the first {count} requests was answered, the first with: "
                    f"{self._first_errors[0]}"
                )


def _show(keeper: Keeper, progress: Progress) -> None:
    keeper.show(progress.done, progress.planned, progress.in_flight, progress.failed)


def effective(spec: LoadSpec, runner: EndpointRunner) -> LoadSpec:
    """With the runner's own number of requests at once, where the suite says nothing."""
    if spec.concurrency is None and not spec.is_open:
        return spec.model_copy(update={"concurrency": runner.default_concurrency})
    return spec


def _lines_of(case: Case, runner: EndpointRunner, endpoint: Endpoint) -> PredictionLines | None:
    if case.trail.predictions is None or not runner.keeps_predictions(case.params):
        return None
    from pytest_modelbench.execution.endpoint_predictions import PredictionLines

    return PredictionLines(case, endpoint)
