"""A metric of one case from session to session: which of its changes are more than noise.

Each value is held against the one before it on the same machine, as a session is against a stored
baseline, but by what stands in summaries alone: values, intervals, and what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pytest_modelbench.catalogue import COUNTED_METRICS
from pytest_modelbench.judge.stored.noise import Kind, Noise, kind_of, own_error, prior_of
from pytest_modelbench.judge.student import student_quantile
from pytest_modelbench.normal import Z_95_PERCENT

MOST_SESSIONS = 30
"""As for a stored baseline: more hardly change what is known."""
CONFIDENCE = 0.95
"""That none of the changes that are said to be some is noise: all questions together."""
MAY_DIFFER = ("model", "quality")
"""Parts of the fingerprint: what is judged, and what else is computed from the answers."""


@dataclass(frozen=True, slots=True)
class Point:
    """A value and what it can be held against."""

    value: float
    low: float | None
    high: float | None
    machine: str
    fingerprint: str | None = None
    digests: Mapping[str, str] | None = None
    is_disturbed: bool = False
    peak: float | None = None
    """Of an increase of memory: the highest memory of the case."""


@dataclass(frozen=True, slots=True)
class Change:
    """How a value differs from the one before it on the same machine."""

    amount: float
    """As a share of the one before, or in the metric's unit where that is 0."""
    is_relative: bool
    is_proven: bool
    """Whether it is more than sessions of the same thing differ by."""
    other: str = ""
    """What else was measured: then the two values do not answer the same question."""


@dataclass(slots=True)
class _Level:
    """Sessions of the same thing between which nothing has changed."""

    places: list[float] = field(default_factory=list)


class Series:
    """Takes values in the order of time, and says of each whether it is a change."""

    def __init__(self, metric: str, unit: str, questions: int = 1) -> None:
        """With so many `questions` in all, each change has to be the surer."""
        self._metric = metric
        self._is_counted = metric in COUNTED_METRICS
        self._kind: Kind | None = kind_of(metric, unit)
        self._is_log = self._kind is not None and not metric.endswith("_increase_mb")
        self._tail = (1 - CONFIDENCE) / 2 / max(1, questions)
        self._last: dict[str, Point] = {}
        self._levels: dict[tuple[str, str | None, bool], list[_Level]] = {}

    def add(self, point: Point) -> Change | None:
        """The change that `point` is; None for the first of its machine."""
        before = self._last.get(point.machine)
        self._last[point.machine] = point
        change = None if before is None else self._change(before, point)
        self._remember(point, is_new=change is not None and change.is_proven)
        return change

    def _change(self, before: Point, after: Point) -> Change:
        difference = after.value - before.value
        is_relative = before.value != 0
        amount = difference / abs(before.value) if is_relative else difference
        other = _other(before, after)
        is_proven = difference != 0 and not other and self._is_proven(before, after)
        return Change(amount, is_relative, is_proven, other)

    def _is_proven(self, before: Point, after: Point) -> bool:
        if self._is_counted:
            return True
        if self._is_log and min(before.value, after.value) <= 0:
            return False
        distance = abs(self._place(after) - self._place(before))
        own = math.hypot(self._own(before), self._own(after))
        if distance <= own * Z_95_PERCENT:  # less than each run by itself is uncertain by
            return False
        noise = self._noise(before, after)
        if noise.degrees <= 0:
            return _are_apart(before, after)
        error = math.hypot(math.sqrt(2) * noise.sigma, own)
        if distance <= error * Z_95_PERCENT:  # Student's t asks for more than that
            return False
        return distance > error * student_quantile(noise.degrees, self._tail)

    def _own(self, point: Point) -> float:
        return own_error(point.value, point.low, point.high, is_log=self._is_log) or 0.0

    def _place(self, point: Point) -> float:
        return math.log(point.value) if self._is_log else point.value

    def _noise(self, before: Point, after: Point) -> Noise:
        """What is known of the noise between sessions of what `before` measured."""
        is_disturbed = before.is_disturbed or after.is_disturbed
        prior = prior_of(self._kind, self._metric, before.peak, is_disturbed=is_disturbed)
        levels = self._levels.get((before.machine, before.fingerprint, is_disturbed), ())
        squares, degrees = _within(levels)
        seen = math.sqrt(squares / degrees) if degrees else 0.0
        return Noise(prior, degrees + 1, seen)

    def _remember(self, point: Point, *, is_new: bool) -> None:
        if self._is_log and point.value <= 0:
            return
        # What is noisy in the same way whether disturbed or not is remembered as both.
        flags = (True, False) if self._is_the_same_disturbed else (point.is_disturbed,)
        if is_new:  # it ends the level of whatever was measured so far
            for (machine, _, _), levels in self._levels.items():
                if machine == point.machine and levels[-1].places:
                    levels.append(_Level())
        for flag in flags:
            levels = self._levels.setdefault((point.machine, point.fingerprint, flag), [_Level()])
            levels[-1].places.append(self._place(point))
            _forget(levels)

    @property
    def _is_the_same_disturbed(self) -> bool:
        return self._kind is None or self._kind.quiet == self._kind.disturbed


def _other(before: Point, after: Point) -> str:
    """In what else than the model the two differ, as far as their fingerprints say."""
    if before.digests is None or after.digests is None:
        return ""
    return ", ".join(
        name
        for name, digest in after.digests.items()
        if name not in MAY_DIFFER and before.digests.get(name) != digest
    )


def _are_apart(one: Point, other: Point) -> bool:
    """Whether both have intervals, which do not overlap."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.high < other.low or other.high < one.low


def _within(levels: Iterable[_Level]) -> tuple[float, int]:
    """The sum of squares about each level's own mean, and how many of them are free."""
    squares, degrees = 0.0, 0
    for level in levels:
        count = len(level.places)
        if count > 1:
            mean = sum(level.places) / count
            squares += sum((one - mean) ** 2 for one in level.places)
            degrees += count - 1
    return squares, degrees


def _forget(levels: list[_Level]) -> None:
    """All but the newest sessions."""
    while sum(len(level.places) for level in levels) > MOST_SESSIONS:
        levels[0].places.pop(0)
        if not levels[0].places and len(levels) > 1:
            levels.pop(0)
