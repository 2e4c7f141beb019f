"""The session's side of the fork server: ask for a child, learn how it ended, give it all up."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pytest_modelbench.errors import ModelbenchError

ANSWER_SECONDS = 600.0
"""For importing the largest libraries from the slowest disk."""
CLOSING_SECONDS = 30.0


class ForkServerError(ModelbenchError):
    """The fork server is gone or does not answer."""


class ForkServer:
    """A running fork server with at most one child. Messages keep their boundaries."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # -P: not the session's directory first on the path, before the package.
        command = [sys.executable, "-P", "-m", f"{__package__}.fork_server", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self.control = ours
        self.control.settimeout(ANSWER_SECONDS)

    def fork(self, wishes: Mapping[str, Any], channel: int, errors: int) -> ProcessHandle:
        """A new child that talks on `channel` and writes its standard error to `errors`.

        Raises `ForkServerError`.
        """
        try:
            socket.send_fds(self.control, [json.dumps(wishes).encode()], [channel, errors])
        except OSError as error:
            raise ForkServerError(f"the fork server does not listen ({error})") from None
        return ProcessHandle(self._number())

    def exit_code(self) -> int:
        """How the child ended, as `subprocess` says it. Raises `ForkServerError`."""
        return self._number()

    def _number(self) -> int:
        try:
            text = self.control.recv(64)
        except OSError as error:
            raise ForkServerError(f"the fork server does not answer ({error})") from None
        if not text:
            raise ForkServerError("the fork server has ended")
        return int(text)

    def close(self) -> None:
        """Let it end, now that it has no child."""
        self.control.close()
        try:
            self._process.wait(CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(CLOSING_SECONDS)

    def abandon(self) -> None:
        """Kill it; by the kernel's parent-death signal its child ends with it."""
        self._process.kill()
        self.close()


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
