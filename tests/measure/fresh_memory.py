"""Memory that a test's process has not had before."""

from __future__ import annotations

import mmap


def fresh_memory(size: int) -> mmap.mmap:
    """So many bytes, all of them resident, until `close`.

    What the heap gives may be what other tests have freed: the process has it already, and does
    not grow.
    """
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for at in range(0, size, mmap.PAGESIZE):
        memory[at] = 1
    return memory
