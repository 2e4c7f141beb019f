"""The process that watches what the measured one starts."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from fresh_memory import fresh_memory

from pytest_modelbench.measure.family_watcher import (
    ALONE_SECONDS,
    GROWING_SECONDS,
    STEADY_SECONDS,
    FamilyWatch,
    pause_seconds,
    resident_bytes_of,
)
from pytest_modelbench.measure.watching import Watcher

SIZE = 100_000_000
MODULE = "pytest_modelbench.measure.family_watcher"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def test_it_reports_what_was_started_and_the_interval_it_achieved() -> None:
    watcher = Watcher(MODULE, str(os.getpid()), "mark")
    try:
        watcher.start()
        nothing = watcher.stop()
        watcher.start()
        code = f"held = bytearray(b'x') * {SIZE}; import time; time.sleep(0.3)"
        subprocess.run([sys.executable, "-S", "-c", code], check=True)
        seen = watcher.stop()
    finally:
        watcher.close()
    assert nothing["children"] == nothing["children_peak_bytes"] == 0
    assert seen["children"] == 1
    assert seen["children_start_bytes"] == 0
    assert seen["children_peak_bytes"] == pytest.approx(SIZE, rel=0.1)
    assert seen["largest_child_bytes"] > seen["largest_child_shared_bytes"] > 0
    assert seen["looks"] > 2
    assert seen["longest_interval_ms"] > 0
    assert seen["own_peak_bytes"] == 0


def test_asked_to_it_samples_the_measured_process_as_well() -> None:
    watcher = Watcher(MODULE, str(os.getpid()), "sample")
    try:
        watcher.start()
        before = resident_bytes_of(os.getpid())
        memory = fresh_memory(SIZE)
        time.sleep(0.2)
        memory.close()
        seen = watcher.stop()
    finally:
        watcher.close()
    assert seen["own_peak_bytes"] - before == pytest.approx(SIZE, rel=0.05)


def test_it_looks_more_often_the_more_there_is_to_see() -> None:
    assert pause_seconds(0, growing=False) == ALONE_SECONDS
    assert pause_seconds(1, growing=False) == STEADY_SECONDS
    assert pause_seconds(1, growing=True) == GROWING_SECONDS
    assert pause_seconds(1000, growing=True) == pytest.approx(0.5)


def test_a_look_at_a_process_alone_says_to_wait_long() -> None:
    watched = FamilyWatch(os.getpid(), sample_own=False)
    watched.reset()
    assert watched.look() == ALONE_SECONDS
    assert watched.report()["children_peak_bytes"] == 0


def test_of_a_process_that_has_ended_nothing_is_resident() -> None:
    assert resident_bytes_of(2**22 + 1) == 0
