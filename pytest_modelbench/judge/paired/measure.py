"""How a metric is got from launches: what all kinds of metrics have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pytest_modelbench.judge.paired.data import UnpackedLaunch
from pytest_modelbench.judge.paired.estimate import Estimate
from pytest_modelbench.judge.paired.scale import Scale
from pytest_modelbench.judge.wording import Method

Launches: TypeAlias = Sequence[UnpackedLaunch]


@dataclass(frozen=True)
class View:
    """One way to see the change. Where there are several, each can hide what another shows."""

    words: str
    """What it looks at, such as "the fastest call of each turn"."""
    estimate: Callable[[Launches], Estimate]
    is_guard: bool = False
    """Whether a pass needs its interval within the tolerance, and not only its estimate."""


@dataclass(frozen=True)
class Measure:
    """A metric of two sides."""

    method: Method
    views: tuple[View, ...]
    """The first is reported, and a guard by itself. A pass needs all of them, a regression any."""
    values: Callable[[Launches], tuple[float, float]]
    """The metric itself, of the baseline and of the candidate."""
    scale: Scale = "log"
    calls_needed: int = 0
    """Calls of each side below which nothing is said."""
    notes: dict[str, Any] = field(default_factory=dict)
    """For the evidence."""

    def has_enough(self, launches: Launches) -> bool:
        return not self.calls_needed or calls_of_a_side(launches) >= self.calls_needed


def calls_of_a_side(launches: Launches) -> int:
    return sum(launch.calls[0].size for launch in launches)
