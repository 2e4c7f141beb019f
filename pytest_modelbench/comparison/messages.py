"""What the session asks of a side's process; each is answered with one JSON object."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_modelbench.case import Case

MOST_INPUTS = 64
"""Inputs (batches) that the blocks of a launch go round."""
MOST_READ = 256
"""Inputs of the dataset from which those are: each launch takes others, evenly spread."""


@dataclass(frozen=True, slots=True)
class Load:
    """Load the model of `case` and prepare its inputs, for the launch of that number."""

    case: Case
    launch: int = 0
    left_out: frozenset[int] = frozenset()
    """Places in the dataset of samples that a side cannot answer: no side is timed on them."""


@dataclass(frozen=True, slots=True)
class WarmUpNow:
    """Make the first call and go on until the calls are steady."""


@dataclass(frozen=True, slots=True)
class TimeSegment:
    """Time `calls` calls, each on the next input, beginning with the one of number `first`.

    A call that is too short to be timed alone stands for `repeats` calls, on as many inputs.
    """

    first: int
    calls: int
    repeats: int


@dataclass(frozen=True, slots=True)
class SumUp:
    """Say what a launch gives once: loading, memory, items a call."""


Message = Load | WarmUpNow | TimeSegment | SumUp
