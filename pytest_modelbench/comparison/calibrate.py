"""A machine measured against itself: by how much do launches of the same code differ?"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pytest_modelbench.calibration import Calibration, machine_name
from pytest_modelbench.case import Case
from pytest_modelbench.comparison.launch import Launcher
from pytest_modelbench.comparison.pace import pace_for
from pytest_modelbench.comparison.side_process import SideProcess
from pytest_modelbench.execution.place import HERE, Extension
from pytest_modelbench.execution.turns import LockMode, Turns
from pytest_modelbench.judge.launch_noise import LAUNCH_SD
from pytest_modelbench.judge.paired.blocks import block_differences
from pytest_modelbench.judge.paired.data import UnpackedLaunch
from pytest_modelbench.judge.paired.estimate import FLOOR_WEIGHT, Estimate, detectable
from pytest_modelbench.judge.question import USUAL_METRIC, Question
from pytest_modelbench.results.comparison import Launch
from pytest_modelbench.suite.compare import Compare

SIDES = ("one", "other")
LEVEL = 0.01
"""Of one look, on one side: a series and its confirmation are both at it."""
SURE = 0.8
"""How sure it shall be that launches scatter by no more than the floor: it rests on a few."""
MOST_PLAUSIBLE = 0.1
"""A share: on quiet machines 0.6 to 1.4 % were measured, beside much else 5 %."""


@dataclass(frozen=True)
class Calibrated:
    """A calibration, and what it was made from."""

    made: Calibration
    changes: Sequence[float]
    """Of each launch, the one side against the other, as a share. Their truth is 0."""
    disturbances: Sequence[str]
    """What else went on, a sentence for each launch that was disturbed."""

    @property
    def is_plausible(self) -> bool:
        """Whether it says something of the machine, and not only of an hour in which it was busy:
        a floor that is far too high would leave every later verdict untold."""
        return self.made.launch_floor <= MOST_PLAUSIBLE


def calibrate(
    case: Case,
    launches: int,
    extensions: Sequence[Extension],
    lock: LockMode,
    tell: Callable[[str], None],
) -> Calibrated:
    """Compare `case` with itself in so many launches (2 or more). Raises `SideFailed`."""
    sides = [replace(case, side=name) for name in SIDES]
    launcher = Launcher(
        start=lambda at: SideProcess(sides[at], HERE, extensions),
        devices=[case.device, case.device],
        turns=Turns(lock),
        seed=secrets.randbits(32),
        choose_pace=lambda usual_ns, in_flight: pace_for(usual_ns, in_flight, Compare()),
    )
    changes, disturbances = [], []
    for number in range(launches):
        launch = launcher.launch("decision")
        assert launcher.pace is not None
        changes.append(change_of(launch, launcher.pace.calls))
        disturbances += launch.disturbances[:1]
        tell(f"launch {number + 1} of {launches}: {changes[-1]:+.2%}".replace("%", " %"))
    between, floor = floor_from(changes)
    assert launcher.pace is not None
    made = Calibration(
        machine=machine_name(),
        timestamp=datetime.now(UTC).isoformat(timespec="seconds"),
        model=f"{case.candidate.version} on {case.device}",
        launches=launches,
        blocks=launcher.pace.blocks,
        between_launches=between,
        launch_floor=floor,
    )
    return Calibrated(made, changes, disturbances)


def change_of(launch: Launch, calls: int) -> float:
    """What one launch says of its second side against the first, as a share: the median block.

    Blocks are summarised as for a verdict, whose noise it is that is to be known.
    """
    import numpy as np

    measured = UnpackedLaunch(launch, SIDES, calls, number=1)
    question = Question(USUAL_METRIC, "lower", tolerance=None)
    return math.expm1(float(np.median(block_differences(measured, question, "fastest"))))


def floor_from(changes: Sequence[float]) -> tuple[float, float]:
    """The standard deviation between launches, about the 0 that is their truth; and the floor.

    The floor is the upper end of the chi-squared interval of that deviation, or 1 % where that is
    more: what few launches happened to differ by is not the least that others will.
    """
    from scipy.stats import chi2

    logs = [math.log1p(change) for change in changes]
    squares = sum(one * one for one in logs)
    between = math.sqrt(squares / len(logs))
    highest = math.sqrt(squares / float(chi2.ppf(1 - SURE, len(logs))))
    return min(1.0, between), min(1.0, max(LAUNCH_SD, highest))


def smallest_detectable(floor: float, launches: int) -> float:
    """The change that `launches` of this floor show in 8 of 10 cases at the usual level, a share.

    As if blocks added nothing to the noise between launches, which many of them hardly do.
    """
    degrees = FLOOR_WEIGHT + launches - 1
    estimate = Estimate(0.0, floor / math.sqrt(launches), degrees, ())
    return math.expm1(detectable(estimate, 0.0, [LEVEL, LEVEL]) or 0.0)
