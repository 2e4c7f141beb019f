"""Locks between processes of one user on this machine; the kernel frees them at any death."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from weakref import WeakSet

POLL_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 24 * 3600.0


class LockTimeoutError(TimeoutError):
    """A lock was not to be had for a day."""


class DeviceLock:
    """Several physical devices, held together."""

    def __init__(self, names: Iterable[str], folder: Path | None = None) -> None:
        # In one order everywhere, so that two holders of several devices cannot block each other.
        self._names = sorted(names)
        self._folder = folder or default_folder()
        self._held = ExitStack()

    def acquire(self, wait: bool = True) -> bool:
        """Whether the devices are held now. Raises `LockTimeoutError` after a day."""
        from filelock import FileLock, Timeout

        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as held:
            for name in self._names:
                lock = FileLock(
                    self._folder / f"{name}.lock", timeout=LONGEST_WAIT_SECONDS if wait else 0
                )
                try:
                    lock.acquire(poll_interval=POLL_SECONDS)
                except Timeout:
                    if wait:
                        raise LockTimeoutError(f"device {name} was in use for a day") from None
                    return False
                held.callback(lock.release)
            self._held = held.pop_all()
        return True

    def release(self) -> None:
        self._held.close()


class SharedLock:
    """Held by many who share it, or by one alone.

    Two files: who wants it alone first closes the gate, behind which nobody new can come in, so
    that a stream of sharers cannot keep that one waiting for ever.

    A lock lasts while any process has its descriptor. What this one forks inherits that, and must
    neither keep the lock when it is released nor when this process dies.
    """

    def __init__(self, file: Path) -> None:
        self._room_file = file
        self._gate_file = file.with_suffix(".gate.lock")
        self._room: int | None = None
        _SHARED_LOCKS.add(self)

    def share(self, wait: bool = True) -> bool:
        """Come in beside others."""
        return self._enter("share", wait)

    def take(self, wait: bool = True) -> bool:
        """Come in alone."""
        return self._enter("alone", wait)

    def release(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            _closed(room)

    def forget(self) -> None:
        """In a forked process: leave the lock to its parent."""
        room, self._room = self._room, None
        if room is not None:
            os.close(room)

    def _enter(self, how: str, wait: bool) -> bool:
        self._room_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        gate = _opened(self._gate_file)
        room = _opened(self._room_file)
        try:
            if _locked(gate, "alone", wait) and _locked(room, how, wait):
                self._room = room
            return self._room == room
        finally:
            _closed(gate)
            if self._room != room:
                _closed(room)


_SHARED_LOCKS: WeakSet[SharedLock] = WeakSet()


def _forget_locks_of_the_parent() -> None:
    for lock in list(_SHARED_LOCKS):
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_locks_of_the_parent)


def _opened(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _closed(descriptor: int) -> None:
    """Unlocked first: what another thread has forked meanwhile has the descriptor, too."""
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _locked(descriptor: int, how: str, wait: bool) -> bool:
    """The kernel wakes who waits: looking again and again would disturb who is timing."""
    import fcntl

    kind = fcntl.LOCK_SH if how == "share" else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def default_folder() -> Path:
    """Where the locks of this user lie."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"pytest-modelbench-locks-{user}"
