"""The commands of a suite that make a worktree ready to be measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError, encodable
from pytest_modelbench.git import OF_HOOKS
from pytest_modelbench.redaction import command_without_secrets
from pytest_modelbench.suite.compare import Revisions

_LAST_CHARACTERS = 300
_LEFT_OUT = (
    "VIRTUAL_ENV",
    "UV_PROJECT_ENVIRONMENT",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTEST_CURRENT_TEST",
    *OF_HOOKS,
)


def run_setup(folder: Path, commit: str, revisions: Revisions, log: Path) -> None:
    """Every command, one after the other; what they say goes to `log`.

    Raises `ModelbenchError` naming the command that failed.
    """
    end = time.monotonic() + revisions.timeout_seconds
    for command in revisions.setup:
        _run(command, folder, log, end, f"setup of {commit[:12]}: {_shown(command)!r}")


def _run(command: str, folder: Path, log: Path, end: float, what: str) -> None:
    with log.open("ab") as stream:
        process = subprocess.Popen(
            command,
            shell=True,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=_environment(),
        )
        try:
            status = process.wait(max(0.0, end - time.monotonic()))
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise ModelbenchError(
                    f"{what} was not done in time (compare.revisions.timeout_seconds)"
                ) from None
            raise
    if status != 0:
        said = _shown(" ".join(log.read_text("utf-8", "replace").split()))
        last = f"...{said[-_LAST_CHARACTERS:]}" if len(said) > _LAST_CHARACTERS else said
        raise ModelbenchError(f"{what} ended with status {status}: {last or 'it said nothing'}")


def _shown(text: str) -> str:
    """A command, or what it said, as it may stand in a run and in a log."""
    return encodable(command_without_secrets(text))


def _environment() -> dict[str, str]:
    """Without the session's virtual environment, into which the setup is not to install."""
    given = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    return {**given, "PATH": _search_path()}


def _search_path() -> str:
    """Without the commands of the session's virtual environment.

    Those of the Python it was made from come last: there is one, then, to make others with.
    """
    base = Path(sys.base_prefix)
    prefixes = {Path(sys.prefix).resolve(), Path(os.environ.get("VIRTUAL_ENV") or base).resolve()}
    # Without a virtual environment it is the base itself, and perhaps all that the system has.
    ours = {(prefix / "bin").resolve() for prefix in prefixes - {base.resolve()}}
    folders = [
        folder
        for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)
        if not folder or Path(folder).resolve() not in ours
    ]
    last = str(base / "bin")
    return os.pathsep.join(folders if last in folders else [*folders, last])
