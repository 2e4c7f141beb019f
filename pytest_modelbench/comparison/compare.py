"""A comparison from its plan to its verdicts, whatever happens on the way."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from pytest_modelbench.case import Case
from pytest_modelbench.comparison.course import Course, Status
from pytest_modelbench.comparison.launch import Launcher
from pytest_modelbench.comparison.pace import Pace, pace_for
from pytest_modelbench.comparison.side_process import SideProcess
from pytest_modelbench.comparison.whereabouts import (
    Whereabouts,
    places_of,
    unasked_differences,
)
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.blank import blank_result
from pytest_modelbench.execution.isolated import IsolatedEngine
from pytest_modelbench.execution.place import Extension
from pytest_modelbench.execution.trail import Trail
from pytest_modelbench.execution.turns import LockMode, Turns
from pytest_modelbench.judge.by_sample.unanswered import answered_some, unanswered
from pytest_modelbench.judge.launch_noise import launch_floor
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.side_by_side import Sides, needs_launches, verdicts_of
from pytest_modelbench.quick import NOT_COMPARED
from pytest_modelbench.recording.provenance import PACKAGES
from pytest_modelbench.redaction import masked
from pytest_modelbench.results.comparison import Comparison, SideRecord
from pytest_modelbench.results.fields import jsonable
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.results.sample_record import in_words
from pytest_modelbench.runs.live import LiveFile
from pytest_modelbench.suite.compare import OutputTolerance


@dataclass
class Compared:
    """What the item of a comparison gives."""

    results: list[CaseResult]
    """Of every side, the baseline first."""
    comparison: Comparison


@dataclass(frozen=True)
class Comparer:
    """Measures the comparisons of a session."""

    worker: str
    extensions: Sequence[Extension]
    lock: LockMode
    verdict_count: int = 1
    """Verdicts of the whole session: what makes one a regression is stricter where there are
    many."""
    is_quick: bool = False
    """Whether each side is only tried by itself."""

    @cached_property
    def turns(self) -> Turns:
        return Turns(self.lock)

    def compare(self, case: Case, questions: Sequence[Question]) -> Compared:
        """Measure every side by itself, then all in turn. Only an interrupt is raised."""
        assert case.comparison is not None
        if not hasattr(os, "fork"):
            return unmeasured(case, "error", "comparisons need fork, which is not to be had here")
        with ExitStack() as in_use:
            try:
                places = places_of(case.comparison, self.extensions, self.turns)
                sides = in_use.enter_context(places)
            except ModelbenchError as error:
                return unmeasured(case, "error", str(error))
            folder = in_use.enter_context(tempfile.TemporaryDirectory(prefix="modelbench-"))
            return self._compare(case, sides, questions, Path(folder))

    def _compare(
        self,
        case: Case,
        whereabouts: Sequence[Whereabouts],
        questions: Sequence[Question],
        folder: Path,
    ) -> Compared:
        assert case.comparison is not None
        outputs = case.comparison.settings.outputs
        live = Trail(live=case.trail.live)
        sides = [
            replace(side, case=replace(side.case, trail=live))
            for side in (_with_outputs(one, outputs, folder) for one in whereabouts)
        ]
        results = well = [self._measure(side) for side in sides]
        status, detail = _status(results)
        if status == "ok":  # without the candidates that it names as absent or broken
            sides = [side for side, one in zip(sides, results, strict=True) if _has_answers(one)]
            well = [one for one in results if _has_answers(one)]
            if self.is_quick:
                status, detail = "skipped", NOT_COMPARED
        left_out = unanswered(well)
        course = self._course(case, sides, left_out)
        if status == "ok":
            ended, why = self._run(course, case, questions)
            status, detail = (ended, why) if ended != "ok" else (status, detail)
        files = [side.case.outputs_file for side in sides]
        judged = Sides(well, _known(questions, course), outputs, files, self.verdict_count)
        is_judged = status == "ok" or course.broken is not None
        with self.turns.busy():
            verdicts = verdicts_of(judged, course.data, course.seconds) if is_judged else []
        comparison = Comparison(
            id=case.id,
            suite=case.suite_id,
            benchmark=case.benchmark_id,
            kind="paired",
            status=status,
            detail=detail,
            trace=course.trace,
            sides=[_record(side, sides[0]) for side in sides],
            differences=[*unasked_differences(sides), *_failures_left_out(well, left_out)],
            procedure=course.procedure,
            launches=course.launches,
            verdicts=verdicts,
            duration_seconds=course.seconds,
        )
        return Compared(results, comparison)

    def _measure(self, side: Whereabouts) -> CaseResult:
        """The side as a case like any other: its quality, memory and latencies."""
        engine = IsolatedEngine(self.worker, self.extensions, self.lock, side.place)
        try:
            return engine.submit(side.case).result()
        finally:
            engine.close()

    def _course(self, case: Case, sides: Sequence[Whereabouts], left_out: frozenset[int]) -> Course:
        assert case.comparison is not None
        return Course(
            settings=case.comparison.settings,
            names=tuple(side.name for side in sides),
            launcher=self._launcher(sides, case, left_out),
            verdict_count=self.verdict_count,
            left_out=len(left_out),
        )

    def _run(self, course: Course, case: Case, questions: Sequence[Question]) -> tuple[Status, str]:
        """The launches, shown to whoever watches."""
        with closing(LiveFile(case.trail.live, self.worker)) as shown:
            shown.begin(case.id)
            shown.enter("comparing")
            return course.run(questions)

    def _launcher(
        self, sides: Sequence[Whereabouts], case: Case, left_out: frozenset[int]
    ) -> Launcher:
        assert case.comparison is not None
        settings = case.comparison.settings

        def start(at: int) -> SideProcess:
            return SideProcess(sides[at].case, sides[at].place, self.extensions, left_out)

        def choose_pace(usual_ns: list[int], in_flight: int) -> Pace:
            return pace_for(usual_ns, in_flight, settings)

        seed = secrets.randbits(32) if settings.seed is None else settings.seed
        devices = [side.case.device for side in sides]
        return Launcher(start, devices, self.turns, seed, choose_pace, launch_floor()[0])


def _with_outputs(
    side: Whereabouts, outputs: str | OutputTolerance | None, folder: Path
) -> Whereabouts:
    """What the side answers is known, as far as it did; with a tolerance it is kept in full."""
    file = folder / f"{side.name}.npz" if isinstance(outputs, OutputTolerance) else None
    return replace(side, case=replace(side.case, keep_outputs=True, outputs_file=file))


def _status(results: Sequence[CaseResult]) -> tuple[Status, str]:
    """Of the sides by themselves: it takes the baseline and a candidate to compare anything.

    Where that is there, the detail says which other candidates are not, and why.
    """
    absent = [(one, f"side {one.side!r}: {one.detail}") for one in results if not _has_answers(one)]
    baseline, *candidates = results
    if _has_answers(baseline) and any(map(_has_answers, candidates)):
        return "ok", "; ".join(line for _, line in absent)
    statuses: tuple[Status, ...] = ("error", "skipped")
    return next(
        (status, line) for status in statuses for one, line in absent if one.status == status
    )


def _known(questions: Sequence[Question], course: Course) -> Sequence[Question]:
    """Without those about launches, where a side broke in the first one."""
    if course.broken is None or course.launches:
        return questions
    return [one for one in questions if not needs_launches([one])]


def _has_answers(result: CaseResult) -> bool:
    """Whether it can be compared, be it that some samples failed; its own status says that."""
    return result.status == "ok" or answered_some(result)


def _failures_left_out(results: Sequence[CaseResult], left_out: frozenset[int]) -> list[str]:
    """What failed on which side, and what came of it."""
    lines = []
    for result in results:
        failed = result.failed_samples
        if failed is not None and left_out:
            words = in_words(failed, result.dataset.get("used_rows"))
            lines.append(f"side {result.side!r}: {words}; no side is timed on what failed")
    return lines


def _record(side: Whereabouts, baseline: Whereabouts) -> SideRecord:
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
    comparison = Comparison(
        id=case.id,
        suite=case.suite_id,
        benchmark=case.benchmark_id,
        kind="paired",
        status=status,
        detail=reason,
        trace=None,
        sides=[],
        differences=[],
        procedure=None,
        launches=[],
        verdicts=[],
        duration_seconds=0.0,
    )
    return Compared([blank_result(one, status, reason) for one in case.measured], comparison)
