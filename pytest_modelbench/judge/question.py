"""What is asked of two sides of a comparison."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_modelbench.catalogue import Better
from pytest_modelbench.suite.document import Criterion
from pytest_modelbench.suite.tolerance import Tolerance, parse_tolerance

if TYPE_CHECKING:
    from pytest_modelbench.results.load_record import LoadRecord
    from pytest_modelbench.results.run import CaseResult

USUAL_METRIC = "p50_latency_ms"
RATE = "throughput_items_per_second"
"""What is asked about where calls are in flight together: it is their rate that is measured."""


@dataclass(frozen=True, slots=True)
class Question:
    """Has a metric of one side become worse than another side's, by more than is allowed?"""

    metric: str
    better: Better
    tolerance: Tolerance | None
    """None: the change is only noted."""
    criterion: str | None = None
    """Id of the suite's criterion that asks."""
    baseline: int = 0
    candidate: int = 1
    """Which sides of the comparison."""
    asked_then: bool = True
    """While the sides were measured, so that a regression could be measured again."""
    is_usual: bool = False
    """Asked since nobody has asked anything."""
    is_noted_in_unit: bool = False
    """Of a note: the change is a difference in the metric's unit, as of those it stands beside."""

    @property
    def worse_sign(self) -> int:
        """+1 where more is worse, -1 where less is."""
        return 1 if self.better == "lower" else -1

    @property
    def is_in_unit(self) -> bool:
        """Whether changes are differences in the metric's unit, and no shares."""
        if self.tolerance is None:
            return self.is_noted_in_unit
        return not self.tolerance.is_relative

    def for_calls_in_flight(self, in_flight: int) -> Question:
        """What nobody asks is asked of the rate, where several calls are in flight."""
        if in_flight == 1 or not self.is_usual:
            return self
        return replace(self, metric=RATE, better="higher")

    def for_result(self, result: CaseResult) -> Question:
        """As it is to be asked of what was measured so."""
        if result.load is not None:
            return self.for_load(result.load)
        return self.for_calls_in_flight(1 if result.timing is None else result.timing.in_flight)

    def for_load(self, load: LoadRecord) -> Question:
        """What nobody asks is asked of the latency, but of a sweep, which has that of another
        rate each time. In an open loop the suite says the rate, and an endpoint that became slower
        answers at the same one.
        """
        return self.for_calls_in_flight(2 if load.mode == "sweep" else 1)


def log_distance(share: float, worse_sign: int) -> float:
    """How far off, in logarithms, a value is that is worse by `share` of the baseline's.

    Nothing is 100 % less: that is infinitely far.

    >>> log_distance(1.0, worse_sign=-1)
    inf
    """
    moved = worse_sign * share
    return worse_sign * math.log1p(moved) if moved > -1 else math.inf


def usual_question(tolerance: str | float) -> Question:
    """What is asked where no criterion has a `max_regression`: has it become slower?"""
    return Question(USUAL_METRIC, "lower", parse_tolerance(tolerance), is_usual=True)


def questions_of(
    criteria: Iterable[tuple[str, Criterion]], runner: str, usual: Sequence[Question] = ()
) -> list[Question]:
    """What a suite's criteria ask of a case of `runner` held against a baseline.

    Each criterion with a `max_regression` is a question; without any, `usual` are asked.
    """
    asked = [
        Question(
            metric=criterion.metric or "",
            better=criterion.better,
            tolerance=criterion.tolerance,
            criterion=name,
        )
        for name, criterion in criteria
        if criterion.max_regression is not None and criterion.applies_to(runner)
    ]
    return asked or list(usual)
