"""Samples: what a model is given and what its answer is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_modelbench.datasets.signed_urls import without_signature

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


@dataclass(frozen=True, slots=True)
class AudioAddress:
    """Sound that is not fetched here: whoever transcribes it is told where it is."""

    url: str = field(compare=False, repr=False)
    duration_seconds: float | None = None
    """As the row says; None where it does not."""
    unsigned: str = field(init=False)
    """Where it is, whoever signed it when: by this the sample is known again."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "unsigned", without_signature(self.url))


@dataclass(slots=True, eq=False)  # not frozen, which would triple the cost of making one
class Sample:
    """One usable row: `input` is an `Audio`, an `AudioAddress`, a string, a pair of strings, or
    the raw column."""

    id: str
    """The row's number in its source, counted from 0, as text."""
    input: Any
    reference: Any = None
    source: str | None = None
    """Of sound: the path or URL that the row names, without what a URL says after its path."""


@dataclass(frozen=True, slots=True)
class UnusableRow:
    """A row that was passed over, and why."""

    row: int
    reason: str
