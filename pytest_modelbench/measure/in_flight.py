"""Several calls under way at once: how many answers there are a second, and how long each took."""

from __future__ import annotations

import gc
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.measure.timing import Answer, check_answers

Start = Callable[[Sequence[Any], Callable[[Answer], None]], None]
"""Begins a call and returns; gives its answer, once and from any thread, to its second argument."""
Enough = Callable[[int, float], bool]
"""Whether to stop, from the calls begun that did not fail and the seconds since the first."""

PATIENCE_SECONDS = 600.0


@dataclass(slots=True)
class InFlightCalls:
    """What one window of calls gave."""

    durations_ns: array[int]
    """Successful calls only, in the order begun."""
    called: array[int]
    """Which batch each of those calls was given."""
    answers: list[Answer]
    """For each batch, what its first call gave or raised."""
    wall_ns: int
    """From the first start to the last end, failed calls included."""
    peak_in_flight: int
    """How many calls were truly under way at once, at most."""
    late_error: Exception | None
    """What a call failed with whose batch had been answered before; none was begun after it."""

    @property
    def errors(self) -> dict[int, Exception]:
        """The batches whose first call failed, and how."""
        return {at: one for at, one in enumerate(self.answers) if isinstance(one, Exception)}


class InFlight:
    """Keeps up to `limit` calls under way.

    A call's duration is from just before `start` is called until its answer is given; waiting for
    one of the `limit` places is in none.
    """

    def __init__(self, limit: int, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._limit = limit
        self._patience_seconds = patience_seconds

    def run(self, start: Start, batches: Sequence[Sequence[Any]], enough: Enough) -> InFlightCalls:
        """Call each batch once, then go round those that worked until there is `enough`.

        All calls are answered when this returns. Garbage collection is held off meanwhile. Raises
        `ModelbenchError` when calls are under way and none is answered for `patience_seconds`:
        what they do to the model and whether they end is then unknown.
        """
        window = _Window(start, batches, self._limit, self._patience_seconds)
        collecting = gc.isenabled()
        gc.collect()
        gc.disable()
        try:
            for index in range(len(batches)):
                window.call(index)
            for index in window.working():
                if enough(*window.progress()):
                    break
                window.call(index)
            window.drain()
        finally:
            if collecting:
                gc.enable()
        return window.result()


class _Window:
    """The calls of one run, numbered in the order begun."""

    def __init__(
        self,
        start: Start,
        batches: Sequence[Sequence[Any]],
        limit: int,
        patience_seconds: float,
    ) -> None:
        self._start = start
        self._batches = batches
        self._limit = limit
        self._patience_seconds = patience_seconds
        self._starts, self._ends = array("q"), array("q")  # ns; an end of 0 is yet to come
        self._called = array("q")
        self._first_answers: dict[int, Answer] = {}
        self._failed: set[int] = set()
        self._late_failures: list[tuple[int, Exception]] = []
        self._under_way = 0
        self._changed = threading.Condition()

    def call(self, index: int) -> None:
        """Begin a call of a batch, as soon as there is a place for it."""
        self._wait_until_under_way(self._limit - 1)
        number = len(self._starts)
        self._called.append(index)
        self._ends.append(0)
        with self._changed:
            self._under_way += 1
        self._starts.append(time.perf_counter_ns())
        try:
            self._start(self._batches[index], partial(self._done, number))
        except Exception as error:
            self._done(number, error)

    def working(self) -> Iterator[int]:
        """Batches not known to fail, round after round, until one fails that had worked."""
        left = True
        while left:
            left = False
            for index in range(len(self._batches)):
                if self._late_error() is not None:
                    return
                if not isinstance(self._first_answers.get(index), Exception):
                    left = True
                    yield index

    def progress(self) -> tuple[int, float]:
        """How many calls were begun and did not fail, and the seconds since the first of all."""
        seconds = (time.perf_counter_ns() - self._starts[0]) / 1e9
        return len(self._starts) - len(self._failed), seconds

    def drain(self) -> None:
        """Wait for the calls under way."""
        self._wait_until_under_way(0)

    def result(self) -> InFlightCalls:
        worked = [number for number in range(len(self._starts)) if number not in self._failed]
        starts, ends = self._starts, self._ends
        return InFlightCalls(
            durations_ns=array("q", (ends[number] - starts[number] for number in worked)),
            called=array("q", (self._called[number] for number in worked)),
            answers=[self._first_answers[index] for index in range(len(self._batches))],
            wall_ns=max(ends) - starts[0] if starts else 0,
            peak_in_flight=peak_overlap(starts, ends),
            late_error=self._late_error(),
        )

    def _done(self, number: int, answer: Answer) -> None:
        end = time.perf_counter_ns()
        index = self._called[number]
        if not isinstance(answer, Exception):
            try:
                check_answers(answer, self._batches[index])
            except ModelbenchError as error:
                answer = error
        with self._changed:
            if self._ends[number]:  # the session said it twice
                return
            self._ends[number] = end
            self._note(number, index, answer)
            self._under_way -= 1
            self._changed.notify()

    def _note(self, number: int, index: int, answer: Answer) -> None:
        if number < len(self._batches):
            self._first_answers[index] = answer
        elif isinstance(answer, Exception):
            self._late_failures.append((index, answer))
        if isinstance(answer, Exception):
            self._failed.add(number)

    def _late_error(self) -> Exception | None:
        # A batch may be called again before it is known how its first call ended.
        for index, error in self._late_failures:
            if not isinstance(self._first_answers.get(index, error), Exception):
                return error
        return None

    def _wait_until_under_way(self, most: int) -> None:
        with self._changed:
            while self._under_way > most:
                if not self._changed.wait(self._patience_seconds):
                    raise self._silence()

    def _silence(self) -> ModelbenchError:
        number = next(number for number, end in enumerate(self._ends) if not end)
        return ModelbenchError(
            f"none of {self._under_way} calls under way was answered for "
            f"{self._patience_seconds:g} s; the oldest is call {number + 1}, of batch "
            f"{self._called[number]}: Session.start must give `done` an answer, or what went wrong"
        )


def peak_overlap(starts: Sequence[int], ends: Sequence[int]) -> int:
    """How many of the intervals `[start, end)` hold one point, at most; `starts` ascend.

    >>> peak_overlap([0, 1, 2, 9], [5, 9, 2, 12])
    2
    """
    finished, over, peak = sorted(ends), 0, 0
    for begun, start in enumerate(starts, 1):
        while over < len(finished) and finished[over] <= start:
            over += 1
        peak = max(peak, begun - over)
    return peak
