"""A question about a case of an earlier run and the same case now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pytest_modelbench.catalogue import COUNTED_METRICS, unit_of
from pytest_modelbench.judge.bounds.expression_interval import Interval
from pytest_modelbench.judge.bounds.intervals import sample_interval
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.stored.comparable import CHANGES_ANSWERS, KEYS, Key
from pytest_modelbench.judge.stored.measured_case import MeasuredCase
from pytest_modelbench.judge.stored.noise import kind_of
from pytest_modelbench.results.metric import Metric

SIDES = ("baseline", "candidate")


@dataclass(frozen=True, slots=True)
class Held:
    """A question about two measured cases."""

    question: Question
    baseline: MeasuredCase
    candidate: MeasuredCase

    @property
    def metrics(self) -> tuple[Metric | None, Metric | None]:
        name = self.question.metric
        return self.baseline.case.metrics.get(name), self.candidate.case.metrics.get(name)

    @property
    def values(self) -> tuple[float | None, float | None]:
        before, after = self.metrics
        return (before.value if before else None, after.value if after else None)

    @property
    def unit(self) -> str:
        units = [metric.unit for metric in self.metrics if metric is not None]
        return units[-1] if units else unit_of(self.question.metric)

    @property
    def tolerance(self) -> float | None:
        return amount_of(self.question)

    @property
    def is_relative(self) -> bool:
        """Whether changes are told as shares of the baseline's value."""
        tolerance = self.question.tolerance
        return tolerance.is_relative if tolerance else self.values[0] != 0

    @property
    def is_told_by_sample(self) -> bool:
        records = (self.baseline.case.samples, self.candidate.case.samples)
        return all(one is not None and self.question.metric in one.terms for one in records)

    @property
    def keys_that_count(self) -> Collection[Key]:
        """What the sides may not differ in."""
        metric = self.question.metric
        if metric == "file_size_mb":
            return ()
        is_of_answers = kind_of(metric, self.unit) is None and self.unit in ("", "%")
        return CHANGES_ANSWERS if metric in COUNTED_METRICS or is_of_answers else KEYS

    @property
    def intervals(self) -> list[Interval | None]:
        """Of both values, by what each run measured; None where that does not say.

        A mean or a rate of timed calls has one by their standard deviation.
        """
        name = self.question.metric
        found = []
        for side in (self.baseline, self.candidate):
            ends = sample_interval(name, side.case.metrics) if name in side.case.metrics else None
            found.append(None if ends == (None, None) else ends)
        return found


def amount_of(question: Question) -> float | None:
    """The tolerance as a number."""
    return question.tolerance.amount if question.tolerance else None
