"""The fork server's sleep until its child, or the session, has ended."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable
from contextlib import suppress


class ChildWatch:
    """To be made before the child is forked, which closes its copy.

    The kernel's words alone wake this process, never a clock: it must not disturb what is timed.
    """

    def __init__(self, control: socket.socket, session: int) -> None:
        """`control` is closed by the session, and `session` is its process, this one's parent.

        Either might be missed alone: what the session forked keeps its end of `control`, and not
        every system can wait for a process that is no child.
        """
        self._control = control
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._session: int | None = None
        with suppress(OSError, AttributeError):
            self._session = os.pidfd_open(session)
        signal.signal(signal.SIGCHLD, _no_more)  # ignored, children could not be waited for
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    def until_end(self, child: int, meanwhile: Callable[[], None]) -> bool:
        """Whether `child` has ended; if not, the session has. `meanwhile` hears of other ends."""
        poll = select.poll()
        for source in (self._control.fileno(), self._woken.fileno(), self._session):
            if source is not None:
                poll.register(source, select.POLLIN)
        while True:
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                return True
            meanwhile()
            # While there is a child, the session says nothing: what can be read is the end.
            if {source for source, _ in poll.poll()} != {self._woken.fileno()}:
                return False
            with suppress(BlockingIOError):
                while self._woken.recv(4096):
                    pass

    def close(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._woken.close()
        self._waker.close()
        if self._session is not None:
            os.close(self._session)
            self._session = None


def _no_more(number: int, frame: object) -> None:
    """The waking byte is all that a signal is for."""
