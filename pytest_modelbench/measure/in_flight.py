"""Several calls under way at once: how many answers there are a second, and how long each took."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.measure.tick import Tick, no_tick
from pytest_modelbench.measure.timing import Answer, check_answers, clock_ns


class Done(Protocol):
    """Takes the answer of a call, or what it failed with, once and from any thread."""

    def __call__(self, answer: Answer, ended_ns: int | None = None, /) -> None:
        """`ended_ns`: the `perf_counter_ns` of its end, where that was before now."""


Start = Callable[[Sequence[Any], Done], None]
"""Begins a call and returns."""
Wait = Callable[[], object]
"""Returns when a call is answered; or at once where that is for other threads to do."""
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
    """For each batch that was called, what its first call gave or raised."""
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

    def __init__(
        self, limit: int, patience_seconds: float = PATIENCE_SECONDS, tick: Tick = no_tick
    ) -> None:
        self._limit = limit
        self._patience_seconds = patience_seconds
        self._tick = tick

    def run(
        self,
        start: Start,
        batches: Sequence[Sequence[Any]],
        enough: Enough,
        wait: Wait | None = None,
        at_least: int | None = None,
    ) -> InFlightCalls:
        """Call each batch once, then go round those that worked until there is `enough`.

        Of the batches the first `at_least` are called in any case; None: all of them.
        All calls are answered when this returns. Garbage collection is held off meanwhile. Raises
        `ModelbenchError` when calls are under way and none is answered for `patience_seconds`:
        what they do to the model and whether they end is then unknown.
        """
        ended = _Ended(wait or (lambda: None), self._patience_seconds)
        window = _Window(start, batches, self._limit, ended)
        collecting = gc.isenabled()
        gc.collect()
        gc.disable()
        try:
            for index in range(len(batches)):
                if at_least is not None and index >= at_least and enough(*window.progress()):
                    break
                window.call(index)
                self._tick(index + 1)
            for index in window.working():
                if enough(*window.progress()):
                    break
                window.call(index)
                self._tick(len(batches))
            window.drain()
        finally:
            if collecting:
                gc.enable()
        return window.result()


class _Ended:
    """Calls that have ended, as threads tell of them."""

    def __init__(self, wait: Wait, patience_seconds: float) -> None:
        self.patience_seconds = patience_seconds
        self._wait = wait
        self._told: SimpleQueue[tuple[int, Answer, int]] = SimpleQueue()

    def tell(self, number: int, answer: Answer, ended_ns: int | None = None) -> None:
        self._told.put((number, answer, ended_ns or clock_ns()))

    def is_empty(self) -> bool:
        return self._told.empty()

    def next(self) -> tuple[int, Answer, int]:
        """A call's number, answer and end. Raises `Empty` when patience is at its end."""
        if self._told.empty():
            self._wait()
        return self._told.get(timeout=self.patience_seconds)


class _Window:
    """The calls of one run, numbered in the order begun; for the thread that begins them."""

    def __init__(
        self, start: Start, batches: Sequence[Sequence[Any]], limit: int, ended: _Ended
    ) -> None:
        self._start = start
        self._batches = batches
        self._limit = limit
        self._ended = ended
        self._starts, self._ends = array("q"), array("q")  # ns; an end of 0 is yet to come
        self._called = array("q")
        self._first_answers: dict[int, Answer] = {}
        self._failed: set[int] = set()
        self._late_failures: list[tuple[int, Exception]] = []
        self._under_way = 0

    def call(self, index: int) -> None:
        """Begin a call of a batch, as soon as there is a place for it."""
        number = len(self._starts)
        batch, done = self._batches[index], partial(self._ended.tell, number)
        self._called.append(index)
        ended = None
        while self._under_way >= self._limit:
            ended = self._next_ended()
        self._ends.append(0)
        self._under_way += 1
        self._starts.append(clock_ns())
        try:
            self._start(batch, done)
        except Exception as error:
            done(error)
        if ended is not None:  # not before, as the device has nothing to do meanwhile
            self._note(*ended)

    def working(self) -> Iterator[int]:
        """Batches not known to fail, round after round, until one fails that had worked."""
        left = True
        while left:
            left = False
            for index in range(len(self._batches)):
                self._note_what_ended()
                if self._late_failures and self._late_error() is not None:
                    return
                if not isinstance(self._first_answers.get(index), Exception):
                    left = True
                    yield index

    def progress(self) -> tuple[int, float]:
        """How many calls were begun and did not fail, and the seconds since the first of all."""
        seconds = (clock_ns() - self._starts[0]) / 1e9 if self._starts else 0.0
        return len(self._starts) - len(self._failed), seconds

    def drain(self) -> None:
        """Wait for the calls under way."""
        while self._under_way:
            if (ended := self._next_ended()) is not None:
                self._note(*ended)

    def result(self) -> InFlightCalls:
        worked = [number for number in range(len(self._starts)) if number not in self._failed]
        starts, ends = self._starts, self._ends
        return InFlightCalls(
            durations_ns=array("q", (ends[number] - starts[number] for number in worked)),
            called=array("q", (self._called[number] for number in worked)),
            answers=[
                self._first_answers[index]
                for index in range(len(self._batches))
                if index in self._first_answers
            ],
            wall_ns=max(ends) - starts[0] if starts else 0,
            peak_in_flight=peak_overlap(starts, ends),
            late_error=self._late_error(),
        )

    def _note_what_ended(self) -> None:
        while not self._ended.is_empty():
            if (ended := self._next_ended()) is not None:
                self._note(*ended)

    def _next_ended(self) -> tuple[int, Answer] | None:
        """The next call that ended, under way no more; None for what was told before."""
        try:
            number, answer, ended_ns = self._ended.next()
        except Empty:
            raise self._silence() from None
        if self._ends[number]:  # the session said it twice
            return None
        self._ends[number] = ended_ns
        self._under_way -= 1
        return number, answer

    def _note(self, number: int, answer: Answer) -> None:
        index = self._called[number]
        if not isinstance(answer, Exception):
            try:
                check_answers(answer, self._batches[index])
            except ModelbenchError as error:
                answer = error
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

    def _silence(self) -> ModelbenchError:
        number = next(number for number, end in enumerate(self._ends) if not end)
        return ModelbenchError(
            f"none of {self._under_way} calls under way was answered for "
            f"{self._ended.patience_seconds:g} s; the oldest is call {number + 1}, of batch "
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
