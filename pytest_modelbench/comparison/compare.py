"""A comparison from its plan to its verdicts, whatever happens on the way."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pytest_modelbench.case import Case, ComparisonPlan
from pytest_modelbench.comparison.launch import Launcher, Series
from pytest_modelbench.comparison.pace import Pace, pace_for
from pytest_modelbench.comparison.side_process import SideFailed, SideProcess, SideUnavailable
from pytest_modelbench.comparison.whereabouts import (
    Whereabouts,
    unasked_differences,
    whereabouts_of,
)
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.blank import blank_result
from pytest_modelbench.execution.isolated import IsolatedEngine
from pytest_modelbench.execution.place import Extension
from pytest_modelbench.execution.turns import LockMode, Turns
from pytest_modelbench.judge.launch_noise import launch_floor
from pytest_modelbench.judge.paired.data import PairedData
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.side_by_side import Sides, needs_launches, step_after, verdicts_of
from pytest_modelbench.recording.provenance import PACKAGES
from pytest_modelbench.redaction import masked
from pytest_modelbench.results.comparison import Comparison, Launch, Procedure, SideRecord
from pytest_modelbench.results.fields import jsonable
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.suite.compare import OutputTolerance

Status = Literal["ok", "skipped", "error"]


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

    def compare(self, case: Case, questions: Sequence[Question]) -> Compared:
        """Measure every side by itself, then all in turn. Only an interrupt is raised."""
        assert case.comparison is not None
        try:
            sides = whereabouts_of(case.comparison)
        except ModelbenchError as error:
            return unmeasured(case, "error", str(error))
        with tempfile.TemporaryDirectory(prefix="modelbench-") as folder:
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
        sides = [_with_outputs(side, outputs, folder) for side in whereabouts]
        results = [self._measure(side) for side in sides]
        course = _Course(case.comparison, sides, self._launcher(sides, case), self.verdict_count)
        status, detail = _status(results)
        if status == "ok":
            status, detail = course.run(questions)
        judged = Sides(results, questions, outputs, [side.case.outputs_file for side in sides])
        comparison = Comparison(
            id=case.id,
            suite=case.suite_id,
            benchmark=case.benchmark_id,
            kind="paired",
            status=status,
            detail=detail,
            sides=[_record(side, sides[0]) for side in sides],
            differences=unasked_differences(sides),
            procedure=course.procedure,
            launches=course.launches,
            verdicts=verdicts_of(judged, course.data, course.seconds) if status == "ok" else [],
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

    def _launcher(self, sides: Sequence[Whereabouts], case: Case) -> Launcher:
        assert case.comparison is not None
        settings = case.comparison.settings

        def start(at: int) -> SideProcess:
            return SideProcess(sides[at].case, sides[at].place, self.extensions)

        def choose_pace(usual_ns: list[int], in_flight: int) -> Pace:
            return pace_for(usual_ns, in_flight, settings)

        seed = secrets.randbits(32) if settings.seed is None else settings.seed
        devices = [side.case.device for side in sides]
        return Launcher(start, devices, Turns(self.lock), seed, choose_pace, launch_floor()[0])


@dataclass
class _Course:
    """Launch after launch, until every question is answered or the time is over."""

    plan: ComparisonPlan
    sides: Sequence[Whereabouts]
    launcher: Launcher
    verdict_count: int
    launches: list[Launch] = field(default_factory=list)
    procedure: Procedure | None = None
    seconds: float = 0.0
    """What the launches took, waiting for turns apart."""

    @property
    def data(self) -> PairedData | None:
        if self.procedure is None:
            return None
        return PairedData(tuple(one.name for one in self.sides), self.procedure, self.launches)

    def run(self, questions: Sequence[Question]) -> tuple[Status, str]:
        step: str = "launch" if needs_launches(questions) else "done"
        series: Series = "decision"
        spent = longest = 0.0
        budget = self.plan.settings.max_seconds
        while step != "done":
            wanted: Series = "decision" if step == "launch" else "confirmation"
            if wanted != series:
                series, spent = wanted, 0.0
            if spent and spent + longest > budget:
                break
            try:
                took = self._launch(series)
            except SideUnavailable as reason:
                return "skipped", str(reason)
            except SideFailed as error:
                return "error", str(error)
            spent, longest = spent + took, max(longest, took)
            assert self.data is not None
            step = step_after(self.data, questions, budget - spent)
        return "ok", ""

    def _launch(self, series: Series) -> float:
        """Seconds of measuring."""
        turns, start = self.launcher.turns, time.monotonic()
        waited_before, measured_before = turns.waited_seconds, self.launcher.seconds
        self.launches.append(self.launcher.launch(series))
        self.procedure = self.procedure or self._described()
        self.seconds += time.monotonic() - start - (turns.waited_seconds - waited_before)
        return self.launcher.seconds - measured_before

    def _described(self) -> Procedure:
        pace = self.launcher.pace
        assert pace is not None
        floor, source = launch_floor()
        return Procedure(
            seed=self.launcher.seed,
            calls=pace.calls,
            repeats=pace.repeats,
            in_flight=pace.in_flight,
            blocks=pace.blocks,
            most_launches=self.plan.settings.launches,
            max_seconds=self.plan.settings.max_seconds,
            launch_floor=floor,
            launch_floor_from=source,
            verdict_count=max(1, self.verdict_count),
        )


def _with_outputs(
    side: Whereabouts, outputs: str | OutputTolerance | None, folder: Path
) -> Whereabouts:
    """What the side answers is kept where it will be compared; with a tolerance, in full."""
    if outputs is None:
        return side
    file = folder / f"{side.name}.npz" if isinstance(outputs, OutputTolerance) else None
    return replace(side, case=replace(side.case, keep_outputs=True, outputs_file=file))


def _status(results: Sequence[CaseResult]) -> tuple[Status, str]:
    """Of the sides by themselves: without one of them there is nothing to compare."""
    statuses: tuple[Status, ...] = ("error", "skipped")
    for status in statuses:
        for result in results:
            if result.status == status:
                side = result.id.rpartition("@")[2]
                return status, f"side {side!r}: {result.detail}"
    return "ok", ""


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
        sides=[],
        differences=[],
        procedure=None,
        launches=[],
        verdicts=[],
        duration_seconds=0.0,
    )
    return Compared([blank_result(one, status, reason) for one in case.measured], comparison)
