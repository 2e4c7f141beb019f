"""The engine that gives every loaded model a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Hashable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import IO

from pytest_modelbench.case import Case
from pytest_modelbench.execution.blank import blank_result
from pytest_modelbench.execution.fork_client import (
    CLOSING_SECONDS,
    ForkServer,
    ForkServerError,
    ProcessHandle,
)
from pytest_modelbench.execution.limits import record_of
from pytest_modelbench.execution.request import Request
from pytest_modelbench.execution.stopwatch import Stopwatch
from pytest_modelbench.execution.turns import LockMode, Turns
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.runners import RUNNERS

ALWAYS_IMPORTED = ("numpy", "psutil", "filelock", "pytest_modelbench.execution.child")
LONGEST_ERROR_TEXT_BYTES = 20_000

Extension = tuple[str, str]
"""Name and file of a module that implements `pytest_modelbench_register`."""


@dataclass
class Child:
    """A process that holds one model."""

    key: Hashable
    process: ProcessHandle
    connection: Connection
    errors: IO[bytes]

    def close(self) -> None:
        self.process.close()
        self.connection.close()
        self.errors.close()


class IsolatedEngine:
    """Forks a process for each (runner, model, device, parameters, limits) and its cases.

    What a model does to its process costs only its own case: a crash, a kill, an exit or a hang
    is an error with its cause, and the next case has a new process.
    """

    def __init__(
        self,
        worker: str = "main",
        extensions: Sequence[Extension] = (),
        lock: LockMode = "host",
    ) -> None:
        self._worker = worker
        self._extensions = list(extensions)
        self._watch = Stopwatch()
        self._turns = Turns(lock, self._hear)
        self._server: ForkServer | None = None
        self._child: Child | None = None

    def _hear(self, word: bytes) -> None:
        self._watch.hear(word)

    def submit(self, case: Case) -> Future[CaseResult]:
        future: Future[CaseResult] = Future()
        self._watch = Stopwatch()
        try:
            future.set_result(self._run(case))
        except ForkServerError as error:
            self._abandon()
            future.set_result(self._error(case, str(error)))
        except BaseException:  # an interrupt, or a timeout plugin's way of ending a test
            # It may have come between a question to the server and its answer.
            self._abandon()
            raise
        return future

    def expect_next(self, case: Case | None) -> None:
        if self._child is not None and (case is None or case.load_key != self._child.key):
            try:
                self._end_child()
            except ForkServerError:
                self._abandon()
            except BaseException:
                self._abandon()
                raise

    def close(self) -> None:
        self.expect_next(None)
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _run(self, case: Case) -> CaseResult:
        self.expect_next(case)
        child = self._child = self._child or self._fork(case)
        waited_before, limit = self._watch.waited_seconds, case.measure.timeout_seconds
        try:
            child.connection.send(Request(case, self._worker, self._turns.mode))
            answer = self._answer(child, self._watch.seconds + limit)
        except TimeoutError:
            self._kill()
            return self._error(
                case, f"not done after {limit:g} s (measure.timeout_seconds): its process was ended"
            )
        except (EOFError, ConnectionError):
            return self._died(case, child)
        _pass_on(child.errors)
        return _with_waiting(CaseResult.model_validate_json(answer), waited_before)

    def _answer(self, child: Child, end: float) -> bytes:
        """The child's result. Raises `TimeoutError`, or `EOFError` when it ended without one.

        `end` is where the stopwatch, which stands still while the child waits, may be at most.
        """
        assert self._server is not None
        while True:
            seconds = None if self._watch.is_waiting else max(0.0, end - self._watch.seconds)
            # The server speaks when the child has ended: what the child leaves running may keep
            # its end of the channel open.
            ready = wait([child.connection, self._server.control], seconds)
            if not ready:
                raise TimeoutError
            if child.connection not in ready:
                raise EOFError
            message = child.connection.recv_bytes()
            if not self._watch.hear(message):
                return message

    def _died(self, case: Case, child: Child) -> CaseResult:
        assert self._server is not None
        cause = how_it_ended(self._server.exit_code())
        said = _new_text(child.errors)
        self._forget(child)
        last = said.strip().splitlines()[-1:]
        words = f"; its last words: {last[0].strip()}" if last else ""
        return self._error(case, f"the measuring process {cause}{words}", trace=said or None)

    def _error(self, case: Case, text: str, trace: str | None = None) -> CaseResult:
        result = blank_result(case, "error", text, trace=trace)
        return result.model_copy(
            update={
                "worker": self._worker,
                "engine": "isolated",
                "limits": record_of(case.measure, enforced=True),
                "started_at": self._watch.started_at,
                "duration_seconds": self._watch.seconds,
            }
        )

    def _fork(self, case: Case) -> Child:
        self._server = self._server or ForkServer()
        wishes = {
            "path": sys.path,
            "modules": [*ALWAYS_IMPORTED, *_modules_of(case)],
            "extensions": self._extensions,
        }
        ours, theirs = socket.socketpair()
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child
        try:
            # The server may import for seconds before it forks: not beside another's timed calls.
            with theirs, self._turns.busy():
                process = self._server.fork(wishes, theirs.fileno(), errors.fileno())
        except BaseException:
            ours.close()
            errors.close()
            raise
        return Child(case.load_key, process, Connection(ours.detach()), errors)

    def _end_child(self) -> None:
        """Let the child give its device back, then make sure that it has ended."""
        if self._child is None:
            return
        with suppress(EOFError, ConnectionError):
            self._child.connection.send(None)
            self._child.connection.poll(CLOSING_SECONDS)  # readable once it is closed
        self._kill()

    def _kill(self) -> None:
        """End the child at once; the server then ends whatever it started."""
        if self._child is None or self._server is None:
            return
        self._child.process.kill()
        self._server.exit_code()
        self._forget(self._child)

    def _abandon(self) -> None:
        """Give up the server and its child; the next case starts anew."""
        server, self._server = self._server, None
        child, self._child = self._child, None
        if child is not None:
            child.process.kill()
            child.close()
        if server is not None:
            server.abandon()

    def _forget(self, child: Child) -> None:
        child.close()
        self._child = None


def _modules_of(case: Case) -> list[str]:
    """What the case's runner needs imported, as far as it can be known here."""
    try:
        runner = RUNNERS.get(case.runner)()
        needs = [requirement.module for requirement in runner.requirements(case.params)]
    except Exception:  # it will go wrong in the child, too, and be reported
        return []
    return [type(runner).__module__, *needs] if needs else []


def _with_waiting(result: CaseResult, seconds: float) -> CaseResult:
    """Add what the session had waited for its turn before the measuring process was there."""
    if result.conditions is None or seconds == 0:
        return result
    waited = result.conditions.waited_seconds + seconds
    conditions = result.conditions.model_copy(update={"waited_seconds": waited})
    return result.model_copy(update={"conditions": conditions})


def how_it_ended(exit_code: int) -> str:
    """In words.

    >>> how_it_ended(-11), how_it_ended(3)
    ('was killed by SIGSEGV', 'ended with exit status 3')
    """
    if exit_code >= 0:
        return f"ended with exit status {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"


def _new_text(errors: IO[bytes]) -> str:
    """What the child wrote to its standard error since last time, at most the end of it."""
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - LONGEST_ERROR_TEXT_BYTES))
    text = errors.read().decode("utf-8", "replace")
    errors.seek(0)
    errors.truncate()
    return text


def _pass_on(errors: IO[bytes]) -> None:
    """Show it as this process's own, so that pytest captures it with the test."""
    if text := _new_text(errors):
        sys.stderr.write(text)
