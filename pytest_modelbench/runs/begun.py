"""What the journals of a session without a run file say, read in the fastest way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_modelbench.runs.folder import RunFolder

_HAS_MANIFESTS, _HAS_RESULTS = b'"manifests":[', b'"results":['
"""As they stand in a line of a journal. In a text in there the quotes would be escaped."""


@dataclass
class Begun:
    """Who runs what, and how far it is."""

    metadata: Mapping[str, Any] = field(default_factory=dict)
    """As in a run; empty where no journal says it."""
    hostname: str = ""
    suites: list[str] = field(default_factory=list)
    models: set[str] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)
    items: set[str] = field(default_factory=set)
    """Node ids of what was to be measured."""
    done: int = 0
    """How many of them have ended."""

    @property
    def progress(self) -> str:
        """
        >>> Begun(items={"a", "b"}, done=1).progress
        '1 of 2 done'
        """
        return f"{min(self.done, len(self.items))} of {len(self.items)} done"


def begun(folder: RunFolder) -> Begun:
    """Read all journals; results are counted, not read."""
    found = Begun()
    for file in sorted(folder.journals.glob("*.jsonl")):
        with suppress(OSError):
            _read(file, found)
    return found


def _read(file: Path, found: Begun) -> None:
    with file.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):  # half written
                continue
            found.done += _HAS_RESULTS in line
            if _HAS_MANIFESTS in line or line.startswith(b'{"event":"session"'):
                with suppress(ValueError, TypeError, KeyError, AttributeError):
                    _take(json.loads(line), found)


def _take(event: Mapping[str, Any], found: Begun) -> None:
    if event["event"] == "session":
        found.metadata = found.metadata or event["metadata"]
        found.hostname = found.hostname or event["system_info"]["hostname"]
    for manifest in event.get("manifests", ()):
        if manifest["id"] not in found.suites:
            found.suites.append(manifest["id"])
        for case in manifest["cases"]:
            found.items.add(case["nodeid"])
            found.models.add(case["identity"]["model"])
            found.devices.add(case["identity"]["device"])
