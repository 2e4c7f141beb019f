"""Infer requests of a compiled OpenVINO model, several of which run at the same time.

OpenVINO's own `AsyncInferQueue` is made of the same requests, but calls back for those alone that
worked, and raises what one failed with at every later start. A thread that waits for each tells
which call failed, and that at once; it costs no more, as it sleeps without the GIL.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Literal

from pytest_modelbench.errors import ModelbenchError

Mode = Literal["latency", "throughput"]
"""Which question is asked: how long does one call take, or how many are there a second."""
Done = Callable[[Any], None]
Read = Callable[[Any], Any]
_ENDING_SECONDS = 10.0


def requests_wanted(compiled: Any, mode: Mode, asked: int | None = None) -> int:
    """How many calls to have under way: `asked`, or as many as the device does best with."""
    if mode == "latency":
        return 1
    return asked or int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))


class Waiters:
    """Threads, begun when first needed, each of which waits for one request under way."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._jobs: SimpleQueue[tuple[Any, Read, Done] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def wait_for(self, request: Any, read: Read, done: Done) -> None:
        """When `request` is complete, give `done` what `read` makes of it, or what went wrong."""
        if not self._threads:
            self._begin()
        self._jobs.put((request, read, done))

    def _begin(self) -> None:
        self._threads = [
            threading.Thread(target=self._serve, daemon=True) for _ in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            request, read, done = job
            try:
                request.wait()
                answer = read(request)
            except Exception as error:
                answer = error
            done(answer)
            del job, request, read, done, answer  # they hold the model for as long as this waits

    def close(self) -> None:
        """Wait for what is under way, and end the threads."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(_ENDING_SECONDS)
        self._threads = []


class InferRequests:
    """`count` requests, free or under way."""

    def __init__(self, compiled: Any, count: int) -> None:
        self._requests = [compiled.create_infer_request() for _ in range(count)]
        # Appending and popping are atomic: requests come back from other threads.
        self._free = deque(self._requests)
        self._waiters = Waiters(count)

    def __len__(self) -> int:
        return len(self._requests)

    @property
    def first(self) -> Any:
        """A request to call synchronously, while none is under way."""
        return self._requests[0]

    def start(self, begin: Callable[[Any], Any], read: Read, done: Done) -> None:
        """Let `begin` start a free request; `done` gets what `read` makes of it, or its failure.

        `read` is called in another thread; the request is not used again until it returns. Raises
        what `begin` raises, and `ModelbenchError` when no request is free.
        """
        try:
            request = self._free.popleft()
        except IndexError:
            raise ModelbenchError(
                f"all {len(self)} infer requests are under way: start no more calls at once"
            ) from None
        try:
            begin(request)
        except Exception:
            self._free.append(request)
            raise

        def answered(answer: Any) -> None:
            self._free.append(request)  # first, as `done` may lead to the next start
            done(answer)

        self._waiters.wait_for(request, read, answered)

    def close(self) -> None:
        """Wait for what is under way, and give the requests back."""
        self._waiters.close()
        self._free.clear()
        self._requests.clear()
