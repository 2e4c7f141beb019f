"""What is asked of our gate, and whether so many trials can tell."""

from __future__ import annotations

from dataclasses import dataclass

from gate_trials import OURS, Kind

CONFIDENCE = 0.95
WELL_ABOVE = 0.6
"""Slow-downs are to be found where the tolerance is at most this share of them."""
SHORT_CALL_MS, MEASURING_SECONDS = 2.0, 3.0
TOO_FEW = "too few trials to tell"


@dataclass(frozen=True)
class Target:
    """How often a gate should say `slower`."""

    share: float
    is_most: bool

    def __str__(self) -> str:
        return f"{'at most' if self.is_most else 'at least'} {self.share * 100:g} %"

    def met(self, slower: int, count: int) -> str:
        """`yes` and `no` speak of the whole interval."""
        if not count:
            return TOO_FEW
        low, high = interval(slower, count)
        if self.is_most:
            return "yes" if high <= self.share else "no" if low > self.share else TOO_FEW
        return "yes" if low >= self.share else "no" if high < self.share else TOO_FEW

    def least_trials(self) -> int:
        """So many without a single miss are needed before it can be `yes`."""
        count = 1
        while self.met(0 if self.is_most else count, count) != "yes":
            count += 1
        return count


FALSE_ALARMS, FOUND, FOUND_WHEN_LARGE = (
    Target(0.01, True),
    Target(0.98, False),
    Target(0.995, False),
)


def target(kind: Kind) -> Target | None:
    """What is asked of a gate for one truth; nothing of other people's."""
    if kind.gate != OURS:
        return None
    if not kind.slower:
        return FALSE_ALARMS
    if kind.tolerance > WELL_ABOVE * kind.slower:
        return None
    return FOUND_WHEN_LARGE if kind.slower >= 10 else FOUND if kind.slower >= 5 else None


def interval(slower: int, count: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    low, high = binomtest(slower, count).proportion_ci(CONFIDENCE, "exact")
    return float(low), float(high)
