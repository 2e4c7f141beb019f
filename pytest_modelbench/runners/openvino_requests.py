"""Infer requests of a compiled OpenVINO model, several of which run at the same time.

They are those of OpenVINO's `AsyncInferQueue`, without a callback: in Python one costs a quarter of
the rate of calls of 0.2 ms, as the thread that computes has to get the GIL for it. The thread that
begins calls waits for them as well, asleep without the GIL, and OpenVINO says how long each took.
The queue tells nobody which call failed, and raises that failure at every later start: here it is
that call's own, and a new queue is made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.measure.in_flight import Done as Done

Mode = Literal["latency", "throughput"]
"""Which question is asked: how long does one call take, or how many are there a second."""
Read = Callable[[Any], Any]
"""Makes the answer of a request that has ended."""
_ENDING_MS = 10_000


def requests_wanted(compiled: Any, mode: Mode, asked: int | None = None) -> int:
    """How many calls to have under way: `asked`, or as many as the device does best with."""
    if mode == "latency":
        return 1
    return asked or int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))


@dataclass(slots=True)
class _Call:
    """A call under way."""

    begun_ns: int
    read: Read
    done: Done
    ends_before_read: bool


class InferRequests:
    """`count` requests, idle or under way; for one thread alone."""

    def __init__(self, compiled: Any, count: int) -> None:
        self._compiled = compiled
        self._count = count
        self._under_way: dict[int, _Call] = {}
        self._make()

    def _make(self) -> None:
        from openvino import AsyncInferQueue

        self._queue = AsyncInferQueue(self._compiled, self._count)
        self._requests = list(self._queue)
        # The queue's own start looks for inputs first. Its base class has no type hints.
        queue: Any = super(AsyncInferQueue, self._queue)
        self._start_as_is = queue.start_async
        self._next: int | None = None

    def __len__(self) -> int:
        return self._count

    @property
    def first(self) -> Any:
        """A request to call synchronously, while none is under way."""
        return self._requests[0]

    def idle(self) -> tuple[int, Any]:
        """The number and the request of the next start.

        Raises `ModelbenchError` when all are under way.
        """
        if len(self._under_way) == self._count:
            raise ModelbenchError(
                f"all {self._count} infer requests are under way: start no more calls at once"
            )
        if self._next is None:
            # Those that nobody uses come before those that have ended and were not waited for.
            self._next = self._queue.get_idle_request_id()
        return self._next, self._requests[self._next]

    def start(
        self, read: Read, done: Done, inputs: Any = None, *, is_read_timed: bool = False
    ) -> None:
        """Start the idle request; `wait` gives `done` what `read` makes of it, or its failure.

        Without `inputs` those are taken that lie in it. With `is_read_timed` reading is a part of
        the call. Raises what starting raises.
        """
        at, _ = self.idle()
        begun = time.perf_counter_ns()
        if inputs is None:
            self._start_as_is({}, None)
        else:
            self._queue.start_async(inputs)  # copied: the queue would not keep them alive
        self._next = None
        self._under_way[at] = _Call(begun, read, done, not is_read_timed)

    def wait(self) -> bool:
        """Until a call under way is answered; it may be several. True, unless there is none."""
        if not self._under_way:
            return False
        try:
            at = self._queue.get_idle_request_id()
        except RuntimeError:
            at = None
        call = None if at is None else self._under_way.pop(at, None)
        if call is not None:
            self._next = at
            _answer(call, self._requests[at], None)
        else:  # a failure, or one that was waited for and not started again
            self._settle()
        return True

    def _settle(self) -> None:
        """Wait for all under way; the queue would raise a failure again and again."""
        failures: dict[int, Exception | None] = {}
        for at in self._under_way:
            try:
                self._requests[at].wait()
                failures[at] = None
            except RuntimeError as error:
                failures[at] = error
        ended = [(self._under_way.pop(at), self._requests[at], failures[at]) for at in failures]
        if any(failures.values()):
            self._make()
        for call, request, failure in ended:
            _answer(call, request, failure)

    def close(self) -> None:
        """Wait for what is under way, and give the requests back."""
        for at in self._under_way:
            self._requests[at].wait_for(_ENDING_MS)
        self._under_way.clear()
        self._requests.clear()
        self._queue = self._start_as_is = self._compiled = None


def _answer(call: _Call, request: Any, failure: Exception | None) -> None:
    if failure is not None:
        call.done(failure)
        return
    ended: int | None = call.begun_ns + round(request.latency * 1e6)
    try:
        answer = call.read(request)
    except Exception as error:
        answer = error
    call.done(answer, ended if call.ends_before_read else None)
