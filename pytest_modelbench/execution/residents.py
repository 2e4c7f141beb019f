"""The model that is loaded now, and the lock on its device."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from pytest_modelbench.case import Case
from pytest_modelbench.execution.locks import DeviceLock
from pytest_modelbench.measure.ram import resident_bytes
from pytest_modelbench.runners.contract import Runner, Session

WAITING, HOLDING = b"waiting", b"holding"
"""Said before and after a wait for a device, which is nobody's own time."""


@dataclass
class Resident:
    """A loaded model, with what was seen once when it was loaded."""

    key: Hashable
    session: Session
    lock: DeviceLock
    load_seconds: float
    baseline_bytes: int
    """Resident memory of the process before it was loaded."""
    first_call_ns: int | None = None
    cases_served: int = 0


class Residents:
    """At most one loaded model at a time, kept while cases that share it follow each other."""

    def __init__(self, tell: Callable[[bytes], None] = lambda word: None) -> None:
        """`tell` hears when waiting for a device begins and ends."""
        self._tell = tell
        self._current: Resident | None = None

    def serves(self, case: Case) -> bool:
        return self._current is not None and self._current.key == case.load_key

    def make_room(self, case: Case) -> None:
        """Close what is loaded, unless it serves `case`."""
        if not self.serves(case):
            self.close()

    def get(self, case: Case, runner: Runner) -> Resident:
        """The model of `case`, loaded if need be. Raises whatever loading raises."""
        self.make_room(case)
        if self._current is None:
            self._current = self._load(case, runner)
        self._current.cases_served += 1
        return self._current

    def _load(self, case: Case, runner: Runner) -> Resident:
        lock = DeviceLock(case.device)
        self._tell(WAITING)
        lock.acquire()
        self._tell(HOLDING)
        try:
            baseline = resident_bytes()
            start = time.perf_counter()
            session = runner.load(case.candidate, case.device, case.params)
            seconds = time.perf_counter() - start
            return Resident(case.load_key, session, lock, seconds, baseline)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Give the model's memory and its device back."""
        current, self._current = self._current, None
        if current is None:
            return
        try:
            current.session.close()
        finally:
            del current.session
            gc.collect()
            current.lock.release()
