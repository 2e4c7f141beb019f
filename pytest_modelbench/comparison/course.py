"""Launch after launch, until every question is answered or the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pytest_modelbench.comparison.launch import Launcher
from pytest_modelbench.comparison.side_process import SideFailed, SideUnavailable
from pytest_modelbench.judge.launch_noise import launch_floor
from pytest_modelbench.judge.paired.data import PairedData
from pytest_modelbench.judge.paired.looks import FEWEST_LAUNCHES
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.side_by_side import needs_launches, step_after
from pytest_modelbench.results.comparison import Launch, Procedure, Series
from pytest_modelbench.suite.compare import Compare

Status = Literal["ok", "skipped", "error"]


@dataclass
class Budget:
    """Seconds of measuring in turn that one series of launches may take."""

    seconds: float
    spent: float = 0.0
    longest: float = 0.0
    launches: int = 0

    def spend(self, seconds: float) -> None:
        self.spent += seconds
        self.longest = max(self.longest, seconds)
        self.launches += 1

    @property
    def left(self) -> float:
        """Nothing, where the next launch would not fit. The first ones, without which nothing can
        be said, are made in any case: blocks are few enough for that."""
        if self.launches < FEWEST_LAUNCHES:
            return max(self.longest, self.seconds - self.spent)
        left = self.seconds - self.spent
        return left if left >= self.longest else 0.0


@dataclass
class Course:
    """The launches of a comparison."""

    settings: Compare
    names: tuple[str, ...]
    """Of the sides, the baseline first."""
    launcher: Launcher
    verdict_count: int
    launches: list[Launch] = field(default_factory=list)
    procedure: Procedure | None = None
    left_out: int = 0
    """Samples on which no side is timed."""
    seconds: float = 0.0
    """What the launches took, waiting for turns apart."""
    broken: str | None = None
    """How a side ended it that had been measured well before, or kept it from beginning."""
    trace: str | None = None
    """The traceback of the side that ended it."""
    after_launch: Callable[[], None] = lambda: None
    """Called when each is made."""

    @property
    def data(self) -> PairedData | None:
        if self.procedure is None:
            return None
        return PairedData(self.names, self.procedure, self.launches, self.left_out, self.broken)

    def run(self, questions: Sequence[Question]) -> tuple[Status, str]:
        """Measure what the questions need; how that ended, and why if not well."""
        series: Series = "decision"
        budget = Budget(self.settings.max_seconds)
        is_over = not needs_launches(questions)
        while not is_over:
            try:
                budget.spend(self._launch(series))
            except SideFailed as error:
                self.trace = error.trace
                if isinstance(error, SideUnavailable) and not self.launches:
                    self.broken = str(error)
                    return "skipped", self.broken
                number = len(self.launches) + 1
                self.broken = f"side {error.side!r}: broken in launch {number}: {error.text}"
                return "error", self.broken
            self.after_launch()
            assert self.data is not None
            step = step_after(self.data, questions, budget.left)
            if step == "confirm" and series == "decision":
                series, budget = "confirmation", Budget(self.settings.max_seconds)
            is_over = step == "done"
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
            most_launches=self.settings.launches,
            max_seconds=self.settings.max_seconds,
            launch_floor=floor,
            launch_floor_from=source,
            verdict_count=max(1, self.verdict_count),
        )
