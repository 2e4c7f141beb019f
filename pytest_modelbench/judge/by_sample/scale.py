"""On which scale a verdict on quality is told: the metric's own, or shares of the baseline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.judge.bounds.expression_interval import Ends, Interval
from pytest_modelbench.judge.by_sample.change import SampleChange
from pytest_modelbench.judge.question import Question


@dataclass(frozen=True)
class Scale:
    """From the metric's own unit to what a verdict says."""

    unit_size: float
    """A share of the baseline's value, or 1."""
    is_relative: bool
    tolerance: float
    """0 where nothing is required."""
    is_void: bool
    """A share of 0 was allowed."""

    @classmethod
    def of(cls, question: Question, before: float | None) -> Scale:
        size = abs(before or 0.0)
        tolerance = question.tolerance
        if tolerance is None or not tolerance.is_relative:
            return cls(1.0, False, tolerance.amount if tolerance else 0.0, False)
        if not size:
            return cls(1.0, False, 0.0, True)
        return cls(size, True, tolerance.amount, False)

    def ends(self, change: SampleChange, confidence: float) -> Ends:
        """Infinite where an end is not known: of a share, where the baseline may be 0."""
        if not self.is_relative:
            return change.interval_at(confidence)
        low, high = change.relative_at(confidence)
        return -math.inf if low is None else low, math.inf if high is None else high

    def fields(self, *, change: float) -> dict[str, Any]:
        """Of a verdict."""
        return {
            "is_relative": self.is_relative,
            "tolerance": self.tolerance,
            "change": change / self.unit_size,
        }


def known_ends(ends: Ends) -> Interval:
    """As a verdict has them: None for one that is infinite."""
    low, high = (end if math.isfinite(end) else None for end in ends)
    return low, high
