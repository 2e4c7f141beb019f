"""Samples: what a model is given and what its answer is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Decoded sound: mono, float32 in [-1, 1], shape `(n,)`, at `sampling_rate_hz`."""

    samples: NDArray[np.float32]
    sampling_rate_hz: int

    @property
    def duration_seconds(self) -> float:
        return len(self.samples) / self.sampling_rate_hz


@dataclass(slots=True, eq=False)  # not frozen, which would triple the cost of making one
class Sample:
    """One usable row: `input` is an `Audio`, a string, a pair of strings, or the raw column."""

    id: str
    """The row's number in its source, counted from 0, as text."""
    input: Any
    reference: Any = None


@dataclass(frozen=True, slots=True)
class UnusableRow:
    """A row that was passed over, and why."""

    row: int
    reason: str
