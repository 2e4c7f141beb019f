"""Looking at something again and again while something else runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType


class Sampler:
    """Calls `look` every `interval_seconds` in a thread, between `__enter__` and `__exit__`."""

    def __init__(self, look: Callable[[], None], interval_seconds: float) -> None:
        self._look = look
        self._interval_seconds = interval_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval_seconds):
            self._look()
