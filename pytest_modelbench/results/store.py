"""Where run files go, and how they get there whole."""

from __future__ import annotations

import errno
import os
import secrets
import shlex
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.folders import state_folder


def runs_folder() -> Path:
    """Where runs are kept without `--suite-output-dir`: under the user's XDG state directory."""
    return state_folder() / "runs"


def dir_option(folder: Path, option: str = "--dir") -> str:
    """What a command needs to look for runs in `folder`; nothing where it does so by itself."""
    if folder.resolve() == runs_folder().resolve():
        return ""
    here = Path.cwd()
    shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
    return f" {option} {shlex.quote(str(shown))}"


def new_run_id(now: datetime | None = None) -> str:
    """`benchmark_YYYYMMDD_HHMMSS_` and 12 hexadecimal digits; sorts by time (UTC).

    Of the digits, three are the fraction of the second, so that runs made one right after the
    other sort as well, and nine are random.
    """
    moment = now or datetime.now(UTC)
    fraction = moment.microsecond * 4096 // 1_000_000
    return f"benchmark_{moment:%Y%m%d_%H%M%S}_{fraction:03x}{secrets.randbits(36):09x}"


def write_atomically(
    path: Path, text: str, what: str = "the run file", option: str = "--suite-output"
) -> Path:
    """Write `text` so that `path` is whole or untouched.

    Raises `ModelbenchError`, which says `what` cannot be written and which `option` says where.
    """
    path = path.resolve()  # a link stays, and what it points to is written
    try:
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "not a regular file")
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(path)
            force_to_disk(path.parent)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ModelbenchError(
            f"{path}: {what} cannot be written ({error.strerror}): give a writable place with "
            f"{option}"
        ) from None
    return path


def force_to_disk(path: Path) -> None:
    """A file, or the names in a directory, where the system can."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _umask() -> int:
    """What the user takes from the rights of new files; there is no way to ask without setting."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
