"""From what a person wrote as a path to a path that can safely be asked about."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError, cut


def file_to_write(option: str, given: str | None, base_dir: Path) -> Path | None:
    """Where `option` points; None without it. Raises `ModelbenchError` if it never could be a file.

    Once its owner would see it, not after all has been measured.
    """
    if given is None:
        return None
    _check_not_blank(option, given, "file")
    path = path_from(given, base_dir)
    if path.is_dir():
        raise ModelbenchError(f"{option} {given!r} is a directory: name a file in it")
    if path.exists() and not path.is_file():
        raise ModelbenchError(f"{option} {given!r} is not a regular file")
    return path


def folder_to_write(option: str, given: str | None, base_dir: Path) -> Path | None:
    """The same of a directory."""
    if given is None:
        return None
    _check_not_blank(option, given, "directory")
    path = path_from(given, base_dir)
    if path.exists() and not path.is_dir():
        raise ModelbenchError(f"{option} {given!r} is not a directory")
    return path


def _check_not_blank(option: str, given: str, what: str) -> None:
    """As of a variable that is not set."""
    if not given.strip():
        raise ModelbenchError(f"{option} {given!r} names no {what}: give one, or leave it out")


def path_from(text: str, base_dir: Path) -> Path:
    """`text` with `~` expanded, relative to `base_dir`. The file need not exist.

    Raises `ModelbenchError` for what no file can be called (too long, a NUL character) and for
    what may not be looked at; afterwards `exists` and the like do not raise.
    """
    path = base_dir / os.path.expanduser(text)  # noqa: PTH111 - Path.expanduser raises on ~nobody
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return path
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise ModelbenchError(f"{cut(text, 80)!r} cannot be used as a path: {cause}") from None
    return path
