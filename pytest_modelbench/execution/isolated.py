"""The engine that gives every loaded model a process of its own."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from pytest_modelbench.case import Case
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.blank import blank_result
from pytest_modelbench.execution.child_process import Child, how_it_ended
from pytest_modelbench.execution.fork_client import (
    CLOSING_SECONDS,
    ForkServer,
    ForkServerError,
)
from pytest_modelbench.execution.limits import record_of
from pytest_modelbench.execution.place import HERE, Extension, Place
from pytest_modelbench.execution.request import Identify, Request
from pytest_modelbench.execution.stopwatch import Stopwatch
from pytest_modelbench.execution.turns import LockMode, Turns
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.runners import RUNNERS

ALWAYS_IMPORTED = ("numpy", "psutil", "filelock", "pytest_modelbench.execution.child")
LEAST_EXIT_SECONDS = 1.0
"""For ending after the channel was closed, however little of the case's time is left."""


class Lost(Exception):  # noqa: N818 - what became of a process, which is nobody's fault yet
    """The measuring process ended, or was ended, without an answer; its text says how."""

    def __init__(self, text: str, trace: str | None = None) -> None:
        super().__init__(text)
        self.trace = trace


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
        place: Place = HERE,
    ) -> None:
        self._worker = worker
        self._place = place
        self._extensions = place.extensions(list(extensions))
        self._watch = Stopwatch()
        self._waited_to_begin = 0.0
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
            except BaseException:
                self._abandon()
                raise

    def close(self) -> None:
        self.expect_next(None)
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _run(self, case: Case) -> CaseResult:
        try:
            answer = self._ask(case, Request(case, self._worker, self._turns.mode))
        except Lost as loss:
            return self._error(case, str(loss), loss.trace)
        return _with_waiting(CaseResult.model_validate_json(answer), self._waited_to_begin)

    def identify(self, case: Case) -> str:
        try:
            answer = json.loads(self.ask(case, Identify(case, self._turns.mode)))
        except (Lost, ForkServerError) as loss:
            raise ModelbenchError(str(loss)) from None
        # What reading the dataset left in its memory is not to count as the model's.
        self.expect_next(None)
        if "error" in answer:
            raise ModelbenchError(answer["error"])
        return str(answer["fingerprint"])

    def prepare(self, case: Case) -> None:
        """Let an interpreter start and import what `case` needs, and do not wait for it.

        Raises `ForkServerError`, as the next two do.
        """
        with self._abandoning():
            self._server = self._server or ForkServer(self._place)
            self._server.prepare(self._wishes(case))

    def begin(self, case: Case) -> None:
        """Wait until `case` has a process, which has yet to load anything."""
        with self._abandoning():
            self.expect_next(case)
            self._child = self._child or self._fork(case)

    def ask(self, case: Case, question: Any) -> bytes:
        """The answer of the process of `case` to anything but a case, which starts if need be.

        Raises `Lost` when it ended, or took longer than the case may take.
        """
        self._watch = Stopwatch()
        with self._abandoning():
            return self._ask(case, question)

    @contextmanager
    def _abandoning(self) -> Iterator[None]:
        """As in `submit`, where anything but a lost process is raised."""
        try:
            yield
        except Lost:
            raise
        except BaseException:
            self._abandon()
            raise

    def _ask(self, case: Case, question: Any) -> bytes:
        self.expect_next(case)
        child = self._child = self._child or self._fork(case)
        self._waited_to_begin, limit = self._watch.waited_seconds, case.measure.timeout_seconds
        end = self._watch.seconds + limit
        try:
            child.connection.send(question)
            answer = self._answer(child, end)
        except TimeoutError:
            self._kill()
            raise Lost(
                f"not done after {limit:g} s (measure.timeout_seconds): its process was ended"
            ) from None
        except (EOFError, OSError):  # between two messages, or in the middle of one
            raise self._silent(case, child, end) from None
        child.pass_text_on()
        return answer

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

    def _silent(self, case: Case, child: Child, end: float) -> Lost:
        """Its end of the channel is closed: it is ending, or a model has closed what is not its."""
        assert self._server is not None
        seconds = max(LEAST_EXIT_SECONDS, end - self._watch.seconds)
        if not wait([self._server.control], seconds):
            self._kill()
            return Lost(
                "the measuring process closed its channel to the session and was not done after "
                f"{case.measure.timeout_seconds:g} s (measure.timeout_seconds): it was ended",
            )
        cause = how_it_ended(self._server.exit_code())
        said = child.new_text()
        self._forget(child)
        last = said.strip().splitlines()[-1:]
        words = f"; its last words: {last[0].strip()}" if last else ""
        return Lost(f"the measuring process {cause}{words}", said or None)

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
        ours, theirs = socket.socketpair()
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child
        try:
            # The server may start and import for seconds: not beside another's timed calls.
            with theirs, self._turns.busy():
                self._server = self._server or ForkServer(self._place)
                wishes = self._wishes(case)
                process = self._server.fork(
                    wishes, theirs.fileno(), errors.fileno(), case.measure.timeout_seconds
                )
        except BaseException:
            ours.close()
            errors.close()
            raise
        return Child(case.load_key, process, Connection(ours.detach()), errors)

    def _wishes(self, case: Case) -> dict[str, Any]:
        return {
            "path": self._place.import_path(),
            "modules": [*ALWAYS_IMPORTED, *_modules_of(case)],
            "extensions": self._extensions,
            "tree": self._place.tree,
        }

    def _end_child(self) -> None:
        """Let the child give its device back, in its turn, then make sure that it has ended."""
        if self._child is None:
            return
        with suppress(EOFError, OSError):  # it has closed its end, or is not done in time
            self._child.connection.send(None)
            end = self._watch.seconds + CLOSING_SECONDS
            while True:
                self._answer(self._child, end)
        self._kill()

    def _kill(self) -> None:
        """End the child at once; the server then ends whatever it started."""
        if self._child is None or self._server is None:
            return
        self._child.process.kill()
        try:
            self._server.exit_code()
        except ForkServerError:
            self._abandon()
        else:
            self._forget(self._child)

    def _abandon(self) -> None:
        """Give up the server, its child and what that started; the next case starts anew."""
        server, self._server = self._server, None
        child, self._child = self._child, None
        try:
            if child is not None:
                child.process.kill_group()
        finally:
            if server is not None:
                server.abandon(has_child=child is not None)
            if child is not None:
                child.close()

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
