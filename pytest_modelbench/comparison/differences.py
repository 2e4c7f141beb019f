"""How sure a launch is of what its sides differ by, while it goes on."""

from __future__ import annotations

import math


class Differences:
    """Candidates against the baseline, block by block."""

    def __init__(self, side_count: int) -> None:
        self._sums = [0.0] * side_count
        self._blocks: list[list[float]] = [[] for _ in range(side_count - 1)]

    def add(self, side: int, fastest_ns: int) -> None:
        """The fastest call of one of the two segments that a side has in a block."""
        self._sums[side] += math.log(fastest_ns) / 2

    def end_block(self) -> None:
        baseline, *candidates = self._sums
        for known, candidate in zip(self._blocks, candidates, strict=True):
            known.append(candidate - baseline)
        self._sums = [0.0] * len(self._sums)

    @property
    def standard_error(self) -> float:
        """Of the candidate that is least sure, as a share."""
        import numpy as np

        from pytest_modelbench.judge.paired.hodges_lehmann import hodges_lehmann

        return max(hodges_lehmann(np.array(one))[1] for one in self._blocks)
