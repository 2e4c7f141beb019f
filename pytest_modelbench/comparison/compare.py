"""A comparison from its plan to its verdicts, whatever happens on the way."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pytest_modelbench.case import Case
from pytest_modelbench.comparison.course import Course, Status
from pytest_modelbench.comparison.launch import Launcher
from pytest_modelbench.comparison.pace import Pace, pace_for
from pytest_modelbench.comparison.record import Compared, Record, unmeasured
from pytest_modelbench.comparison.side_process import SideProcess
from pytest_modelbench.comparison.whereabouts import Places, Whereabouts, places_of
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.blank import blank_result
from pytest_modelbench.execution.isolated import IsolatedEngine
from pytest_modelbench.execution.place import Extension
from pytest_modelbench.execution.trail import Trail
from pytest_modelbench.execution.turns import LockMode, Turns
from pytest_modelbench.judge.by_sample.unanswered import answered_some, unanswered
from pytest_modelbench.judge.launch_noise import launch_floor
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.side_by_side import Sides, needs_launches
from pytest_modelbench.quick import NOT_COMPARED
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.packed import unpack
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.runs.live import LiveFile
from pytest_modelbench.suite.compare import OutputTolerance

Tell = Callable[[Sequence[CaseResult], Comparison | None], None]
"""Is given what is measured as it comes: sides by themselves, and the comparison so far, of whose
launches it has the last one."""


def tell_nobody(results: Sequence[CaseResult], comparison: Comparison | None) -> None:
    """For who waits for the end."""


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
    tell: Tell = tell_nobody
    known: Mapping[str, CaseResult] = field(default_factory=dict)
    """Sides that an earlier session measured by themselves, by id."""
    failed: dict[str, str] = field(default_factory=dict)
    """Revisions that could not be made ready in this session, and why."""

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
                places = in_use.enter_context(
                    places_of(case.comparison, self.extensions, self.turns, self.failed)
                )
            except ModelbenchError as error:
                return unmeasured(case, "error", str(error))
            folder = in_use.enter_context(tempfile.TemporaryDirectory(prefix="modelbench-"))
            return self._compare(case, places, questions, Path(folder))

    def _compare(
        self,
        case: Case,
        places: Places,
        questions: Sequence[Question],
        folder: Path,
    ) -> Compared:
        assert case.comparison is not None
        outputs = case.comparison.settings.outputs
        live = Trail(live=case.trail.live)
        whole = {
            name: _with_outputs(side, live, outputs, folder) for name, side in places.found.items()
        }
        results = [
            self._by_itself(whole[one.side])
            if one.side in whole
            else blank_result(one, "error", places.lost[one.side])
            for one in case.measured
        ]
        status, detail = _status(results)
        well = [one for one in results if one.side in whole]
        if status == "ok":  # without the candidates that it names as absent or broken
            well = [one for one in results if _has_answers(one)]
            if self.is_quick:
                status, detail = "skipped", NOT_COMPARED
        sides = [whole[one.side] for one in well]
        left_out = unanswered(well)
        course = self._course(case, sides, left_out)
        files = [side.case.outputs_file for side in sides]
        judged = Sides(well, questions, outputs, files, self.verdict_count)
        record = Record(case, sides, judged, course, left_out)
        if status == "ok":
            ended, why = self._run(record)
            status, detail = (ended, why) if ended != "ok" else (status, detail)
        with self.turns.busy():
            return Compared(results, record.whole(status, detail))

    def _by_itself(self, side: Whereabouts) -> CaseResult:
        """The side as a case like any other, if need be anew."""
        result = self.known.get(side.case.id) or self._measure(side)
        self.tell([result], None)
        return result

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

    def _run(self, record: Record) -> tuple[Status, str]:
        """The launches, shown to whoever watches, and told to who writes them down."""
        course, questions = record.course, record.judged.questions
        with self.turns.busy():
            _ = record.settled  # before the first launch: it is not lost with any of them
        if not needs_launches(questions):
            return "ok", ""
        if why := _nothing_to_time(record):
            course.broken = why
            return "error", why
        course.after_launch = lambda: self.tell([], record.so_far())
        self.tell([], record.so_far())
        with closing(LiveFile(record.case.trail.live, self.worker)) as shown:
            shown.begin(record.case.id)
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
    side: Whereabouts, trail: Trail, outputs: str | OutputTolerance | None, folder: Path
) -> Whereabouts:
    """What the side answers is known, as far as it did; where it is to be compared, in full."""
    file = None if outputs is None else folder / f"{side.name}.npz"
    case = replace(side.case, trail=trail, keep_outputs=True, outputs_file=file)
    return replace(side, case=case)


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


def _nothing_to_time(record: Record) -> str:
    """Why no launch can be made of sides that all have answers; empty where it can."""
    results = record.judged.results
    counts = [len(unpack(one.samples.outputs)) for one in results if one.samples is not None]
    if not counts or len(record.left_out) < min(counts):
        return ""
    failed = [(one.side, one.failed_samples) for one in results]
    words = ", ".join(f"{side!r} failed {one.count}" for side, one in failed if one is not None)
    return f"no sample is left that all sides answered (of {min(counts)}: {words})"


def _has_answers(result: CaseResult) -> bool:
    """Whether it can be compared, be it that some samples failed; its own status says that."""
    return result.status == "ok" or answered_some(result)
