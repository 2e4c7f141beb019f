"""What a meter is: something that is read around the phases of a case."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Literal, Protocol

from pytest_modelbench.results.metric import Metric

Phase = Literal["load", "warmup", "steady"]
"""`load`: the model is made ready; `warmup`: first call and warm-up; `steady`: the timed calls."""


class Meter(Protocol):
    """Reads something before and after each phase.

    A phase may come several times: the steady state of a large dataset is measured in parts. What
    goes wrong in a meter is said in its metrics and never raised. A meter lives as long as a loaded
    model, which may serve several cases.
    """

    def start(self, phase: Phase) -> None: ...

    def stop(self, phase: Phase) -> None: ...

    def forget_case(self) -> None:
        """Forget every phase but `load`: another case begins with the same loaded model."""

    def metrics(self, items: float) -> dict[str, Metric]:
        """What was seen, by the catalogue's names; `items` samples were answered while steady."""

    def close(self) -> None:
        """End what the meter started. Called once, after the model was closed."""


class Meters:
    """Several meters as one."""

    def __init__(self, meters: Sequence[Meter]) -> None:
        self._meters = tuple(meters)

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Read all meters around a block; the last one started is the first one stopped."""
        process = os.getpid()
        for meter in self._meters:
            meter.start(phase)
        try:
            yield
        finally:
            if os.getpid() != process:
                # A model forked, and its copy of us returns here: it must not go on as we do.
                os._exit(0)
            for meter in reversed(self._meters):
                meter.stop(phase)

    def forget_case(self) -> None:
        for meter in self._meters:
            meter.forget_case()

    def metrics(self, items: float) -> dict[str, Metric]:
        found: dict[str, Metric] = {}
        for meter in self._meters:
            found |= meter.metrics(items)
        return found

    def close(self) -> None:
        for meter in self._meters:
            with suppress(Exception):  # what was measured is not lost because a meter will not end
                meter.close()
