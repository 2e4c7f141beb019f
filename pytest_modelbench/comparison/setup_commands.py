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


def run_setup(folder: Path, called: str, revisions: Revisions, log: Path) -> None:
    """Every command, one after the other, in the worktree of what is `called` so; what they say
    goes to `log`.

    Raises `ModelbenchError` naming the command that failed.
    """
    seconds = revisions.timeout_seconds
    end = time.monotonic() + seconds
    for command in revisions.setup:
        what = f"setup of {called}: {_shown(command)!r}"
        try:
            status = _run(command, folder, log, end)
        except subprocess.TimeoutExpired:
            raise ModelbenchError(
                f"{what} was not done in time (compare.revisions.timeout_seconds: {seconds:g} s "
                f"for all of setup); {_all_said(log)}"
            ) from None
        if status != 0:
            said = _shown(" ".join(log.read_text("utf-8", "replace").split()))
            last = f"...{said[-_LAST_CHARACTERS:]}" if len(said) > _LAST_CHARACTERS else said
            last = f"{last}; {_all_said(log)}" if last else "it said nothing"
            raise ModelbenchError(f"{what} ended with status {status}: {last}")


def _run(command: str, folder: Path, log: Path, end: float) -> int:
    """Its exit status. Raises `subprocess.TimeoutExpired` at `end` of the monotonic clock."""
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
            return process.wait(max(0.0, end - time.monotonic()))
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise


def _all_said(log: Path) -> str:
    return f"all that it said is in {encodable(str(log))}"


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
