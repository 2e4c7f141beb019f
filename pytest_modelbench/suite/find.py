"""From a suite's name to its file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.paths import path_from
from pytest_modelbench.registered import did_you_mean

_PACKAGE = Path(__file__).parent.parent
SHIPPED = {"quickstart": _PACKAGE / "quickstart" / "quickstart.json"}
"""Suites that come with this package."""


def find_suite(name: str, folders: Iterable[Path]) -> Path:
    """The suite file `name` stands for: a path, or a name in `folders`' `suites/`, or shipped.

    Raises `ModelbenchError` listing the suites there are.
    """
    folders = list(dict.fromkeys(folders))
    for folder in folders:
        given = path_from(name, folder)
        if given.is_file():
            return given.resolve()
    known = named_suites(folders)
    stem = name.removesuffix(".json")
    if stem in known:
        return known[stem].resolve()
    raise ModelbenchError(
        f"--suite {name!r}: there is no such file, and no suite of that name"
        f"{did_you_mean(stem, known)} (known suites: {', '.join(sorted(known))})"
    )


def named_suites(folders: Iterable[Path]) -> dict[str, Path]:
    """Name to file of every suite that can be given by name; nearer folders win."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted((folder / "suites").glob("*.json")):
            found.setdefault(file.stem, file)
    for name, file in SHIPPED.items():
        found.setdefault(name, file)
    return found
