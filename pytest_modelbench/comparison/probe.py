"""What is installed where a side is to be measured."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.place import Place

_PROBE = """
import importlib.metadata as metadata, json, platform
found = {}
for one in metadata.distributions():
    name = one.metadata["Name"]
    if name:
        found.setdefault(name.lower().replace("_", "-"), one.version)
print()
print(json.dumps({"python": platform.python_version(), "packages": found}))
"""
_PROBE_SECONDS = 120.0
_OURS = "pytest-modelbench"


def probe(place: Place) -> Mapping[str, Any]:
    """Python's version and what is installed. Raises `ModelbenchError` for what cannot serve."""
    command = [place.executable, "-P", "-c", _PROBE]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PROBE_SECONDS,
            check=False,
            env=place.environment(),
            cwd=place.folder,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ModelbenchError(f"{place.executable} cannot be run: {error}") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise ModelbenchError(f"{place.executable} cannot be used: {said[0]}")
    seen = _answer(place, done.stdout)
    _check_package(place, seen["packages"].get(_OURS))
    return seen


def _answer(place: Place, said: str) -> Mapping[str, Any]:
    """The last line that is one: what starts with an interpreter may print before and after."""
    for line in reversed(said.splitlines()):
        try:
            seen = json.loads(line)
        except ValueError:
            continue
        if isinstance(seen, dict) and {"python", "packages"} <= seen.keys():
            return seen
    raise ModelbenchError(f"{place.executable} cannot be used: it does not say what is installed")


def _check_package(place: Place, found: str | None) -> None:
    wanted = version(_OURS)
    if found is None:
        raise ModelbenchError(
            f"{_OURS} is not installed for {place.executable}: install {_OURS} {wanted} there"
        )
    if found != wanted:
        raise ModelbenchError(
            f"{place.executable} has {_OURS} {found} and this session {wanted}: both sides must be "
            "measured by the same version"
        )
