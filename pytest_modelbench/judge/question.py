"""What is asked of two sides of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_modelbench.catalogue import Better as Better
from pytest_modelbench.catalogue import better_of as better_of
from pytest_modelbench.suite.document import Criterion
from pytest_modelbench.suite.tolerance import Tolerance, parse_tolerance

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

    @property
    def worse_sign(self) -> int:
        """+1 where more is worse, -1 where less is."""
        return 1 if self.better == "lower" else -1


def usual_question(tolerance: str | float) -> Question:
    """What is asked where no criterion has a `max_regression`: has it become slower?"""
    return Question(USUAL_METRIC, "lower", parse_tolerance(tolerance))


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
