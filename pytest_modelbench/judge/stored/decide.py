"""The rule by which a change between two sessions is a regression, a pass, or neither."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_modelbench.judge.beyond import is_beyond
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.stored.history import MOST_SESSIONS
from pytest_modelbench.judge.stored.noise import Noise
from pytest_modelbench.judge.stored.scale import Scale
from pytest_modelbench.results.comparison import Outcome

CONFIDENCE = 0.95
"""Of the interval of a single verdict, both ends together. With more verdicts the end that a
regression must show is the surer: by Bonferroni, so that all of them together raise no more false
alarms than one."""
POWER = 0.8
"""How often the smallest detectable change would be found."""
FEWEST_TO_PREDICT = 3
"""Sessions from which on they say how quiet further ones would be."""
SIDE_BY_SIDE = "measure both side by side (--suite-against)"


@dataclass(frozen=True, slots=True)
class Decision:
    """Distances are for the worse, on the axis of the scale."""

    outcome: Outcome
    distance: float
    low: float
    high: float
    standard_error: float
    detectable: float | None
    reason: str | None
    confidence: float
    """Of the interval from `low` to `high`."""


def decide(
    question: Question,
    scale: Scale,
    value: float,
    noise: Noise,
    own_errors: Sequence[float],
    verdict_count: int,
) -> Decision:
    """Hold `value` against the baseline's.

    Regression: it is worse by more than the tolerance, and the interval begins above half the
    tolerance. Pass: the interval ends within the tolerance. `own_errors` are the standard errors
    of both values within their own runs.
    """
    distance = scale.distance(value)
    rule = _Rule(question, scale, own_errors, verdict_count)
    low, high = rule.interval(distance, noise)
    outcome, reason = rule.outcome(distance, noise), None
    if outcome == "inconclusive":
        reason = _what_would_settle(rule, distance, noise)
    return Decision(
        outcome,
        distance,
        low,
        high,
        rule.error(noise),
        None if question.tolerance is None else rule.detectable(noise),
        reason,
        rule.confidence,
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    question: Question
    scale: Scale
    own_errors: Sequence[float]
    verdict_count: int

    def error(self, noise: Noise) -> float:
        """Both sessions differ from what is usual, and each value is uncertain by itself."""
        return math.sqrt(2 * noise.sigma**2 + sum(one**2 for one in self.own_errors))

    def interval(self, distance: float, noise: Noise) -> tuple[float, float]:
        error, (for_regression, for_pass) = self.error(noise), self._quantiles(noise)
        return distance - for_regression * error, distance + for_pass * error

    @property
    def _tails(self) -> tuple[float, float]:
        """What each end may err by: that which a regression must show, and the other."""
        tail = (1 - CONFIDENCE) / 2
        return tail / self.verdict_count, tail

    @property
    def confidence(self) -> float:
        return 1 - sum(self._tails)

    def _quantiles(self, noise: Noise) -> tuple[float, float]:
        for_regression, for_pass = self._tails
        return _student(noise, for_regression), _student(noise, for_pass)

    def outcome(self, distance: float, noise: Noise) -> Outcome:
        tolerance = self.question.tolerance
        if tolerance is None:
            return "noted"
        low, high = self.interval(distance, noise)
        limit = self.scale.of_tolerance(tolerance)
        if is_beyond(distance, limit) and low > self.scale.of_tolerance(tolerance, 0.5):
            return "regression"
        return "inconclusive" if is_beyond(high, limit) else "pass"

    def detectable(self, noise: Noise) -> float:
        """The change that would be found a regression in `POWER` of cases."""
        tolerance, error = self.question.tolerance, self.error(noise)
        assert tolerance is not None
        half = self.scale.of_tolerance(tolerance, 0.5)
        needed = max(self.scale.of_tolerance(tolerance), half + self._quantiles(noise)[0] * error)
        return needed + _student(noise, 1 - POWER) * error


def _student(noise: Noise, tail: float) -> float:
    """How many standard errors are exceeded with a probability of `tail`."""
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    return -float(stdtrit(noise.degrees, tail))


def _what_would_settle(rule: _Rule, distance: float, noise: Noise) -> str:
    if noise.sessions < FEWEST_TO_PREDICT:
        runs = "1 earlier run" if noise.sessions == 1 else f"{noise.sessions} earlier runs"
        return f"{runs} cannot tell how quiet this machine is: {SIDE_BY_SIDE}, or run it more often"
    for more in range(1, MOST_SESSIONS - noise.sessions + 1):
        if rule.outcome(distance, noise.with_more(more)) != "inconclusive":
            runs = "1 more run" if more == 1 else f"{more} more runs"
            return (
                f"{runs} as quiet as the {noise.sessions} so far would settle it, or {SIDE_BY_SIDE}"
            )
    return f"sessions of the same differ by too much to tell: {SIDE_BY_SIDE}"
