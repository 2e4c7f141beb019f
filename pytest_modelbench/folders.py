"""The user's folders, by the XDG Base Directory Specification.

Not through a library: the usual one registers a pytest plugin of its own, which cost every test
session of those who install this package more than this package itself does.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

APPLICATION = "pytest-modelbench"


def state_folder() -> Path:
    """What should outlive a session but is no document, such as runs: `XDG_STATE_HOME`."""
    return _folder("XDG_STATE_HOME", ".local/state")


def cache_folder() -> Path:
    """What can be made again, such as exported models: `XDG_CACHE_HOME`."""
    return _folder("XDG_CACHE_HOME", ".cache")


def free_bytes(folder: Path) -> int | None:
    """What can still be written to `folder`, which need not be there yet; None where unknown."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def _folder(variable: str, in_home: str) -> Path:
    given = Path(os.environ.get(variable, ""))
    if given.is_absolute():  # the specification has relative paths ignored
        return given / APPLICATION
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / APPLICATION
    return Path.home() / in_home / APPLICATION
