"""The engine that gives every loaded model a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Hashable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import IO

from pytest_modelbench.case import Case
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.results.blank import blank_result
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.runners import RUNNERS

ALWAYS_IMPORTED = ("numpy", "psutil", "filelock", "pytest_modelbench.execution.child")
LONGEST_ERROR_TEXT_BYTES = 20_000
LAST_ERROR_LINES = 5
CLOSING_SECONDS = 30.0

Extension = tuple[str, str]
"""Name and file of a module that implements `pytest_modelbench_register`."""


class ProcessHandle:
    """Another process's child, to be killed but not waited for.

    By a descriptor where the system has them: the number of a process that has ended may be given
    to another one, which must not be killed in its place.
    """

    def __init__(self, process_id: int) -> None:
        self._id = process_id
        self._descriptor: int | None = None
        with suppress(OSError, AttributeError):
            self._descriptor = os.pidfd_open(process_id)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            if self._descriptor is None:
                os.kill(self._id, signal.SIGKILL)
            else:
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@dataclass
class Child:
    """A process that holds one model."""

    key: Hashable
    process: ProcessHandle
    connection: Connection
    errors: IO[bytes]

    def kill(self) -> None:
        self.process.kill()

    def close(self) -> None:
        self.process.close()
        self.connection.close()
        self.errors.close()


class IsolatedEngine:
    """Forks a process for each (runner, model, device, parameters); it serves all their cases.

    What a model does to its process costs only its own case: a crash, a kill or an exit is an
    error with its cause, and the next case has a new process.
    """

    def __init__(self, worker: str = "main", extensions: Sequence[Extension] = ()) -> None:
        self._worker = worker
        self._extensions = list(extensions)
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._child: Child | None = None

    def submit(self, case: Case) -> Future[CaseResult]:
        future: Future[CaseResult] = Future()
        try:
            future.set_result(self._run(case))
        except BaseException:  # an interrupt, or a timeout plugin's way of ending a test
            self._kill()
            raise
        return future

    def expect_next(self, case: Case | None) -> None:
        if self._child is not None and (case is None or case.load_key != self._child.key):
            self._end_child()

    def close(self) -> None:
        self._end_child()
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._server is not None:
            self._server.wait(CLOSING_SECONDS)
            self._server = None

    def _run(self, case: Case) -> CaseResult:
        self.expect_next(case)
        try:
            child = self._child = self._child or self._fork(case)
        except ModelbenchError as error:
            return self._error(case, str(error))
        try:
            child.connection.send((case, self._worker))
            answer = child.connection.recv_bytes()
        except (EOFError, ConnectionError):
            return self._died(case, child)
        _pass_on(child.errors)
        return CaseResult.model_validate_json(answer)

    def _died(self, case: Case, child: Child) -> CaseResult:
        said = _new_text(child.errors)
        cause = how_it_ended(self._read_number())
        self._forget(child)
        last = said.strip().splitlines()[-LAST_ERROR_LINES:]
        text = f"the measuring process {cause}" + (
            f"; its last words: {' | '.join(last)}" if last else ""
        )
        return self._error(case, text, trace=said or None)

    def _error(self, case: Case, text: str, trace: str | None = None) -> CaseResult:
        result = blank_result(case, "error", text, trace=trace)
        return result.model_copy(update={"worker": self._worker, "engine": "isolated"})

    # The fork server and its children

    def _fork(self, case: Case) -> Child:
        control = self._serving()
        ours, theirs = socket.socketpair()
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child
        request = {
            "path": sys.path,
            "modules": [*ALWAYS_IMPORTED, *_modules_of(case)],
            "extensions": self._extensions,
        }
        with theirs:
            descriptors = [theirs.fileno(), errors.fileno()]
            socket.send_fds(control, [json.dumps(request).encode()], descriptors)
        process = ProcessHandle(self._read_number())
        return Child(case.load_key, process, Connection(ours.detach()), errors)

    def _serving(self) -> socket.socket:
        if self._control is None:
            ours, theirs = socket.socketpair()
            # Not the session's directory: `-m` puts it first on the path, before the package.
            command = [sys.executable, "-P", "-m", __package__ + ".fork_server"]
            with theirs:
                self._server = subprocess.Popen(
                    [*command, str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                )
            self._control = ours
        return self._control

    def _read_number(self) -> int:
        """The server's next line. Raises `ModelbenchError` when the server is gone."""
        assert self._control is not None
        text = b""
        while not text.endswith(b"\n"):
            byte = self._control.recv(1)
            if not byte:
                raise ModelbenchError(
                    "the fork server ended; --suite-engine=inline measures in the session itself"
                )
            text += byte
        return int(text)

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
        if self._child is None:
            return
        self._child.kill()
        self._read_number()
        self._forget(self._child)

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
