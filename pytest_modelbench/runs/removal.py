"""Runs taken out of a store for good, whoever else is at it and whatever becomes of who does it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_modelbench.runs.folder import LOOKS_SECONDS, RunFolder

_HIDDEN = ".removed-"
_PAUSE_SECONDS = 0.02


def bytes_on_disk(path: Path) -> int:
    """What removing it gives back, as far as it can be seen."""
    total = 0
    for file in _files(path):
        try:
            found = file.lstat()
        except OSError:
            continue
        total += getattr(found, "st_blocks", 0) * 512 or found.st_size
    return total


def _files(path: Path) -> Iterator[Path]:
    yield path
    # Not `rglob`, which fails where a directory goes while it is looked at.
    for folder, folders, files in os.walk(path):
        yield from (Path(folder, name) for name in (*folders, *files))


def remove_run(folder: RunFolder) -> bool:
    """Remove a run; False where its session is alive, or somebody else is removing it.

    It gets a hidden name first, under which nobody takes what is left of it for a run. Raises
    `OSError` where it may not be removed.
    """
    hidden = folder.path.with_name(f"{_HIDDEN}{folder.path.name}")
    try:
        with _held(folder.lock_file):
            folder.path.rename(hidden)
    except (BlockingIOError, FileNotFoundError):
        return False
    clean(hidden)
    return True


@contextmanager
def _held(lock_file: Path) -> Iterator[None]:
    """Nobody else has the lock meanwhile. Not by `RunFolder.hold`: it would make the directory."""
    import fcntl

    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o666)
    deadline = time.monotonic() + LOOKS_SECONDS
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE_SECONDS)
        yield
    finally:
        os.close(descriptor)


def leftovers(store: Path) -> list[Path]:
    """What somebody who was killed while removing runs has left."""
    return sorted(store.glob(f"{_HIDDEN}*"))


def clean(leftover: Path) -> None:
    """Remove it. Raises `OSError` where something in it may not be removed."""
    shutil.rmtree(leftover, ignore_errors=True)  # somebody else may be at it, too
    with suppress(FileNotFoundError):
        shutil.rmtree(leftover)
