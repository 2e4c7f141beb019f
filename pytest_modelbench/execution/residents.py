"""The model that is loaded now, what was seen while it was loaded, and its place on the device."""

from __future__ import annotations

import gc
import time
from collections.abc import Hashable
from dataclasses import dataclass

from pytest_modelbench.case import Case
from pytest_modelbench.execution.case_meters import case_meters
from pytest_modelbench.execution.locks import DeviceLock
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.measure.machine_load import MachineLoad
from pytest_modelbench.measure.meter import Meters
from pytest_modelbench.runners.contract import Runner, Session


@dataclass
class Resident:
    """A loaded model."""

    key: Hashable
    session: Session
    lock: DeviceLock
    meters: Meters
    load_seconds: float
    load_disturbances: list[str]
    """What else went on while it was loaded."""
    first_call_ns: int | None = None
    cases_served: int = 0


class Residents:
    """At most one loaded model at a time, kept while cases that share it follow each other."""

    def __init__(self, turns: Turns | None = None) -> None:
        self.turns = turns or Turns()
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
        else:
            self._current.meters.forget_case()
        self._current.cases_served += 1
        return self._current

    def _load(self, case: Case, runner: Runner) -> Resident:
        lock = self.turns.residence(case.device)
        meters = case_meters(case.device)
        try:
            machine = MachineLoad()
            with meters.phase("load"), machine:
                start = time.perf_counter()
                session = runner.load(case.candidate, case.device, case.params)
                seconds = time.perf_counter() - start
            return Resident(case.load_key, session, lock, meters, seconds, machine.disturbances())
        except BaseException:
            meters.close()
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
            current.meters.close()
            current.lock.release()
