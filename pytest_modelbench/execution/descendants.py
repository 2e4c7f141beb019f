"""All that a measured process started, found and ended wherever it went."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress

LONGEST_SECONDS = 2.0
"""For ending what a process left; what cannot be ended by then is let be."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.0005, 0.02
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def adopt_orphans() -> None:
    """On Linux, descendants whose parent has ended then become children of this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent: int) -> None:
    """On Linux the kernel then ends this process with `parent`, which started it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it had ended before the kernel knew
            os._exit(1)


def outlive_parent() -> None:
    """Undo `die_with`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, 0)


class Descendants:
    """What the next child of this process starts. Only that process may be forked meanwhile.

    The child must have a session of its own: who is in this process's session is none of its. Nor
    are the children this process has already, such as those of a library it imported.
    """

    def __init__(self) -> None:
        self._others = _children()

    def reap(self, child: int) -> None:
        """Forget the orphans that have ended, or a model that makes many fills the table.

        Not `child`, which `end` waits for, and which may be ending just now.
        """
        for pid in self._orphans() - {child}:
            _reaped(pid)

    def end(self, child: int) -> int:
        """Kill `child` and all it started; its exit code, as `subprocess` says it."""
        os.kill(child, signal.SIGKILL)  # it is not reaped yet, so the number is still its own
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        self._end_orphans()
        return os.waitstatus_to_exitcode(status)

    def _end_orphans(self) -> None:
        """Again and again: what a killed process had started is an orphan only then."""
        deadline = time.monotonic() + LONGEST_SECONDS
        pause, killed = _FIRST_PAUSE_SECONDS, set[int]()
        while (orphans := self._orphans()) and time.monotonic() < deadline:
            new = orphans - killed
            for pid in new:
                self._kill(pid)
            for pid in orphans:
                if _reaped(pid):
                    killed.discard(pid)
            killed |= new
            if not new:  # else no pause: what starts others faster than this looks would escape
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _kill(self, pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except PermissionError:  # it has become another user's
            self._others.add(pid)
        except ProcessLookupError:
            return

    def _orphans(self) -> set[int]:
        ours = os.getsid(0)
        return {pid for pid in _children() - self._others if _session_of(pid) not in (ours, None)}


def _children() -> set[int]:
    """This process's, those included that have ended and are not reaped; empty if unknowable."""
    found: set[int] = set()
    with suppress(OSError):
        for task in os.listdir("/proc/self/task"):  # noqa: PTH208 - a third of the time of pathlib
            with open(f"/proc/self/task/{task}/children") as file:  # noqa: PTH123 - as above
                found.update(map(int, file.read().split()))
    return found


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:  # by a library's thread
        return True
