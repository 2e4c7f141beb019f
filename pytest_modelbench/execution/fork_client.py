"""The session's side of the fork server: ask for a child, learn how it ended, give it all up."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.place import HERE, Place
from pytest_modelbench.execution.turns import TURN

ANSWER_SECONDS = 600.0
"""For importing the largest libraries from the slowest disk."""
CLOSING_SECONDS = 30.0
ENDING_SECONDS = 4.0
"""For the server's ending of its child and all that it started, which takes 2 s at most."""


class ForkServerError(ModelbenchError):
    """The fork server is gone or does not answer."""


class ForkServer:
    """A running fork server with at most one child. Messages keep their boundaries.

    Raises `ForkServerError` where its interpreter or directory is gone.
    """

    def __init__(self, place: Place = HERE) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # -P: not the session's directory first on the path, before the package.
        command = [place.executable, "-P", "-m", f"{__package__}.fork_server"]
        command.append(str(theirs.fileno()))
        try:
            with theirs:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=_environment(place),
                    cwd=place.folder,
                    # What ends the session's whole group leaves it to clear up, and then it ends.
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            ours.close()
            raise ForkServerError(f"{place.executable} cannot be started: {error}") from None
        except BaseException:
            ours.close()
            raise
        self.control = ours
        self._is_preparing = False

    def prepare(self, wishes: Mapping[str, Any]) -> None:
        """Let it import what a child will need, and do not wait. Raises `ForkServerError`."""
        self._is_preparing = True
        self._send(wishes, [])

    def fork(
        self, wishes: Mapping[str, Any], channel: int, errors: int, seconds: float = ANSWER_SECONDS
    ) -> ProcessHandle:
        """A new child that talks on `channel` and writes its standard error to `errors`.

        Raises `ForkServerError`, also when imports are not done after `seconds`.
        """
        self._send(wishes, [channel, errors])
        limit = min(seconds, ANSWER_SECONDS)
        late = f"its imports were not done after {limit:g} s (measure.timeout_seconds)"
        process = ProcessHandle(self._number(limit, late))
        self._is_preparing = False
        return process

    def _send(self, wishes: Mapping[str, Any], descriptors: list[int]) -> None:
        try:
            socket.send_fds(self.control, [json.dumps(wishes).encode()], descriptors)
        except OSError as error:
            raise ForkServerError(f"the fork server does not listen ({error})") from None

    def exit_code(self) -> int:
        """How the child, which is ending, did so, as `subprocess` says it.

        What it started has then ended, too. Raises `ForkServerError`.
        """
        return self._number(CLOSING_SECONDS)

    def _number(self, seconds: float, late: str = "the fork server does not answer") -> int:
        self.control.settimeout(seconds)
        try:
            text = self.control.recv(64)
        except TimeoutError:
            raise ForkServerError(late) from None
        except OSError as error:
            raise ForkServerError(f"the fork server does not answer ({error})") from None
        if not text:
            raise ForkServerError("the fork server has ended")
        return int(text)

    def close(self) -> None:
        """Let it end, now that it has no child."""
        if self._is_preparing:  # for nobody any more; it would go on until all is imported
            self.abandon(has_child=False)
            return
        self.control.close()
        try:
            self._process.wait(CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(CLOSING_SECONDS)

    def abandon(self, *, has_child: bool) -> None:
        """Let it end its child with all that this started, or else kill it, and it dies at once."""
        self.control.close()  # which it hears unless it is importing
        try:
            if has_child:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(ENDING_SECONDS)
        finally:  # interrupted again
            self._process.kill()
            self._process.wait(CLOSING_SECONDS)


class ProcessHandle:
    """Another process's child, to be killed but not waited for.

    By a descriptor where the system has them: the number of a process that has ended may be given
    to another one, which must not be killed in its place.
    """

    def __init__(self, process_id: int) -> None:
        self._id = process_id
        self._descriptor: int | None = None
        with suppress(OSError, AttributeError):
            self._descriptor = os.pidfd_open(process_id)

    def kill(self) -> None:
        """Where the system has no such descriptors, by its number."""
        with suppress(ProcessLookupError):
            if self._descriptor is None:
                os.kill(self._id, signal.SIGKILL)
            else:
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def kill_group(self) -> None:
        """The process and its group, which has its number."""
        if self._is_ours():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._id, signal.SIGKILL)
        self.kill()

    def _is_ours(self) -> bool:
        """Whether no other process can have got the number.

        It is taken for as long as the process is not reaped, and after that by its group.
        """
        if self._descriptor is None:
            return False
        try:
            signal.pidfd_send_signal(self._descriptor, 0)
        except ProcessLookupError:
            return not Path(f"/proc/{self._id}").exists()
        return True

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _environment(place: Place) -> dict[str, str]:
    """A case takes turns of its own, also where this process has one."""
    return {name: value for name, value in place.environment().items() if name != TURN}
