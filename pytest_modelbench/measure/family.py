"""The processes that a process started, and what they add to memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from pytest_modelbench.measure.family_member import Member, is_watcher
from pytest_modelbench.measure.kernel_files import read_bytes

_LAST_PID = "/proc/sys/kernel/ns_last_pid"


class Sight(NamedTuple):
    """What the family adds to the memory of the process that started it, in bytes."""

    now: int = 0
    most: int = 0
    """The sum, over those alive, of the most each has added since the last `reset`."""
    alive: int = 0
    growing: bool = False


class Family(Protocol):
    """All descendants of one process but those that watch it."""

    seen: set[int]
    """The process ids that were counted since the last `reset`."""
    largest: tuple[int, int]
    """High-water mark of the largest process since `reset` and what it shared, in bytes."""

    def reset(self) -> None:
        """What is seen from here on is another phase's."""

    def look(self) -> Sight: ...

    def pids(self) -> Iterable[int]:
        """Those that were alive at the last look."""


def family_of(pid: int) -> Family:
    """By Linux's /proc where it can tell, by psutil elsewhere."""
    can_tell = sys.platform == "linux" and os.access("/proc/thread-self/children", os.R_OK)
    return ProcFamily(pid) if can_tell else PsutilFamily(pid)


class ProcFamily:
    """As Linux knows it. A process whose parent has ended stays in the family."""

    def __init__(self, pid: int) -> None:
        self.seen: set[int] = set()
        self.largest = (0, 0)
        self._pid = pid
        self._members: dict[int, Member] = {}
        self._last_pid = b""
        self._search_again = True

    def reset(self) -> None:
        self.look()
        self.seen, self.largest = set(), (0, 0)
        for member in self._members.values():
            member.reset()

    def pids(self) -> Iterable[int]:
        return [member.pid for member in self._members.values() if not member.watches]

    def look(self) -> Sight:
        if self._may_be_more():
            for pid in _descendants([self._pid, *self._members]):
                self._members.setdefault(pid, Member(pid))
        for pid, member in tuple(self._members.items()):
            if not member.look(len(self._members)):
                del self._members[pid]
        members = [member for member in self._members.values() if not member.watches]
        for member in members:
            if member.counted:
                self.seen.add(member.pid)
                self.largest = max(self.largest, (member.high_water, member.shared))
        return Sight(
            now=sum(member.now for member in members),
            most=sum(member.most for member in members),
            alive=len(members),
            growing=any(member.growing for member in members),
        )

    def _may_be_more(self) -> bool:
        """Whether the system has started any process or thread since the last search."""
        last_pid = read_bytes(_LAST_PID)
        started = last_pid != self._last_pid or not last_pid
        # A process has its number a moment before it is in its parent's list.
        search = started or self._search_again
        self._last_pid, self._search_again = last_pid, started
        return search


def _descendants(pids: Iterable[int]) -> set[int]:
    """The children of `pids`, their children and so on; without this process."""
    found: set[int] = set()
    ask = list(pids)
    while ask:
        new = _children(ask.pop()) - found - {os.getpid()}
        found |= new
        ask += new
    return found


def _children(pid: int) -> set[int]:
    try:
        tasks = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - a third of the time of pathlib
    except OSError:  # it has ended
        return set()
    texts = [read_bytes(f"/proc/{pid}/task/{task}/children") for task in tasks]
    return {int(child) for text in texts for child in text.split()}


class PsutilFamily:
    """By sampling, for systems without /proc. A peak between two looks is not seen."""

    def __init__(self, pid: int) -> None:
        self.seen: set[int] = set()
        self.largest = (0, 0)
        self._pid = pid
        self._most: dict[int, int] = {}

    def reset(self) -> None:
        self.seen, self._most = set(), {}

    def pids(self) -> Iterable[int]:
        return tuple(self._most)

    def look(self) -> Sight:
        now = {process.pid: _unshared_bytes(process) for process in self._processes()}
        self._most = {pid: max(size, self._most.get(pid, 0)) for pid, size in now.items()}
        self.seen.update(now)
        return Sight(sum(now.values()), sum(self._most.values()), len(now), growing=bool(now))

    def _processes(self) -> list[Any]:
        import psutil

        try:
            found = psutil.Process(self._pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [process for process in found if not _watches(process)]


def _watches(process: Any) -> bool:
    import psutil

    try:
        return process.pid == os.getpid() or is_watcher(process.cmdline())
    except psutil.Error:
        return False


def _unshared_bytes(process: Any) -> int:
    """Memory of this process alone; all it has where the system keeps that to itself; 0 if gone."""
    import psutil

    try:
        return int(process.memory_full_info().uss)
    except psutil.AccessDenied:
        pass
    except psutil.Error:
        return 0
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
