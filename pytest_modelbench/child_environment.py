"""The environment of processes that this one starts; watchers import it, so it imports little."""

from __future__ import annotations

import os
import sys


def environment_with_path() -> dict[str, str]:
    """The environment for a Python of ours that is to find the modules this one finds."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
