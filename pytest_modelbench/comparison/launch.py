"""One launch: fresh processes of all sides, loaded, warmed up, and timed in turn."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from pytest_modelbench.comparison.differences import Differences
from pytest_modelbench.comparison.pace import Pace
from pytest_modelbench.comparison.side_process import SideProcess
from pytest_modelbench.execution.physical_devices import uses_processor
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.judge.launch_noise import LAUNCH_SD
from pytest_modelbench.measure.machine_load import MachineLoad
from pytest_modelbench.results.comparison import Launch, Series
from pytest_modelbench.results.packed import pack

MOST_TIMES_THE_BLOCKS = 5


@dataclass
class Launcher:
    """Makes launches of the same sides."""

    start: Callable[[int], SideProcess]
    """Makes the process of the side of that number."""
    devices: Sequence[str]
    """Of each side."""
    turns: Turns
    seed: int
    """Of the order of turns."""
    choose_pace: Callable[[list[int], int], Pace]
    """From how long the calls of each side take, and how many are in flight."""
    enough: float = LAUNCH_SD
    """The standard error, as a share, at which a launch needs no more blocks than the usual."""
    pace: Pace | None = None
    """Chosen at the first launch."""
    seconds: float = 0.0
    """Spent on warm-up and blocks."""

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)
        self._order: list[int] = []
        self._launches = 0

    def launch(self, series: Series) -> Launch:
        """Raises `SideFailed`, and `SideUnavailable` for what is absent."""
        order = self._order_of_launch()
        with self.turns.busy(), ExitStack() as leaving:
            leaving.callback(self.turns.residence(*self.devices).release)
            sides = self._loaded(order, leaving)
            machine = MachineLoad()
            with self.turns.alone(self._timed_on()):
                start = time.monotonic()
                for at in order:
                    sides[at].warm_up()
                pace = self.pace = self.pace or self._pace(sides)
                with machine:
                    asked = self._blocks(sides, pace)
                self.seconds += time.monotonic() - start
            self._launches += 1
            return Launch(
                series=series,
                order=pack(asked),
                sides=[side.sum_up() for side in sides],
                disturbances=machine.disturbances(),
            )

    def _order_of_launch(self) -> list[int]:
        """In which sides are loaded and warmed up: by lot, and the next time in reverse, so that
        what favours the first or the last one favours none."""
        if self._order:
            order, self._order = self._order[::-1], []
            return order
        self._order = list(range(len(self.devices)))
        self._draw.shuffle(self._order)
        return self._order

    def _timed_on(self) -> str:
        """The processor, if any side uses it: then nobody else may."""
        return next(filter(uses_processor, self.devices), self.devices[0])

    def _loaded(self, order: Sequence[int], leaving: ExitStack) -> list[SideProcess]:
        """All sides. Their interpreters start and import at the same time, and nothing loads
        before they are done: how long loading takes is measured, too."""
        started = {}
        for at in order:
            started[at] = self.start(at)
            leaving.callback(_close, started[at])
            started[at].prepare()
        for at in order:
            started[at].begin()
        for at in order:
            started[at].load(self._launches)
        return [started[at] for at in range(len(order))]

    def _pace(self, sides: Sequence[SideProcess]) -> Pace:
        in_flight = max(side.in_flight for side in sides)
        return self.choose_pace([side.usual_ns for side in sides], in_flight)

    def _blocks(self, sides: Sequence[SideProcess], pace: Pace) -> list[int]:
        """Time block after block; the number of the side of each segment.

        The sides in an order drawn by lot, then in reverse (ABBA): what drifts steadily within a
        block meets all sides alike. Where noise is large, blocks go on until they say as much as
        the launch itself can, within limits: it costs less than further launches.
        """
        asked: list[int] = []
        differences = Differences(len(sides))
        calls_made = pace.calls * pace.repeats
        order, end = list(range(len(sides))), time.monotonic() + pace.most_seconds
        for block in range(pace.blocks * MOST_TIMES_THE_BLOCKS):
            is_time_to_look = block > 0 and block % pace.blocks == 0
            if is_time_to_look and (
                differences.standard_error <= self.enough or time.monotonic() > end
            ):
                break
            self._draw.shuffle(order)
            for at in (*order, *reversed(order)):
                durations = sides[at].segment(block * calls_made, pace.calls, pace.repeats)
                differences.add(at, min(durations))
                asked.append(at)
            differences.end_block()
        return asked


def _close(side: SideProcess) -> None:
    with suppress(Exception):  # what was measured is not lost because a process will not end
        side.close()
