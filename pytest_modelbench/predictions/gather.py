"""Lines of predictions, put together: each sample once, and what all answers took."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from pytest_modelbench.predictions.line import PredictionLine

Window = tuple[datetime, datetime]


class Key(NamedTuple):
    """What is scored by itself; of our own files also the case, of which a suite may have more."""

    model: str
    variant: str
    dataset: str
    split: str
    case: str


@dataclass(frozen=True, slots=True)
class Said:
    """A sample and its answer."""

    place: str
    reference: str | None
    answer: str | None
    """None where there is none."""
    error: str
    audio_seconds: float | None
    ended_at: datetime | None

    @property
    def has_reference(self) -> bool:
        return self.reference is not None and bool(self.reference.strip())


@dataclass(frozen=True, slots=True)
class Took:
    """What an answer took, and how long the sound was."""

    service_seconds: float
    """0 where it is not known, as of a cache."""
    audio_seconds: float
    """0 where it is not known."""
    is_placed: bool
    """Whether it says when it was sent and when it ended."""

    @property
    def is_timed(self) -> bool:
        """Whether speeds can be computed from it."""
        return self.service_seconds > 0 and self.audio_seconds > 0


@dataclass
class Gathered:
    """All lines of one key."""

    key: Key
    samples: dict[object, Said] = field(default_factory=dict)
    lines: dict[object, Took | None] = field(default_factory=dict)
    """What each took; None where there is no answer. A line that a resumed session has copied is
    the same line."""
    windows: dict[str | None, Window] = field(default_factory=dict)
    """By run: from the first request to the last answer."""

    def add(self, line: PredictionLine) -> None:
        self._put(line.key or object(), _said(line))
        self.lines[_identity(line)] = _took(line)
        if line.sent_at is not None and line.ended_at is not None and _is_measured(line):
            self._widen(line.run_id, (line.sent_at, line.ended_at))

    def merge(self, other: Gathered) -> None:
        """What another file says of the same."""
        for key, sample in other.samples.items():
            self._put(key, sample)
        self.lines |= other.lines
        for run, window in other.windows.items():
            self._widen(run, window)

    @property
    def repeated(self) -> int:
        """Lines of samples that have another."""
        return len(self.lines) - len(self.samples)

    @property
    def timed(self) -> int:
        """Answers whose service time and sound are known: what speeds are computed from."""
        return len(self._timed)

    @property
    def untimed(self) -> int:
        """Answers without a service time."""
        return sum(one.service_seconds == 0 for one in self._answers)

    @property
    def without_length(self) -> int:
        """Answers with a service time, of sound of unknown length."""
        return sum(one.service_seconds > 0 and one.audio_seconds == 0 for one in self._answers)

    @property
    def unplaced(self) -> int:
        """Of the timed answers, those that do not say when they were sent and when they ended."""
        return sum(not one.is_placed for one in self._timed)

    @property
    def timed_audio_seconds(self) -> float:
        return math.fsum(one.audio_seconds for one in self._timed)

    @property
    def service_seconds(self) -> float:
        """Of the timed answers."""
        return math.fsum(one.service_seconds for one in self._timed)

    @property
    def _answers(self) -> list[Took]:
        return [one for one in self.lines.values() if one is not None]

    @property
    def _timed(self) -> list[Took]:
        return [one for one in self._answers if one.is_timed]

    def _put(self, key: object, sample: Said) -> None:
        earlier = self.samples.get(key)
        if earlier is None or _takes_its_place(sample, earlier):
            self.samples[key] = sample

    def _widen(self, run: str | None, window: Window) -> None:
        begin, end = self.windows.get(run, window)
        self.windows[run] = min(begin, window[0]), max(end, window[1])


def _identity(line: PredictionLine) -> object:
    """Equal for a line and its copies; a line that does not say when it was asked has none."""
    asked = (line.key, line.run_id, line.sent_at, line.ended_at)
    return object() if None in asked else (*asked, line.pred_text, line.time)


def _is_measured(line: PredictionLine) -> bool:
    """Whether it took time that counts: an answer of a cache took none."""
    return not line.is_answered or bool(line.time)


def _took(line: PredictionLine) -> Took | None:
    if not line.is_answered:
        return None
    is_placed = line.sent_at is not None and line.ended_at is not None
    return Took(line.time or 0.0, line.duration or 0.0, is_placed)


def _said(line: PredictionLine) -> Said:
    return Said(
        place=line.place,
        reference=line.text,
        answer=line.pred_text if line.is_answered else None,
        error="" if line.is_answered else line.error or "there is no answer",
        audio_seconds=line.duration or None,
        ended_at=line.ended_at,
    )


def _takes_its_place(later: Said, earlier: Said) -> bool:
    """An answer takes the place of an error, else the later one that of the earlier.

    Where both say when they ended, that tells which is later; else their order.
    """
    if (later.answer is None) != (earlier.answer is None):
        return later.answer is not None
    if later.ended_at is not None and earlier.ended_at is not None:
        return later.ended_at >= earlier.ended_at
    return True


def gather(lines: Iterable[PredictionLine]) -> dict[Key, Gathered]:
    """What `lines` say, by what they are of."""
    found: dict[Key, Gathered] = {}
    for line in lines:
        key = Key(
            line.model or "",
            line.variant or "",
            line.dataset or "",
            line.split or "",
            line.case or "",
        )
        if key not in found:
            found[key] = Gathered(key)
        found[key].add(line)
    return found


def seconds_in(windows: Iterable[Window]) -> float:
    """How long these last together; where some overlap, that time counts once."""
    total, covered = 0.0, None
    for begin, end in sorted(windows):
        if covered is not None and begin < covered:
            begin = covered
        if end > begin:
            total += (end - begin).total_seconds()
            covered = end
    return total
