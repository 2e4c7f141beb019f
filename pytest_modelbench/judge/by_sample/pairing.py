"""Which sample of one side is which of the other."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_modelbench.results.packed import unpack
from pytest_modelbench.results.sample_record import SampleRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Pairing:
    """Samples that both sides were asked, in the baseline's order."""

    baseline: NDArray[np.intp]
    """Their places among the baseline's samples."""
    candidate: NDArray[np.intp]
    only_baseline: int
    """Samples that the candidate was not asked."""
    only_candidate: int

    def __len__(self) -> int:
        return len(self.baseline)

    @property
    def left_out(self) -> str | None:
        """A clause on the samples of one side alone; None without any."""
        if not self.only_baseline and not self.only_candidate:
            return None
        return (
            f"{self.only_baseline} of the baseline's samples and {self.only_candidate} of the "
            "candidate's were not asked of the other and are left out"
        )


def pair_samples(baseline: SampleRecord, candidate: SampleRecord) -> Pairing:
    """Equal samples by their ids; the n-th of several equal ones with the other side's n-th."""
    import numpy as np

    ours, theirs = unpack(baseline.ids), unpack(candidate.ids)
    if ours == theirs:
        everywhere = np.arange(len(ours), dtype=np.intp)
        return Pairing(everywhere, everywhere, 0, 0)
    pairs = np.array(_pairs(ours, theirs), dtype=np.intp).reshape(-1, 2)
    return Pairing(pairs[:, 0], pairs[:, 1], len(ours) - len(pairs), len(theirs) - len(pairs))


def _pairs(ours: Sequence[int], theirs: Sequence[int]) -> list[tuple[int, int]]:
    places: defaultdict[int, deque[int]] = defaultdict(deque)
    for place, one in enumerate(theirs):
        places[one].append(place)
    return [(place, places[one].popleft()) for place, one in enumerate(ours) if places.get(one)]
