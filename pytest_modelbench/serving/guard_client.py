"""The measuring side of the guard: start a server through it, ask about it, have it ended."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.child_environment import environment_with_path
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.child_process import how_it_ended

ANSWER_SECONDS = 30.0
ENDING_SECONDS = 5.0
"""For ending what is left of a server, which takes 2 s at most."""


class ServerError(ModelbenchError):
    """A server that was started did not do its part."""


@dataclass(frozen=True)
class End:
    """How a server ended."""

    exit_code: int
    """As `subprocess` says it."""
    tail: str
    """The end of what it printed, as it was."""
    was_killed: bool
    """Whether it had not ended in time when it was asked to."""

    def __str__(self) -> str:
        return how_it_ended(self.exit_code)


class GuardClient:
    """A process that has started a server, and ends it when this process is no more.

    Raises `ServerError`, here and everywhere, when the guard itself does not do its part.
    """

    def __init__(self, words: Sequence[str], env: Mapping[str, str], cwd: str) -> None:
        """`words[0]` is the path of a program. Raises `OSError` when it cannot be started."""
        ours, theirs = socket.socketpair()
        module = "pytest_modelbench.serving.guard"
        arguments = [str(theirs.fileno()), str(os.getpid())]
        try:
            with theirs:
                self._process = subprocess.Popen(
                    # -S: it needs no site directory but those of this process.
                    [sys.executable, "-P", "-S", "-m", module, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=environment_with_path(),
                    start_new_session=True,  # a terminal's interrupt is this process's to handle
                )
        except BaseException:
            ours.close()
            raise
        self._control = ours
        self._unread = b""
        self._owner = os.getpid()
        self.end: End | None = None
        """How the server ended; None while it runs."""
        try:
            self._say({"words": list(words), "env": dict(env), "cwd": cwd})
            answer = self._answer("pid", ANSWER_SECONDS)
        except BaseException:
            self.abandon()
            raise
        if answer is None:
            self.abandon()
            raise ServerError("the server was not started in time: this machine is too busy")
        if "failed" in answer:
            self.abandon()
            raise OSError(answer["failed"])
        self.pid: int = answer["pid"]

    def wait(self, seconds: float) -> End | None:
        """How the server ended, if it does within so long."""
        if self.end is None:
            self._answer("ended", seconds)
        return self.end

    def tail(self) -> str:
        """The end of what the server has printed."""
        if self.end is None:
            self._say({"tail": True})
            answer = self._answer("tail", ANSWER_SECONDS)
            if answer is not None and "tail" in answer:
                return str(answer["tail"])
        return self.end.tail if self.end is not None else ""

    def stop(self, seconds: float) -> End | None:
        """Have the server end, and kill what is left of it and of all it started.

        None where the guard does not say how it ended. In a forked process nothing is ended.
        """
        if os.getpid() != self._owner:
            return self.end
        try:
            with suppress(ServerError):
                if self.wait(0) is None:
                    self._say({"stop": seconds})
                    self.wait(seconds + ENDING_SECONDS)
        finally:  # interrupted, too
            self.abandon()
        return self.end

    def abandon(self) -> None:
        """Have everything killed at once, and do not ask how it went."""
        if os.getpid() != self._owner:
            return
        with suppress(ServerError):
            self._say({"kill": True})
        try:
            self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._control.close()
            self._process.kill()
            self._process.wait()

    def _say(self, message: Mapping[str, Any]) -> None:
        try:
            self._control.settimeout(ANSWER_SECONDS)
            self._control.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            raise ServerError("the process that guards the server has ended") from None

    def _answer(self, wanted: str, seconds: float) -> dict[str, Any] | None:
        """The next message with `wanted` in it, or the one that says there will be none.

        None if there is none within so long.
        """
        deadline = time.monotonic() + seconds
        while True:
            line, newline, rest = self._unread.partition(b"\n")
            if newline:
                self._unread = rest
                message: dict[str, Any] = json.loads(line)
                if "ended" in message:
                    self.end = End(**message["ended"])
                if wanted in message or "ended" in message or "failed" in message:
                    return message
                continue
            self._control.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                part = self._control.recv(1 << 16)
            except TimeoutError:
                return None
            except OSError:
                part = b""
            if not part:
                raise ServerError("the process that guards the server has ended")
            self._unread += part
