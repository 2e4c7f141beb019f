"""A process that looks at this one again and again while a phase lasts.

It is a process, not a thread: a thread that wakes up takes the interpreter's lock from the very
calls that are being timed. Between phases it sleeps. It talks in lines over its standard streams:
`start` is answered by an empty line once it looks, `stop` by what it saw, as JSON.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from pytest_modelbench.child_environment import environment_with_path

ANSWER_SECONDS = 30.0
PROCESSORS: set[int] | None = None
"""Where watching processes may run, if this process has since been left fewer processors."""


class WatcherError(Exception):
    """The watching process has ended or does not answer."""


class Watcher:
    """The measuring side. The process is started by `open` and ends with this one."""

    def __init__(self, module: str, *arguments: str, pass_errors: bool = False) -> None:
        """`pass_errors`: its standard error is this process's, not nothing."""
        # -S: it needs no site directory but those of this process; that halves its start.
        self._command = [sys.executable, "-P", "-S", "-m", module, *arguments]
        self._errors = None if pass_errors else subprocess.DEVNULL
        self._process: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Start the process and wait until it is ready. Raises `WatcherError`."""
        if self._process is not None:
            return
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=environment_with_path(),
            )
        except OSError as error:
            raise WatcherError(f"a process that watches could not be started ({error})") from None
        if PROCESSORS is not None:
            with suppress(OSError):  # it may have ended already, which `_line` will tell
                os.sched_setaffinity(self._process.pid, PROCESSORS)
        self._line()

    def start(self) -> None:
        """Returns when the process is looking. Raises `WatcherError`."""
        self.open()
        self._say(b"start\n")
        self._line()

    def stop(self) -> dict[str, Any]:
        """What was seen since `start`. Raises `WatcherError`."""
        self._say(b"stop\n")
        line = self._line()
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            raise WatcherError(f"the process that watches said {line[:200]!r}") from None
        return answer

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            with suppress(OSError):
                stream.close()

    def _say(self, word: bytes) -> None:
        if self._process is None or self._process.stdin is None:
            raise WatcherError("the process that watches was not started")
        try:
            self._process.stdin.write(word)
            self._process.stdin.flush()
        except OSError:
            raise WatcherError("the process that watches has ended") from None

    def _line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + ANSWER_SECONDS
        line = b""
        stream = self._process.stdout.fileno()
        while not line.endswith(b"\n"):
            seconds = max(0.0, deadline - time.monotonic())
            if not select.select([stream], [], [], seconds)[0]:
                raise WatcherError("the process that watches does not answer")
            part = os.read(stream, 65536)
            if not part:
                raise WatcherError("the process that watches has ended")
            line += part
        return line


def watch(
    look: Callable[[], float],
    report: Callable[[], Mapping[str, Any]],
    reset: Callable[[], None],
) -> None:
    """The watching side: until the other end closes.

    `reset` comes at each `start`. `look` is called at once, then again and again; it gives the
    seconds until the next time. At `stop` it is called once more and `report` says what was seen,
    to which this adds `looks` and `longest_interval_ms`, the longest time between two of them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the process it watches
    parent = os.getppid()
    _answer(b"\n")
    while _next_word(None) == b"start":
        reset()
        looks, longest, last = 1, 0.0, time.monotonic()
        pause = look()
        _answer(b"\n")
        word = b""
        while not word:
            word = _next_word(pause) or b""
            now = time.monotonic()
            longest, last, looks = max(longest, now - last), now, looks + 1
            pause = look()
            # What the parent forked may hold the other end open when the parent has ended.
            if word == b"end" or os.getppid() != parent:
                return
        achieved = {"looks": looks, "longest_interval_ms": round(longest * 1e3, 3)}
        _answer(json.dumps({**report(), **achieved}).encode() + b"\n")


def _next_word(seconds: float | None) -> bytes | None:
    """What the other side says, `end` when it has gone, None when it said nothing so long."""
    if not select.select([0], [], [], seconds)[0]:
        return None
    return os.read(0, 64).strip() or b"end"


def _answer(line: bytes) -> None:
    with suppress(OSError):
        os.write(1, line)
