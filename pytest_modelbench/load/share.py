"""What one process of those that send does: every n-th request, or more where it has more places.

Requests are numbered: the measured ones from 0, those of the ramp and the warm-up before them with
negative numbers. The number says which sample is asked, whoever sends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.endpoints.contract import Endpoint
from pytest_modelbench.load.spec import LoadSpec

Asked = tuple[Sample, Any]
"""A sample, and what `Endpoint.prepare` made of it."""


@dataclass(frozen=True, slots=True)
class Places:
    """Which sample is asked by each request: those of `first`, then all in turn, endlessly.

    >>> [Places([2], 3).of(number) for number in (-1, 0, 1, 2, 3, 4)]
    [2, 2, 0, 1, 2, 0]
    """

    first: Sequence[int]
    samples: int

    def of(self, number: int) -> int:
        """Requests before the measured ones go through the samples from their end."""
        if number < 0:
            return number % self.samples
        if number < len(self.first):
            return self.first[number]
        return (number - len(self.first)) % self.samples


@dataclass(frozen=True, slots=True)
class Share:
    """One of `workers` that share the requests.

    Where only so many may be under way at once, each worker has some of these places, and of the
    requests as large a part: with as many as another it would be late with fewer places.
    """

    worker: int = 0
    workers: int = 1
    places: int = 0
    """Under way at once, by all workers together, at least one each; 0: nothing limits them."""

    def owns(self, number: int) -> bool:
        """Requests go round the places, and the places round the workers.

        >>> [[number for number in range(7) if Share(at, 2, 3).owns(number)] for at in range(2)]
        [[0, 2, 3, 5, 6], [1, 4]]
        """
        return number % self._round % self.workers == self.worker

    def number(self, at: int) -> int:
        """The `at`-th of its own requests, from 0; those before the measured ones from -1 down.

        >>> [Share(0, 2, 3).number(at) for at in (-2, -1, 0, 1, 2)]
        [-3, -1, 0, 2, 3]
        """
        rounds, rest = divmod(at, self.of(self._round))
        return rounds * self._round + self.worker + rest * self.workers

    def of(self, count: int) -> int:
        """How many of so many, numbered from 0, are its own.

        >>> [Share(worker, 3).of(7) for worker in range(3)]
        [3, 2, 2]
        """
        rounds, rest = divmod(count, self._round)
        return rounds * self._in(self._round) + self._in(rest)

    @property
    def _round(self) -> int:
        return self.places or self.workers

    def _in(self, count: int) -> int:
        """Of less than a round, or a whole one."""
        return len(range(self.worker, count, self.workers))


@dataclass(frozen=True, slots=True)
class Work:
    """All that a process needs to send its share."""

    endpoint: Endpoint
    samples: Mapping[int, Asked]
    """By place; at least those that it asks."""
    places: Places
    spec: LoadSpec
    share: Share
    drain_seconds: float | None = None
    """How long answers are waited for after the last request was sent."""

    @property
    def measured(self) -> int | None:
        """How many requests are measured, by all processes; None where time alone says."""
        if self.spec.requests is None and self.spec.seconds is None:
            return len(self.places.first)
        return self.spec.requests
