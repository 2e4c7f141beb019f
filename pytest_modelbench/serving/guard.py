"""The process between the one that measures and the server: it keeps the server's last words, and
ends it with all that it started once the measuring process says so, or is no more.

It is told what to start, and says what becomes of it, in lines of JSON over one socket. Run as
`python -m pytest_modelbench.serving.guard FD PARENT`.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from pytest_modelbench.execution.descendants import Descendants, adopt_orphans, die_with

KEPT_BYTES = 1 << 16
"""Of what the server prints, from its end."""
_READ_BYTES = 1 << 16
_PIPE_BYTES = 1 << 20
_LISTEN_SECONDS = 0.05
"""Between two times of taking what was printed, which a pipe of that size can hold: a line for each
request would else wake this process thousands of times a second, beside what is timed."""
_LOOK_SECONDS = 1.0
"""Between two looks at the parent, where the system cannot wait for its end."""


class Ended(Exception):  # noqa: N818 - nothing is wrong
    """There is nothing left to watch."""


class Guard:
    """A server, from its start to its end."""

    def __init__(self, control: socket.socket, parent: int) -> None:
        self._control = control
        self._parent = parent
        self._parent_end = _end_of(parent)
        self._signalled = False
        self._woken = _wake_by_signals(self._heed)
        self._said = b""
        self._unread = b""
        self._child = 0
        self._descendants = Descendants()
        self._output = -1
        self._listen_pause = 0.0
        self._listen_at: float | None = None
        self._kill_at: float | None = None
        self._was_killed = False

    def run(self) -> None:
        """Until the server has ended, with all that it started."""
        order = self._first_order()
        try:
            self._start(order)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._say({"failed": getattr(error, "strerror", None) or str(error)})
            return
        try:
            self._say({"pid": self._child})
            self._watch()
        except Ended:
            pass
        finally:
            self._end()

    def _first_order(self) -> dict[str, Any]:
        lines: list[bytes] = []
        while not lines:
            lines = self._lines()
        order: dict[str, Any] = json.loads(lines[0])
        return order

    def _start(self, order: dict[str, Any]) -> None:
        own = os.getpid()
        self._output, theirs = os.pipe()
        try:
            process = subprocess.Popen(
                order["words"],
                cwd=order["cwd"],
                env=order["env"],
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,  # so that the whole group can be asked to end
                preexec_fn=lambda: die_with(own),
            )
        finally:
            os.close(theirs)
        os.set_blocking(self._output, False)
        with suppress(OSError, AttributeError):
            fcntl.fcntl(self._output, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            self._listen_pause = _LISTEN_SECONDS
        self._child = process.pid
        process.returncode = 0  # it is waited for here, by its number

    def _watch(self) -> None:
        """Raises `Ended`."""
        poll = select.poll()
        for source in (self._control.fileno(), self._woken.fileno(), self._parent_end):
            if source is not None:
                poll.register(source, select.POLLIN)
        poll.register(self._output, select.POLLIN)
        while True:
            ready = {source for source, _ in poll.poll(self._pause_ms())}
            if self._woken.fileno() in ready:
                _empty(self._woken)
            if self._output in ready:
                poll.unregister(self._output)
                self._listen_at = self._next_listening()
            elif self._listen_at is not None and time.monotonic() >= self._listen_at:
                poll.register(self._output, select.POLLIN)
                self._listen_at = None
            self._look(ready)
            if self._control.fileno() in ready:
                for line in self._lines():
                    self._obey(json.loads(line))

    def _look(self, ready: set[int]) -> None:
        if self._has_ended() or self._signalled:
            raise Ended
        if self._parent_end in ready or os.getppid() != self._parent:
            raise Ended
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._was_killed = True
            raise Ended
        self._descendants.reap(self._child)

    def _obey(self, order: dict[str, Any]) -> None:
        if "tail" in order:
            self._say({"tail": self._tail()})
        elif "stop" in order and self._kill_at is None:
            self._kill_at = time.monotonic() + order["stop"]
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child, signal.SIGTERM)
                os.killpg(self._child, signal.SIGCONT)  # else a stopped one would not hear it
        elif "kill" in order:
            raise Ended

    def _next_listening(self) -> float | None:
        """Take what was printed; when to do so again, None for never."""
        count = self._listen()
        pause = self._listen_pause if count < _READ_BYTES else 0.0
        return time.monotonic() + pause if count else None

    def _pause_ms(self) -> float | None:
        now = time.monotonic()
        pauses = [at - now for at in (self._kill_at, self._listen_at) if at is not None]
        if self._parent_end is None:
            pauses.append(_LOOK_SECONDS)
        return 1e3 * max(0.0, min(pauses)) + 1 if pauses else None

    def _has_ended(self) -> bool:
        # Not reaped: its number stays its own until all that it started has ended.
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._child, options) is not None

    def _end(self) -> None:
        exit_code = self._descendants.end(self._child)
        while self._listen():
            pass
        end = {"exit_code": exit_code, "tail": self._tail(), "was_killed": self._was_killed}
        self._say({"ended": end})

    def _listen(self) -> int:
        """Take what was printed; how many bytes, 0 if there is nothing now or for ever."""
        try:
            part = os.read(self._output, _READ_BYTES)
        except BlockingIOError:
            return 0
        self._said += part
        if len(self._said) > KEPT_BYTES:
            # From the beginning of a line: half a key would not be recognised as one.
            _, newline, rest = self._said[-KEPT_BYTES:].partition(b"\n")
            self._said = rest if newline else self._said[-KEPT_BYTES:]
        return len(part)

    def _tail(self) -> str:
        self._listen()
        return self._said.decode("utf-8", "replace")

    def _lines(self) -> list[bytes]:
        """Raises `Ended` when the other end is closed."""
        try:
            part = self._control.recv(_READ_BYTES)
        except ConnectionError:
            part = b""
        if not part:
            raise Ended
        *lines, self._unread = (self._unread + part).split(b"\n")
        return lines

    def _say(self, message: dict[str, Any]) -> None:
        with suppress(OSError):  # nobody listens any more
            self._control.sendall(json.dumps(message).encode() + b"\n")

    def _heed(self, number: int, frame: object) -> None:
        self._signalled = True


def _end_of(parent: int) -> int | None:
    """What can be read once `parent` has ended; None where the system has no such thing."""
    with suppress(OSError, AttributeError):
        return os.pidfd_open(parent)
    return None


def _wake_by_signals(heed: Callable[[int, FrameType | None], None]) -> socket.socket:
    """What can be read once a signal came, for which a sleep in the kernel would not end."""
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, heed)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # ignored, none could be waited for
    signal.set_wakeup_fd(waker.detach(), warn_on_full_buffer=False)
    return woken


def _empty(woken: socket.socket) -> None:
    with suppress(BlockingIOError):
        while woken.recv(4096):
            pass


if __name__ == "__main__":
    adopt_orphans()
    with suppress(Ended):
        Guard(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])).run()
    os._exit(0)
