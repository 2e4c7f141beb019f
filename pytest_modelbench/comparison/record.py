"""The record of a comparison: at its end, and after each launch on the way there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from pytest_modelbench.case import Case
from pytest_modelbench.comparison.course import Course, Status
from pytest_modelbench.comparison.whereabouts import (
    Whereabouts,
    equal_to_baseline,
    unasked_differences,
)
from pytest_modelbench.execution.blank import blank_result
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.side_by_side import (
    Sides,
    asked_of_all,
    needs_launches,
    verdicts_of,
)
from pytest_modelbench.judge.wording import broken_off, untold
from pytest_modelbench.recording.provenance import PACKAGES
from pytest_modelbench.redaction import masked
from pytest_modelbench.results.comparison import (
    Comparison,
    Launch,
    SideRecord,
    Verdict,
    bare_comparison,
)
from pytest_modelbench.results.fields import jsonable
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.results.sample_record import in_words


@dataclass
class Compared:
    """What the item of a comparison gives."""

    results: list[CaseResult]
    """Of every side, the baseline first."""
    comparison: Comparison


@dataclass
class Record:
    """Makes the record of what was compared, as far as its course has come."""

    case: Case
    places: Sequence[Whereabouts]
    """Of the sides that are compared."""
    judged: Sides
    """Their results, and all that is asked of them."""
    course: Course
    left_out: frozenset[int]
    """Samples on which no side is timed."""

    @cached_property
    def settled(self) -> list[Verdict]:
        """The verdicts to which launches add nothing."""
        return verdicts_of(replace(self.judged, questions=self._asked(by_launches=False)), None, 0)

    def whole(self, status: Status, detail: str) -> Comparison:
        """At its end, which is an early one where a side broke."""
        is_judged = status == "ok" or self.course.broken is not None
        verdicts = self._verdicts(self.course.broken) if is_judged else []
        return self._made(status, detail, self.course.launches, verdicts)

    def so_far(self) -> Comparison:
        """What all launches up to now say, with the last of them alone: those before are known."""
        launches = self.course.launches
        verdicts = self._verdicts(broken_off(launches))
        return self._made("skipped", "unfinished", launches[-1:], verdicts)

    def _made(
        self, status: Status, detail: str, launches: list[Launch], verdicts: list[Verdict]
    ) -> Comparison:
        baseline, course = self.places[0], self.course
        return Comparison(
            id=self.case.id,
            suite=self.case.suite_id,
            benchmark=self.case.benchmark_id,
            kind="paired",
            status=status,
            detail=detail,
            trace=course.trace,
            sides=[_side_record(side, baseline) for side in self.places],
            differences=[
                *_no_differences(self.case),
                *unasked_differences(self.places),
                *_failures_left_out(self.judged.results, self.left_out),
            ],
            procedure=course.procedure,
            launches=launches,
            verdicts=verdicts,
            duration_seconds=course.seconds,
        )

    def _asked(self, *, by_launches: bool) -> list[Question]:
        return [one for one in self.judged.questions if needs_launches([one]) == by_launches]

    def _verdicts(self, broken: str | None) -> list[Verdict]:
        """All, in the order of the questions; the outputs come last."""
        settled, of_launches = iter(self.settled), iter(self._of_launches(broken))
        in_order = [
            next(of_launches if needs_launches([one]) else settled)
            for one in asked_of_all(self.judged.questions, len(self.judged.results))
        ]
        return [*in_order, *settled]

    def _of_launches(self, broken: str | None) -> list[Verdict]:
        """`broken` says what ended the launches before they were enough."""
        questions, data = self._asked(by_launches=True), self.course.data
        if data is None and broken is not None:
            names = self.judged.names
            asked = asked_of_all(questions, len(names))
            return [untold(one, names, "blocks", broken) for one in asked]
        known = None if data is None else replace(data, broken=broken)
        judged = replace(self.judged, questions=questions, outputs=None)
        return verdicts_of(judged, known, self.course.seconds)


def _no_differences(case: Case) -> Iterator[str]:
    """Said, lest a slip of the pen passes for a change that costs nothing."""
    assert case.comparison is not None
    for name in equal_to_baseline(case.comparison):
        yield f"nothing: side {name!r} is what the baseline is, and all it shows is noise"


def _failures_left_out(results: Sequence[CaseResult], left_out: frozenset[int]) -> list[str]:
    """What failed on which side, and what came of it."""
    lines = []
    for result in results:
        failed = result.failed_samples
        if failed is not None and left_out:
            words = in_words(failed, result.dataset.get("used_rows"))
            lines.append(f"side {result.side!r}: {words}; no side is timed on what failed")
    return lines


def _side_record(side: Whereabouts, baseline: Whereabouts) -> SideRecord:
    differ = {name for name, _ in side.packages.items() ^ baseline.packages.items()}
    return SideRecord(
        name=side.name,
        case_id=side.case.id,
        run_id=None,
        described=masked(jsonable(side.described)),
        python_version=side.python_version,
        packages={n: v for n, v in side.packages.items() if n in PACKAGES or n in differ},
    )


def unmeasured(case: Case, status: Literal["skipped", "error"], reason: str) -> Compared:
    """A comparison of which nothing could be measured, and why."""
    comparison = bare_comparison(
        id=case.id,
        suite=case.suite_id,
        benchmark=case.benchmark_id,
        kind="paired",
        status=status,
        detail=reason,
    )
    return Compared([blank_result(one, status, reason) for one in case.measured], comparison)
