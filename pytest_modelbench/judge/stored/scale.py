"""Changes for the worse as distances on one axis, whatever the metric's scale and direction."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_modelbench.judge.question import log_distance
from pytest_modelbench.suite.tolerance import Tolerance

_LARGEST = 30.0
"""Of a logarithm: beyond a factor of 10^13 an end is as good as unknown."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The axis on which a metric is judged: above 0 is worse than the baseline's value."""

    baseline: float
    worse_sign: int
    is_log: bool
    """Differences of logarithms, for what varies in proportion to its size."""

    def distance(self, value: float) -> float:
        """How much worse `value` is."""
        if self.is_log:
            return self.worse_sign * math.log(value / self.baseline)
        return self.worse_sign * (value - self.baseline)

    def of_tolerance(self, tolerance: Tolerance, part: float = 1.0) -> float:
        """How far away the value is that has just `part` of the tolerance used up."""
        amount = tolerance.amount * part
        if not self.is_log:
            return amount * abs(self.baseline) if tolerance.is_relative else amount
        share = amount if tolerance.is_relative else amount / self.baseline
        return log_distance(share, self.worse_sign)

    def change(self, distance: float, *, is_relative: bool) -> float | None:
        """The change that a distance stands for; None beyond all bounds."""
        moved = self.worse_sign * distance
        if not math.isfinite(moved) or (self.is_log and abs(moved) > _LARGEST):
            return None
        if self.is_log:
            share = math.expm1(moved)
            return share if is_relative else share * self.baseline
        if not is_relative:
            return moved
        return moved / abs(self.baseline) if self.baseline else None
