"""Verdicts on quality: does a candidate answer the same samples as well as its baseline?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any

from pytest_modelbench.catalogue import unit_of
from pytest_modelbench.judge.beyond import ROUNDING, is_beyond
from pytest_modelbench.judge.bounds.expression_interval import Ends
from pytest_modelbench.judge.bounds.settling import what_would_settle
from pytest_modelbench.judge.by_sample.change import CONFIDENCE, SampleChange
from pytest_modelbench.judge.by_sample.compare import Finding, compare_samples, why_missing
from pytest_modelbench.judge.by_sample.scale import Scale, known_ends
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.wording import make_verdict
from pytest_modelbench.normal import Z_95_PERCENT
from pytest_modelbench.results.comparison import Outcome, Verdict
from pytest_modelbench.results.run import CaseResult

_POWER = NormalDist().inv_cdf(0.8)


def judge_samples(
    question: Question,
    sides: Sequence[str],
    baseline: CaseResult,
    candidate: CaseResult,
    verdict_count: int = 1,
) -> Verdict:
    """Has a quality metric become worse, by the samples that both sides were asked?

    A regression: worse by more than the tolerance, and surely by more than half of it, at a level
    divided by `verdict_count`; where nothing is allowed, by McNemar's test as well if it applies.
    A pass: surely not worse by more than the tolerance, or every answer equal. The interval of
    the verdict is the one that was judged: its better end is as sure as a regression has to be.
    """
    names = sides[question.baseline], sides[question.candidate]
    found = compare_samples(question.metric, names, baseline, candidate)
    if found.why_not is not None:
        outcome: Outcome = "noted" if question.tolerance is None else "inconclusive"
        unit = unit_of(question.metric)
        return make_verdict(
            question,
            sides,
            outcome,
            "samples",
            values=found.values,
            is_relative=False,
            reason=found.why_not,
            unit=unit,
        )
    scale = Scale.of(question, found.values[0])
    if found.change is None:
        return _equal(question, sides, found, scale)
    return _Decision(question, found.change, scale, verdict_count).verdict(sides, found)


def _equal(question: Question, sides: Sequence[str], found: Finding, scale: Scale) -> Verdict:
    outcome: Outcome = "noted" if question.tolerance is None else "pass"
    return make_verdict(
        question,
        sides,
        outcome,
        "samples",
        values=found.values,
        reason=found.note,
        evidence={"samples": found.samples, "differing": 0},
        rests_on=[found.equal or ""],
        **scale.fields(change=0.0),
    )


@dataclass(frozen=True)
class _Decision:
    """All on the scale, and above 0 is worse."""

    question: Question
    change: SampleChange
    scale: Scale
    verdict_count: int

    @property
    def worse(self) -> float:
        return self.question.worse_sign * self.change.difference / self.scale.unit_size

    def _ends(self, confidence: float) -> Ends:
        return self._turned(self.scale.ends(self.change, confidence))

    def _turned(self, ends: Ends) -> Ends:
        """From the metric's direction to that of the worse, and back."""
        low, high = ends
        return ends if self.question.worse_sign > 0 else (-high, -low)

    @property
    def level(self) -> float:
        """At which a regression has to be shown."""
        return (1 - CONFIDENCE) / self.verdict_count

    @cached_property
    def usual(self) -> Ends:
        return self._ends(CONFIDENCE)

    @cached_property
    def judged(self) -> Ends:
        """The end that a regression has to show, and that which a pass has."""
        strict = self.usual if self.verdict_count == 1 else self._ends(1 - self.level)
        return strict[0], self.usual[1]

    def outcome(self) -> Outcome:
        if self.question.tolerance is None:
            return "noted"
        tolerance = self.scale.tolerance
        if self.scale.is_void:  # any share of 0 is 0: what is surely worse is worse by more
            surely = self.judged[0] > 0 and not self._lacks_significance()
            return "regression" if surely else "pass" if self.worse <= 0 else "inconclusive"
        surely_worse = self.judged[0] > tolerance / 2
        if is_beyond(self.worse, tolerance) and surely_worse and not self._lacks_significance():
            return "regression"
        return "inconclusive" if is_beyond(self.judged[1], tolerance) else "pass"

    def _lacks_significance(self) -> bool:
        p_value = self.change.p_value
        if p_value is None or self.scale.tolerance > 0:
            return False
        return p_value > self.level

    def smallest_detectable(self) -> float | None:
        """Shown in 8 of 10 cases, by the estimate and by the interval."""
        reach = self.worse - self.judged[0]
        error = (self.worse - self.usual[0]) / Z_95_PERCENT
        tolerance = self.scale.tolerance
        found = max(tolerance, tolerance / 2 + reach) + _POWER * error
        return found if math.isfinite(found) else None

    def why_inconclusive(self) -> str:
        tolerance, samples = self.scale.tolerance, self.change.samples
        if self.scale.is_void:
            return (
                f"a share of 0 is nothing: 'max_regression' should be a number, in the unit of "
                f"{self.question.metric}"
            )
        if is_beyond(self.worse, tolerance) and self._lacks_significance():
            limit = f"{self.level:.2g}"
            if self.verdict_count > 1:
                limit += f" (0.05 / {self.verdict_count} verdicts)"
            return f"the change may be chance: p = {self.change.p_value:.2g}, above {limit}"
        if not tolerance and self.worse <= 0:
            return "nothing worse is allowed: only equal answers, or surely better ones, pass"
        if math.isclose(self.worse, tolerance, rel_tol=ROUNDING):
            return "the change is just what is allowed: no number of samples would settle it"
        bound = tolerance if self.worse < tolerance else tolerance / 2
        better, worse = self.judged
        if self.change.differing == 0:
            # Where nothing differs an interval shrinks as 1/n; the rule is for 1/sqrt(n).
            worse = math.sqrt(worse * bound)
        ends = [end if math.isfinite(end) else None for end in (better, worse)]
        settles = what_would_settle(
            self.worse, (ends[0], ends[1]), [bound], samples, is_timed=False
        )
        return settles or f"{samples or 'so few'} samples are too few to tell"

    def verdict(self, sides: Sequence[str], found: Finding) -> Verdict:
        outcome, change = self.outcome(), self.change
        reasons = [self.why_inconclusive()] if outcome == "inconclusive" else []
        reasons += [found.note] if found.note else []
        is_noted = outcome == "noted"
        ends = self._turned(self.usual if is_noted else self.judged)
        return make_verdict(
            self.question,
            sides,
            outcome,
            "samples",
            values=change.values,
            interval=known_ends(ends),
            confidence=CONFIDENCE if is_noted else CONFIDENCE / 2 + (1 - self.level) / 2,
            smallest_detectable=self.smallest_detectable(),
            reason="; ".join(reasons) or None,
            evidence=_evidence(change),
            rests_on=_words(change),
            **self.scale.fields(change=change.difference),
        )


