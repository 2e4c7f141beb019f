"""What Linux says of a process's memory: its high-water mark, resident size and shared part."""

from __future__ import annotations

import os
from typing import Literal, NamedTuple

from pytest_modelbench.measure.kernel_files import read_bytes

Pid = int | Literal["self"]

_RESET_HIGH_WATER = b"5"


class ResidentMemory(NamedTuple):
    """In bytes."""

    now: int
    high_water: int
    """The most there was since the process began, replaced its program, or was reset."""


class Sharing(NamedTuple):
    """How much of a process's resident memory other processes have mapped as well, in bytes."""

    resident: int
    shared: int
    anonymous: int
    """Resident memory that is no file's: the heap, shared after a fork."""


def resident_memory(pid: Pid = "self") -> ResidentMemory | None:
    """`VmRSS` and `VmHWM`; None where there is no such process or the kernel does not say."""
    text = read_bytes(f"/proc/{pid}/status")
    now = _kilobytes(text, b"\nVmRSS:")
    if now is None:
        return None
    high_water = _kilobytes(text, b"\nVmHWM:")
    return ResidentMemory(now * 1024, (now if high_water is None else high_water) * 1024)


def reset_high_water(pid: Pid = "self") -> bool:
    """Let the mark begin anew at what is resident now; False where that cannot be."""
    if b"\nVmHWM:" not in read_bytes(f"/proc/{pid}/status"):
        return False
    try:
        descriptor = os.open(f"/proc/{pid}/clear_refs", os.O_WRONLY)
    except OSError:
        return False
    try:
        os.write(descriptor, _RESET_HIGH_WATER)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def sharing(pid: Pid) -> Sharing | None:
    """From `smaps_rollup`. The kernel looks at every page for it: about 3 ms a gigabyte."""
    text = read_bytes(f"/proc/{pid}/smaps_rollup")
    resident = _kilobytes(text, b"\nRss:")
    clean, dirty = _kilobytes(text, b"\nShared_Clean:"), _kilobytes(text, b"\nShared_Dirty:")
    if resident is None or clean is None or dirty is None:
        return None
    anonymous = _kilobytes(text, b"\nAnonymous:") or 0
    return Sharing(resident * 1024, (clean + dirty) * 1024, anonymous * 1024)


def counting_error_bytes() -> int:
    """By so much a mark may be off at worst; 0.3 MB for each of two processors.

    Since Linux 6.2 every processor counts pages for itself and hands its count on in batches
    (`percpu_counter_batch` in lib/percpu_counter.c), once for files and once for anonymous memory.
    """
    processors = os.cpu_count() or 1
    pages = 2 * processors * max(32, 2 * processors)
    return pages * os.sysconf("SC_PAGE_SIZE")


def _kilobytes(text: bytes, label: bytes) -> int | None:
    place = text.find(label)
    if place < 0:
        return None
    return int(text[place + len(label) :].split(None, 1)[0])
