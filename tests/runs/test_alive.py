"""A session that lives holds its lock, and nobody who looks is taken for it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pytest_modelbench.runs import folder as module
from pytest_modelbench.runs.folder import RunFolder, make_run_folder

HOLD = """
import sys, time
from pathlib import Path
from pytest_modelbench.runs.folder import RunFolder
lock = RunFolder(Path(sys.argv[1])).hold()
print("held", flush=True)
time.sleep(60)
"""


def looking(folder: RunFolder) -> int:
    """As `is_running` has the lock while it looks."""
    descriptor = os.open(folder.lock_file, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return descriptor


def test_a_session_is_running_until_it_dies_of_anything(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path)
    assert folder.state() == "unfinished"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert folder.state() == "running"
    finally:
        holder.kill()
        holder.communicate(timeout=300)
    assert folder.state() == "unfinished"
    folder.run_file.touch()
    assert folder.state() == "finished"


def test_two_who_look_at_once_do_not_see_each_other(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path)
    folder.hold().release()
    descriptor = looking(folder)
    try:
        assert not folder.is_running()
    finally:
        os.close(descriptor)


def test_who_looks_does_not_keep_a_session_from_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKS_SECONDS", 30.0)
    folder = make_run_folder(tmp_path)
    folder.lock_file.touch()
    descriptor = looking(folder)
    looked = threading.Timer(0.1, os.close, [descriptor])
    looked.start()
    lock = folder.hold()  # it waits until nobody looks
    looked.join()
    assert folder.is_running()
    lock.release()
    assert not folder.is_running()


def test_a_lock_that_another_session_has_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKS_SECONDS", 0.05)
    folder = make_run_folder(tmp_path)
    held = folder.hold()
    other = RunFolder(folder.path)
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        other.hold()
    assert time.monotonic() - begin < 30
    held.release()
