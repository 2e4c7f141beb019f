"""Keeps answers as they come, beside the loop that asks: the disk's time is nobody else's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

from pytest_modelbench.execution.kept import KeptAnswers
from pytest_modelbench.predictions.line import PredictionLine
from pytest_modelbench.predictions.writer import PredictionsFile
from pytest_modelbench.runners.contract import Prediction


class Keeper:
    """A thread that writes whatever has come since it wrote last.

    Where the disk is slow it writes more at once, and keeps nobody waiting. Between entering and
    leaving, `kept` and `predictions` are the thread's alone.
    """

    def __init__(self, kept: KeptAnswers, predictions: PredictionsFile) -> None:
        self._kept = kept
        self._predictions = predictions
        self._to_do: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="modelbench-keeper", daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def keep(
        self, identity: int, prediction: Prediction | None, line: PredictionLine | None
    ) -> None:
        """What came of asking the sample of that identity: None for one that failed."""
        self._to_do.put(lambda: self._keep(identity, prediction, line))

    def show(self, done: int, planned: int | None, in_flight: int, failed: int) -> None:
        """How requests fare just now."""
        note = self._kept.live.note_requests
        self._to_do.put(lambda: note(done, planned, in_flight, failed))

    def __exit__(self, *_: object) -> None:
        self._to_do.put(None)
        self._thread.join()

    def _run(self) -> None:
        is_over = False
        while not is_over:
            tasks = [self._to_do.get()]
            while not self._to_do.empty():
                tasks.append(self._to_do.get())
            for task in tasks:
                if task is None:
                    is_over = True
                else:
                    task()
            self._kept.write()

    def _keep(
        self, identity: int, prediction: Prediction | None, line: PredictionLine | None
    ) -> None:
        if prediction is not None:
            self._kept.keep(identity, prediction)
        if line is not None:
            self._predictions.add(line)
