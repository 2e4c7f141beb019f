"""One process of a family: what it adds to memory."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from itertools import pairwise

from pytest_modelbench.measure.high_water import reset_high_water, resident_memory, sharing
from pytest_modelbench.measure.kernel_files import read_bytes

OWN_MODULES = "pytest_modelbench.measure."
"""What runs one of these watches, and is not of the model."""

_FORKED_NOT_EXECUTED = 0x40  # PF_FORKNOEXEC of the kernel's linux/sched.h
# Reading what a process shares keeps a processor busy. It may do so in bursts of a fifth of the
# time, for so long; and then, for a whole family, this part of the time.
_SHARING_BURST_SECONDS = 0.2
_SHARING_PAUSES = 4
_SHARING_PART = 0.02
_CONSISTENT_BYTES = 2_000_000
"""By so much two readings of a process that stands still may differ, on kernels that estimate."""


def is_watcher(arguments: Sequence[str]) -> bool:
    """Whether a command line is that of a process that watches.

    >>> is_watcher(["python", "-S", "-m", "pytest_modelbench.measure.family_watcher", "1"])
    True
    """
    return any(
        flag == "-m" and module.startswith(OWN_MODULES) for flag, module in pairwise(arguments)
    )


class Member:
    """One process of the family.

    What it adds is its resident memory less what it shares. After a fork without another program,
    all that is shared may be the parent's; otherwise files alone can be, and anonymous memory is
    shared only with forks of its own, from which it is left out instead.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.now = self.most = self.high_water = self.shared = 0
        self.counted = self.growing = self.watches = False
        self._mark_is_exact = True  # it began with the process
        self._born = self._faults = b""
        self._forked = self._known = self._differs = self._own_memory = False
        self._alone: int | None = None
        """What it shared with nobody when that was read last; None where it cannot be read."""
        self._resident_then = self._most_shared = 0
        self._sharing_known = self._sharing_settled = False
        self._sharing_part = _SHARING_PART
        self._sharing_seconds = self._sharing_pause_until = 0.0
        self._first_look = time.monotonic()

    def reset(self) -> None:
        """Begin anew: its mark, what it added most, and what it shares."""
        self._mark_is_exact = reset_high_water(self.pid)
        self.most = self.high_water = self._most_shared = 0
        self._sharing_known = False

    def look(self, family_size: int = 1) -> bool:
        """False once it has ended."""
        self._sharing_part = _SHARING_PART / family_size
        facts = _stat(self.pid)
        if len(facts) < 20 or facts[0] in b"ZX" or (self._born and facts[19] != self._born):
            return False
        self._born = facts[19]
        if self.watches:
            return True
        forked = _is_forked(facts)
        if forked != self._forked:
            self._begin_program(forked)
        self.growing, self._faults = facts[7] != self._faults, facts[7]
        if self._forked:
            if self._has_memory_of_its_own(facts[1]):
                self._measure()
        elif self._is_models():
            self._measure()
        return True

    def _begin_program(self, forked: bool) -> None:
        self._forked = forked
        self.shared = self._most_shared = 0
        self._sharing_known = False

    def _is_models(self) -> bool:
        if not self._known:
            command = read_bytes(f"/proc/{self.pid}/cmdline")
            self._known = bool(command)  # it has none while it is being made
            self.watches = is_watcher(os.fsdecode(command).split("\0"))
        return self._known and not self.watches

    def _has_memory_of_its_own(self, parent: bytes) -> bool:
        """Between vfork and exec a process runs in its parent's memory, which is counted there."""
        if not self._own_memory:
            parents = read_bytes(f"/proc/{int(parent)}/statm")
            if read_bytes(f"/proc/{self.pid}/statm") != parents:
                # The parent's other threads may have changed it in between: twice is certain.
                self._own_memory, self._differs = self._differs, True
        return self._own_memory

    def _measure(self) -> None:
        fresh = self._sharing_is_due()
        if fresh:
            self._read_sharing()
        memory = resident_memory(self.pid)
        if memory is None:
            return
        if self._forked and not _is_forked(_stat(self.pid)):
            return  # these numbers are of two programs
        if fresh:
            self._compare_with(memory.now)
        self.counted = True
        self.now = max(0, (self._alone or 0) + memory.now - self._resident_then)
        added = self.now
        if self._mark_is_exact:
            # What was shared when the mark was set and is so no longer was never its own.
            added = max(added, memory.high_water - self._most_shared)
            self.high_water = max(self.high_water, memory.high_water)
        self.most = max(self.most, added)

    def _sharing_is_due(self) -> bool:
        if not self._sharing_known:
            return True
        if self._sharing_settled and not self.growing:  # what it shares becomes its own by faults
            return False
        now = time.monotonic()
        allowed = _SHARING_BURST_SECONDS + self._sharing_part * (now - self._first_look)
        return now >= self._sharing_pause_until and self._sharing_seconds <= allowed

    def _read_sharing(self) -> None:
        start = time.monotonic()
        seen = sharing(self.pid)
        end = time.monotonic()
        self._sharing_known = True
        self._sharing_seconds += end - start
        self._sharing_pause_until = end + _SHARING_PAUSES * (end - start)
        if seen is None:
            return
        files = seen.resident - seen.anonymous
        self.shared = seen.shared if self._forked else min(seen.shared, files)
        self._alone = seen.resident - self.shared
        self._most_shared = max(self._most_shared, self.shared)

    def _compare_with(self, resident: int) -> None:
        """Changes of the resident size since what it shares was read are changes of its own."""
        if self._alone is None:
            self._alone = resident
        self._resident_then = resident
        self._sharing_settled = abs(self._alone + self.shared - resident) < _CONSISTENT_BYTES


def _stat(pid: int) -> list[bytes]:
    """What follows the name in /proc/PID/stat: state, parent, ...; empty once it has ended."""
    return read_bytes(f"/proc/{pid}/stat").rpartition(b") ")[2].split()


def _is_forked(facts: list[bytes]) -> bool:
    """Whether it still runs the program of its parent."""
    return len(facts) > 6 and bool(int(facts[6]) & _FORKED_NOT_EXECUTED)
