"""Series of trials of gates, each beside what else a machine may be doing."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from common import stop
from gate_trials import Kind, Trial
from noise import HALFWAY, QUIET, noise


@dataclass(frozen=True)
class Seen:
    """A trial and what went on beside it."""

    trial: Trial
    condition: str
    noise_seconds: float
    """Processor time that the noise had."""


class Series:
    """Trials in every condition, as long as there is time."""

    def __init__(
        self,
        gates: Mapping[str, Callable[[Kind], Trial]],
        kinds: Sequence[Kind],
        conditions: Sequence[str],
        seed: int,
    ) -> None:
        self.seen: list[Seen] = []
        self.stopped = ""
        self._gates, self._kinds, self._conditions = gates, kinds, conditions
        self._draw = random.Random(seed)
        self._usual: dict[Kind, list[float]] = {}
        self._planned, self._end = 0, 0.0

    def plan(self, rounds: int, minutes: float) -> None:
        """Fills caches, and says how long it all will take."""
        self._end = time.monotonic() + minutes * 60
        for number, kind in enumerate(self._kinds):
            seen = self._trial(kind, QUIET)
            _tell(f"warming up, {number + 1} of {len(self._kinds)}: {_words(seen)}")
            if "reason" in seen.trial.figures:  # a long series of those would tell nothing
                stop(f"{kind}: the first trial was broken: {seen.trial.figures['reason']}")
        each = len(self._conditions) * rounds
        self._planned = each * len(self._kinds)
        taken = sum(seconds for usual in self._usual.values() for seconds in usual) * each / 60
        _tell(f"{self._planned} trials, about {taken:.0f} minutes, at most {minutes:g}")

    def round(self) -> None:
        """One trial of each kind in each condition; fewer if the time is over."""
        everything = [(kind, condition) for kind in self._kinds for condition in self._conditions]
        self._draw.shuffle(everything)
        for kind, condition in everything:
            if time.monotonic() > self._end:
                self.stopped = f"the time was over after {len(self.seen)} of {self._planned} trials"
                return
            seen = self._trial(kind, condition)
            self.seen.append(seen)
            _tell(f"{len(self.seen)} of {self._planned}: {_words(seen)}")

    def _trial(self, kind: Kind, condition: str) -> Seen:
        delay = 0.0
        usual = self._usual.setdefault(kind, [])
        if condition == HALFWAY:
            delay = self._draw.uniform(0.1, 0.9) * statistics.median(usual)
        with noise(condition, self._draw.getrandbits(32), delay) as made:
            trial = self._gates[kind.gate](kind)
        usual.append(trial.seconds)
        return Seen(trial, condition, made.cpu_seconds)


def _words(seen: Seen) -> str:
    outcomes = ", ".join(seen.trial.outcomes.values())
    return f"{seen.condition}: {seen.trial.kind}: {outcomes} in {seen.trial.seconds:.1f} s"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
