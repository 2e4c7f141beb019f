"""Processes that tests start, seen from outside: whether they run, and waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def comes_true(condition: Callable[[], object], seconds: float = 300) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
