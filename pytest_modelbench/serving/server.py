"""A server of ours: started, waited for, asked how it is, and ended with all it started."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.redaction import without_credentials
from pytest_modelbench.serving.environment import (
    directory_of,
    environment_of,
    filled_in,
    words_of,
)
from pytest_modelbench.serving.guard_client import End, GuardClient, ServerError
from pytest_modelbench.serving.memory import ServerMemory
from pytest_modelbench.serving.ports import HeldPort, Listener, in_words, is_free, listeners_at
from pytest_modelbench.serving.probe import status_of
from pytest_modelbench.serving.spec import ServeSpec
from pytest_modelbench.serving.words import last_words, shown

_PAUSE_SECONDS = 0.05
_ANSWER_SECONDS = 10.0
"""For one answer while the server is not ready."""
_CLOCK_ERROR_SECONDS = 1.0
"""By so much the times at which processes started may be off."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MOST_STARTS = 3
_FORWARDERS = ("rootlesskit", "slirp4netns", "pasta", "dockerd", "containerd")
"""They may run for long, and listen for a container that was just started."""


class EarlyEnd(ServerError):  # noqa: N818 - it is what became of the server
    """The server ended before it was ready."""


class Server:
    """A server that runs. Ended by `stop`, and by the end of this process however it comes."""

    def __init__(self, spec: ServeSpec, model: str = "", base_dir: Path | None = None) -> None:
        """Start it, and do not wait. `model` is what `{model}` stands for.

        Raises `Unavailable` where there is no such program, `ModelbenchError` where it cannot be
        started or its port is taken.
        """
        self.spec = spec
        self._held = HeldPort() if spec.port is None else None
        try:
            self.port: int = self._held.number if self._held else spec.port or 0
            self._url = self._ready_url(model)
            self._refuse_taken_ports()
            env = environment_of(spec, self.port, model)
            folder = directory_of(spec, base_dir or Path.cwd())
            words = words_of(spec, self.port, model, env.get("PATH", os.defpath), folder)
            self._started = time.time()
            self._guard = GuardClient(words, env, folder)
        except BaseException as error:
            self._release()
            if isinstance(error, OSError):
                raise ModelbenchError(f"serve.command cannot be started: {error}") from None
            raise
        self._env = env
        self.memory = ServerMemory(self._guard.pid)
        """Of its processes: `memory.metrics()`."""

    @classmethod
    def ready(cls, spec: ServeSpec, model: str = "", base_dir: Path | None = None) -> Self:
        """Start it and wait until it is ready; once more where another took its port meanwhile.

        Raises what `__init__` and `wait_until_ready` raise; then nothing of it is left.
        """
        for start in range(1, _MOST_STARTS + 1):
            server = cls(spec, model, base_dir)
            try:
                server.wait_until_ready()
            except BaseException as error:
                server.stop()
                lost = isinstance(error, EarlyEnd) and not is_free(server.port)
                if lost and spec.port is None and start < _MOST_STARTS:
                    continue
                raise
            return server
        raise AssertionError  # the last start returned or raised

    @property
    def base_url(self) -> str:
        """Where it answers, without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._guard.pid

    @property
    def end(self) -> End | None:
        """How it ended; None while it runs."""
        return self._guard.wait(0)

    @property
    def log(self) -> str:
        """The end of what it printed, without keys."""
        with suppress(ServerError):  # its guard has died: nobody knows
            return shown(self._guard.tail(), self._env)
        return ""

    def wait_until_ready(self) -> None:
        """Raises `ServerError` when it is not in time, and `EarlyEnd` as soon as it has ended."""
        ready = self.spec.ready
        deadline = time.monotonic() + ready.timeout_seconds
        while True:
            left = deadline - time.monotonic()
            seconds = max(0.01, min(_ANSWER_SECONDS, left))
            answer = status_of(self._url, seconds, lambda: self.end is not None)
            # First, or the answer of somebody else would count for a server that could not start.
            end = self._guard.wait(_PAUSE_SECONDS if left > 0 else 0)
            if end is not None:
                raise self._error(EarlyEnd, f"{end} before it was ready")
            if self._is_right(answer):
                self._refuse_a_stranger()
                self.memory.note_ready()
                return
            if left <= 0:
                said = f"status {answer}" if isinstance(answer, int) else answer
                url = without_credentials(self._url)
                limit = f"{ready.timeout_seconds:g} s (serve.ready.timeout_seconds)"
                raise self._error(ServerError, f"was not ready within {limit}: {url} said {said}")

    def check(self) -> None:
        """Raises `ServerError`, with its last words, when it has ended by itself."""
        if (end := self.end) is not None:
            raise self._error(ServerError, f"{end} while it was needed")

    def stop(self) -> End | None:
        """End it, and all it started: asked first, killed after `stop_timeout_seconds`.

        How it ended, where that is known. May be called again.
        """
        if self._guard.end is None:
            self.memory.look()
        try:
            return self._guard.stop(self.spec.stop_timeout_seconds)
        finally:
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _ready_url(self, model: str) -> str:
        url = filled_in(self.spec.ready.url, self.port, model)
        return f"{self.base_url}{url}" if url.startswith("/") else url

    def _is_right(self, answer: int | str) -> bool:
        if not isinstance(answer, int):
            return False
        wanted = self.spec.ready.status
        return 200 <= answer < 300 if wanted is None else answer == wanted

    def _local_ports(self) -> set[int]:
        """Where it listens, and where it says that it is ready, if that is on this machine."""
        parts = urlsplit(self._url)
        ports = {self.port}
        if parts.hostname in _LOOPBACK:
            ports.add(parts.port or (443 if parts.scheme == "https" else 80))
        return ports

    def _refuse_taken_ports(self) -> None:
        for port in sorted(self._local_ports()):
            if not is_free(port):
                who = in_words(listeners_at(port))
                raise ModelbenchError(
                    f"port {port}, which serve.command is to listen at, is already taken"
                    f"{f' by {who}' if who else ''}: end that, or leave serve.port out and say "
                    "{port} in serve.command"
                )

    def _refuse_a_stranger(self) -> None:
        """Who answers must not have been there before the server was started.

        It need not be a child of the server: some have others listen for them.
        """
        strangers: list[Listener] = []
        for port in self._local_ports():
            found = listeners_at(port)
            earliest = self._started - _CLOCK_ERROR_SECONDS
            if found and all(one.started < earliest for one in found):
                strangers += [one for one in found if one.name not in _FORWARDERS]
        if strangers:
            raise self._error(
                ServerError,
                f"does not listen at port {self.port}, {in_words(strangers)} does",
            )

    def _error(self, kind: type[ServerError], what: str) -> ServerError:
        log = self.log
        error = kind(f"serve.command {what}; its last words: {last_words(log)}")
        if log:
            error.add_note(f"What the server printed last:\n{log}")
        return error

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.release()
