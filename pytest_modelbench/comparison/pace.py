"""How many calls make a segment, and how many blocks a launch, for calls of a given length."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_modelbench.suite.compare import Compare

CALLS = 3
LONG_CALL_NS = 100_000_000
"""Of longer calls one makes a segment: they are steadier, and time is better spent on blocks."""
SHORT_CALL_NS = 100_000
"""Shorter calls are timed as one with others, until they take `TOGETHER_NS`."""
TOGETHER_NS = 1_000_000
LONGEST_TOGETHER_NS = 50_000_000
"""No more calls are timed as one than take so long on the slowest side."""
ROUNDS_IN_FLIGHT = 4
"""Calls under way at once are timed as one: so many times as many as are under way."""
FEWEST_BLOCKS = 4
SHARE_FOR_BLOCKS = 0.85
"""Of the time of a launch; the rest is for warming up."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The same for all sides and launches of a comparison."""

    calls: int
    """Timed calls of a segment."""
    repeats: int
    """Calls timed as one."""
    in_flight: int
    """Calls under way at once."""
    blocks: int
    """Blocks of a launch, at least."""
    most_seconds: float
    """No further blocks of a launch after so many seconds."""


def pace_for(usual_ns: list[int], in_flight: int, settings: Compare) -> Pace:
    """The pace for sides whose calls take `usual_ns`.

    Blocks become fewer, down to 4, where the launches would otherwise take longer than
    `settings.max_seconds`.
    """
    longest, shortest = max(usual_ns), min(usual_ns)
    calls = 1 if longest > LONG_CALL_NS else CALLS
    repeats = math.ceil(TOGETHER_NS / max(1, shortest)) if shortest < SHORT_CALL_NS else 1
    repeats = max(1, min(repeats, LONGEST_TOGETHER_NS // longest))
    if in_flight > 1:
        repeats = max(repeats, ROUNDS_IN_FLIGHT * in_flight)
    block_seconds = 2 * calls * repeats * sum(usual_ns) / 1e9
    affordable = int(SHARE_FOR_BLOCKS * settings.max_seconds / settings.launches / block_seconds)
    blocks = min(settings.blocks, max(FEWEST_BLOCKS, affordable))
    return Pace(calls, repeats, in_flight, blocks, settings.max_seconds / settings.launches)
