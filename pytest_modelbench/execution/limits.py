"""What a case may use of the machine."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

from pytest_modelbench.measure import watching
from pytest_modelbench.measure.memory_limit import limit_memory
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.results.conditions import Limits

# Libraries that start their threads later read these; a preloaded one is told directly.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class ProcessLimits:
    """Limits of a process that serves cases of one kind only; it is ended with them."""

    def __init__(self) -> None:
        self.applied = False
        self._memory: Any = None

    def apply(self, spec: MeasureSpec) -> None:
        """Limit this process, once: all its cases have the same limits."""
        if self.applied:
            return
        if spec.memory_limit_mb is not None:
            self._memory = limit_memory(spec.memory_limit_mb)
        if spec.threads is not None:
            limit_threads(spec.threads)
        self.applied = True

    def close(self) -> None:
        if self._memory is not None:
            self._memory.close()


def limit_threads(threads: int) -> None:
    """Leave so many processors to this process, and say so to what would use more."""
    if hasattr(os, "sched_setaffinity"):
        allowed = os.sched_getaffinity(0)
        # What watches must not share the few processors that are left to the model.
        watching.PROCESSORS = allowed
        os.sched_setaffinity(0, sorted(allowed)[:threads])
        threads = min(threads, len(allowed))  # a limit must not make it more
    for name in _THREAD_VARIABLES:
        os.environ[name] = str(threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        with suppress(Exception):  # a torch without threads
            torch.set_num_threads(threads)


def record_of(spec: MeasureSpec, *, enforced: bool) -> Limits:
    """The limits of a case, for its result."""
    return Limits(memory_limit_mb=spec.memory_limit_mb, threads=spec.threads, enforced=enforced)