def _evidence(change: SampleChange) -> dict[str, Any]:
    counts = {"samples": change.samples, "differing": change.differing}
    known = {name: count for name, count in counts.items() if count is not None}
    return {**known, "method": change.method, **change.evidence}


def _words(change: SampleChange) -> list[str]:
    counted = [] if change.samples is None else [f"{change.samples} samples"]
    differing = [] if change.differing is None else [f"{change.differing} scored otherwise"]
    return [*counted, *(change.rests_on or differing)]


def judge_exact(
    question: Question, sides: Sequence[str], baseline: CaseResult, candidate: CaseResult
) -> Verdict:
    """Has a metric that is counted, not measured, become worse? There is no doubt about it."""
    metrics = [case.metrics.get(question.metric) for case in (baseline, candidate)]
    values = [None if one is None else one.value for one in metrics]
    before, after = values
    if before is None or after is None:
        names = sides[question.baseline], sides[question.candidate]
        missing = why_missing(question.metric, names, baseline, candidate)
        outcome: Outcome = "noted" if question.tolerance is None else "inconclusive"
        return make_verdict(
            question, sides, outcome, "exact", values=(before, after), reason=missing
        )
    scale = Scale.of(question, before)
    change = after - before
    if question.tolerance is None:
        outcome = "noted"
    else:
        allowed = scale.tolerance * scale.unit_size
        outcome = "regression" if is_beyond(question.worse_sign * change, allowed) else "pass"
    return make_verdict(
        question, sides, outcome, "exact", values=(before, after), **scale.fields(change=change)
    )
