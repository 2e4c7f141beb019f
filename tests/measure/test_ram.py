"""Peak memory as the kernel saw it, however short the peak was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_modelbench.measure.ram import PeakRam, resident_bytes

SIZE = 200_000_000
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")


def _touch_and_free(size: int = SIZE) -> None:
    buffer = bytearray(b"x") * size
    del buffer


def test_a_buffer_that_is_freed_at_once_is_seen_exactly() -> None:
    with PeakRam() as meter:
        _touch_and_free()
        peak = meter.peak_bytes()
    assert meter.method == "kernel high-water mark"
    assert peak - meter.baseline_bytes == pytest.approx(SIZE, rel=0.02)
    assert resident_bytes() < peak - 0.9 * SIZE


def test_an_earlier_peak_does_not_count() -> None:
    _touch_and_free()
    with PeakRam() as meter:
        peak = meter.peak_bytes()
    assert peak - meter.baseline_bytes < 0.05 * SIZE


def test_where_the_mark_cannot_be_reset_memory_is_sampled_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_modelbench.measure.ram._CLEAR_REFS", tmp_path / "none" / "at_all")
    with PeakRam() as meter:
        buffer = bytearray(b"x") * SIZE
        peak = meter.peak_bytes()
        del buffer
    assert meter.method == "sampled every 10 ms"
    assert peak - meter.baseline_bytes == pytest.approx(SIZE, rel=0.02)


def test_resident_memory_is_that_of_this_process() -> None:
    """Another process's memory is not ours."""
    code = f"b = bytearray(b'x') * {SIZE}; print('ready', flush=True); input()"
    before = resident_bytes()
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        assert resident_bytes() - before < 0.1 * SIZE
        child.communicate("\n", timeout=30)
