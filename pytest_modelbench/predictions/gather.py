"""Lines of predictions, put together: each sample once, and what all answers took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from pytest_modelbench.predictions.line import PredictionLine

Window = tuple[datetime, datetime]
_SUMS = (
    "repeated", "timed", "untimed", "without_length", "timed_audio_seconds", "service_seconds",
    "unplaced",
)  # fmt: skip


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


@dataclass
class Gathered:
    """All lines of one key."""

    key: Key
    samples: dict[object, Said] = field(default_factory=dict)
    repeated: int = 0
    """Lines of samples that were there already."""
    timed: int = 0
    """Answers whose service time and sound are known: what speeds are computed from."""
    untimed: int = 0
    """Answers without a service time, as of a cache."""
    without_length: int = 0
    """Answers with a service time, of sound of unknown length."""
    timed_audio_seconds: float = 0.0
    service_seconds: float = 0.0
    unplaced: int = 0
    """Of the timed answers, those that do not say when they were sent and when they ended."""
    windows: dict[str | None, Window] = field(default_factory=dict)
    """By run: from the first request to the last answer."""

    def add(self, line: PredictionLine) -> None:
        self._put(line.key or object(), _said(line))
        self._add_times(line)

    def merge(self, other: Gathered) -> None:
        """What another file says of the same."""
        for key, sample in other.samples.items():
            self._put(key, sample)
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for run, window in other.windows.items():
            self._widen(run, window)

    def _put(self, key: object, sample: Said) -> None:
        earlier = self.samples.get(key)
        self.repeated += earlier is not None
        if earlier is None or _takes_its_place(sample, earlier):
            self.samples[key] = sample

    def _widen(self, run: str | None, window: Window) -> None:
        begin, end = self.windows.get(run, window)
        self.windows[run] = min(begin, window[0]), max(end, window[1])

    def _add_times(self, line: PredictionLine) -> None:
        is_timed = line.is_answered and bool(line.time)
        if line.is_answered and not is_timed:
            self.untimed += 1
            return
        is_placed = line.sent_at is not None and line.ended_at is not None
        if line.sent_at is not None and line.ended_at is not None:
            self._widen(line.run_id, (line.sent_at, line.ended_at))
        if not is_timed:
            return
        if not line.duration:
            self.without_length += 1
            return
        self.timed += 1
        self.unplaced += not is_placed
        self.timed_audio_seconds += line.duration
        self.service_seconds += line.time or 0.0


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
