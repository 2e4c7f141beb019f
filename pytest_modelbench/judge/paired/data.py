"""What a paired comparison has recorded, and the calls of a launch side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.results.comparison import Launch, Procedure
from pytest_modelbench.results.packed import unpack

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNSTEADY = ("max_seconds", "max_samples")
"""How a warm-up ends that has not become steady. After a number of calls nobody asked."""


class Unusable(ModelbenchError):  # noqa: N818 - a reason, not a fault
    """Why a metric cannot be judged from these launches."""


@dataclass(frozen=True)
class PairedData:
    """Launches of sides that were measured in turn, as far as they have come."""

    sides: tuple[str, ...]
    """Their names, the baseline first."""
    procedure: Procedure
    launches: Sequence[Launch]
    """Of both series, in the order made."""
    left_out: int = 0
    """Samples on which no side was timed, since one of them had no answer to them."""
    broken: str | None = None
    """Which side ended the launches before they were enough, and how."""

    @cached_property
    def decision(self) -> list[UnpackedLaunch]:
        return self._of_series("decision")

    @cached_property
    def confirmation(self) -> list[UnpackedLaunch]:
        return self._of_series("confirmation")

    def _of_series(self, series: str) -> list[UnpackedLaunch]:
        return [
            UnpackedLaunch(launch, self.sides, self.procedure.calls, number)
            for number, launch in enumerate(self.launches, 1)
            if launch.series == series
        ]


@dataclass(frozen=True)
class UnpackedLaunch:
    """A launch, unpacked when it is asked for."""

    launch: Launch
    sides: tuple[str, ...]
    calls_per_segment: int
    number: int
    """From 1, in the order made."""

    @cached_property
    def calls(self) -> list[NDArray[np.float64]]:
        """Timed calls in ns: for each side an array of shape (blocks, 2 segments, calls).

        Raises `Unusable` for a record that does not add up.
        """
        import numpy as np

        count = len(self.sides)
        turns = np.asarray(unpack(self.launch.order))
        if len(self.launch.sides) != count or not len(turns) or len(turns) % (2 * count):
            raise self._spoilt()
        blocks = np.sort(turns.reshape(-1, 2 * count), axis=1)
        if (blocks != np.repeat(np.arange(count), 2)).any():
            raise self._spoilt()
        return [self._calls_of(side, len(blocks)) for side in range(count)]

    def _calls_of(self, side: int, blocks: int) -> NDArray[np.float64]:
        import numpy as np

        calls = np.asarray(unpack(self.launch.sides[side].durations), dtype=np.float64)
        if len(calls) != blocks * 2 * self.calls_per_segment:
            raise self._spoilt()
        if (calls <= 0).any():
            raise Unusable(
                f"a call of side {self.sides[side]} in launch {self.number} took no time at all: "
                "a duration should be above 0 ns"
            )
        return calls.reshape(blocks, 2, self.calls_per_segment)

    def _spoilt(self) -> Unusable:
        return Unusable(
            f"the record of launch {self.number} does not add up: it should have "
            f"{self.calls_per_segment} calls for each segment, and two segments of each side in "
            "each block"
        )

    def metric(self, side: int, name: str) -> float:
        """What the launch gave once for a side. Raises `Unusable` when it did not."""
        given = self.launch.sides[side].metrics if side < len(self.launch.sides) else {}
        if name not in given:
            raise Unusable(f"{name} of side {self.sides[side]} is missing in launch {self.number}")
        return given[name]

    @property
    def block_count(self) -> int:
        return len(self.calls[0])

    @property
    def is_steady(self) -> bool:
        return not any(side.warmup_ended_by in UNSTEADY for side in self.launch.sides)
