"""Engines: where `execute` runs. The contract, and those that need no other process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from typing import Protocol

from pytest_modelbench.case import Case
from pytest_modelbench.errors import ModelbenchError, one_line
from pytest_modelbench.execution.blank import blank_result
from pytest_modelbench.execution.execute import execute
from pytest_modelbench.execution.identify import fingerprint_of
from pytest_modelbench.execution.residents import Residents
from pytest_modelbench.execution.turns import LockMode, Turns
from pytest_modelbench.results.run import CaseResult


class Engine(Protocol):
    """Runs cases somewhere. A future's result says what went wrong; it raises only interrupts."""

    def submit(self, case: Case) -> Future[CaseResult]: ...

    def identify(self, case: Case) -> str:
        """The fingerprint that a result of `case` would have; nothing is loaded.

        Raises `ModelbenchError` when that cannot be known.
        """

    def expect_next(self, case: Case | None) -> None:
        """What comes next, so that a model which nobody needs any more is given back."""

    def close(self) -> None: ...


def make_engine(
    kind: str, worker: str, extensions: Sequence[tuple[str, str]], lock: LockMode
) -> Engine:
    """The engine called `dry`, `inline` or `isolated`; without `fork`, isolated is inline."""
    if kind == "dry":
        return DryEngine(worker)
    if kind == "inline" or not hasattr(os, "fork"):
        return InlineEngine(worker, lock)
    from pytest_modelbench.execution.isolated import IsolatedEngine

    return IsolatedEngine(worker, extensions, lock)


class InlineEngine:
    """Runs each case in this process as it is submitted, keeping the last model loaded."""

    def __init__(self, worker: str = "main", lock: LockMode = "host") -> None:
        self._worker = worker
        self._residents = Residents(Turns(lock))
        self._last_case: Case | None = None

    def submit(self, case: Case) -> Future[CaseResult]:
        future: Future[CaseResult] = Future()
        self._last_case = case
        future.set_result(execute(case, self._residents, self._worker))
        return future

    def identify(self, case: Case) -> str:
        try:
            with self._residents.turns.busy():
                return fingerprint_of(case)
        except Exception as error:
            raise ModelbenchError(one_line(error)) from None

    def expect_next(self, case: Case | None) -> None:
        if case is None or not self._residents.serves(case):
            self.close()

    def close(self) -> None:
        unload(self._residents, self._last_case)


def unload(residents: Residents, last_case: Case | None) -> None:
    """Give back what is loaded, which takes a while for a large model, in this process's turn.

    An interrupted case has left nothing loaded, and so nothing to wait for.
    """
    is_loaded = last_case is not None and residents.serves(last_case)
    with residents.turns.busy() if is_loaded else nullcontext():
        residents.close()


class DryEngine:
    """Runs nothing: every metric is skipped."""

    def __init__(self, worker: str = "main") -> None:
        self._worker = worker

    def submit(self, case: Case) -> Future[CaseResult]:
        future: Future[CaseResult] = Future()
        result = blank_result(case, "skipped", "dry run")
        future.set_result(result.model_copy(update={"worker": self._worker}))
        return future

    def identify(self, case: Case) -> str:
        raise ModelbenchError("a dry run reads nothing")

    def expect_next(self, case: Case | None) -> None:
        pass

    def close(self) -> None:
        pass
