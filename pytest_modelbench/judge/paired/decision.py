"""What a series of launches shows: the rule at a look, and the first look that decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_modelbench.judge.paired.estimate import Estimate
from pytest_modelbench.judge.paired.looks import looks_at
from pytest_modelbench.judge.paired.measure import Launches, Measure
from pytest_modelbench.judge.paired.scale import as_worse, on_scale, tolerated
from pytest_modelbench.judge.question import Question

LAUNCHES_THAT_AGREE = 0.7
"""Share of the launches that must by themselves show what all of them are said to show."""
LAUNCHES_THAT_PROVE = 4
"""So many must agree to the last digit before that is taken for proof. Equal code whose memory has
two equally likely sizes shows the same growth twice in one of 16 series, four times in one of 256.
"""
ROUNDING = 1e-9
"""A change that is the tolerance but for the last digits of its logarithm is within it."""


@dataclass(frozen=True)
class Seen:
    """What some launches say, in each view; above 0 is worse."""

    launches: int
    estimates: tuple[Estimate, ...]
    tolerance: float
    plain: float
    """What the metric itself, over all calls, has changed by."""
    guards: tuple[int, ...] = (0,)
    """The views whose intervals a pass needs."""

    def shows_regression(self, level: float, is_last: bool) -> tuple[int, ...]:
        """The views that do.

        The change is over the tolerance, and surely above 0; most launches agree on that; and
        where a later look can still tell, it is surely above half of the tolerance. The metric
        itself must have changed as well, by more than half of the tolerance: calls of several
        kinds, or inputs that react in opposite ways, can move every turn and leave the median of
        all calls where it was, or better. Where the first view sees no change over the tolerance,
        the metric itself must.
        """
        return tuple(
            number
            for number, one in enumerate(self.estimates)
            if self.is_beyond_in(number)
            and one.ends(level)[0] > (0 if is_last else self.tolerance / 2)
            and agreeing(one) >= LAUNCHES_THAT_AGREE
            and (one.se > 0 or is_last or self.launches >= LAUNCHES_THAT_PROVE)
            and self.plain > (self.tolerance / 2 if self.is_beyond_in(0) else self.tolerance)
        )

    def passes(self, level: float) -> bool:
        """Surely within the tolerance by the guards, and by nothing else seen to be beyond it."""
        surely = (
            self.estimates[number].ends(level)[1] <= self.tolerance + ROUNDING
            for number in self.guards
        )
        return all(surely) and not self.is_beyond()

    def is_beyond(self) -> bool:
        """Whether any view, or the metric itself, is over the tolerance, however unsure."""
        return self.is_plain_beyond or any(map(self.is_beyond_in, range(len(self.estimates))))

    @property
    def is_plain_beyond(self) -> bool:
        return self.plain > self.tolerance + ROUNDING

    def is_beyond_in(self, view: int) -> bool:
        """Whether the estimate of that view is over the tolerance, however unsure."""
        return self.estimates[view].center > self.tolerance + ROUNDING


def agreeing(estimate: Estimate) -> float:
    """Share of the launches by which it is worse."""
    return sum(one > 0 for one in estimate.by_launch) / len(estimate.by_launch)


def see(measure: Measure, question: Question, launches: Launches) -> Seen:
    """What `launches` say. Raises `Unusable`."""
    sign = question.worse_sign
    estimates = tuple(view.estimate(launches).turned(sign) for view in measure.views)
    values = measure.values(launches)
    tolerance = tolerated(question, values[0], measure.scale)
    limit = 0.0 if tolerance is None else as_worse(tolerance, question, measure.scale)
    guards = tuple(at for at, view in enumerate(measure.views) if at == 0 or view.is_guard)
    return Seen(len(launches), estimates, limit, sign * on_scale(values, measure.scale), guards)


@dataclass(frozen=True)
class Found:
    """What the looks at a series have come to."""

    shows: Literal["regression", "pass", "nothing"]
    """By the first look that decided."""
    views: tuple[int, ...]
    """Those that show the regression."""
    decided: Seen | None
    """What that look saw."""
    whole: Seen | None
    """What all launches of the series say; None of none, and while others may follow."""
    looks: tuple[int, ...]
    level: float
    """Probability to err at a look that shows a regression."""

    @property
    def is_contradicted(self) -> bool:
        """Whether all launches do not bear out what an earlier look decided."""
        if self.whole is None or self.decided is None:
            return False
        if self.shows == "pass":
            return self.whole.is_beyond()
        still = self.whole.shows_regression(self.level, is_last=True)
        return not set(still) & set(self.views)


@dataclass(frozen=True)
class Levels:
    """Probabilities to err at a look."""

    regression: float
    passing: float


def look_through(
    measure: Measure,
    question: Question,
    launches: Launches,
    *,
    most_launches: int,
    levels: Levels,
    is_over: bool,
    among: Sequence[int] | None = None,
) -> Found:
    """Go through the looks until one decides. Raises `Unusable`.

    `is_over`: no launch will follow, so the last look at them is the last of all. `among`: only a
    regression in one of these views counts.
    """
    looks = tuple(looks_at(len(launches), most_launches, is_over))
    whole = see(measure, question, launches) if launches and is_over else None
    for look in looks:
        if not measure.has_enough(launches[:look]):
            continue
        seen = whole if whole and look == len(launches) else see(measure, question, launches[:look])
        is_last = look == most_launches or (is_over and look == len(launches))
        views = seen.shows_regression(levels.regression, is_last)
        views = tuple(one for one in views if among is None or one in among)
        if views:
            return Found("regression", views, seen, whole, looks, levels.regression)
        if seen.passes(levels.passing):
            return Found("pass", (), seen, whole, looks, levels.regression)
    return Found("nothing", (), None, whole, looks, levels.regression)
