"""Several processes that send, seen from the one that wants to know what came of it."""

from __future__ import annotations

import pickle
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from os import getpid
from time import monotonic, perf_counter_ns
from typing import Any, Self

from pytest_modelbench.child_environment import environment_with_path
from pytest_modelbench.errors import ModelbenchError, one_line
from pytest_modelbench.load.frames import Frames, frame
from pytest_modelbench.load.health import LoopHealth
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.sender import ClientFactory, Counts
from pytest_modelbench.load.share import Work

READY_SECONDS = 60.0
_BEGIN_NS = 50_000_000
_READ_AT_ONCE = 1 << 20
_LOOK_SECONDS = 0.2


class WorkerProcess:
    """One of them. It ends with this process."""

    def __init__(self, work: Work, client_factory: ClientFactory) -> None:
        self.work = work
        self.health: LoopHealth | None = None
        self.counts = Counts(0, 0, None)
        self.seen: set[int] = set()
        """The numbers of requests whose reply has come."""
        self.is_ready = self.is_over = False
        self.fault = ""
        self._frames = Frames()
        self._message = _pickled(work, client_factory)
        self.channel, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", "pytest_modelbench.load.worker"]
        try:
            self.process = subprocess.Popen(
                [*command, str(theirs.fileno()), str(getpid())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment_with_path(),
            )
        except OSError as error:
            self.channel.close()
            raise ModelbenchError(f"a process that sends could not be started ({error})") from None
        finally:
            theirs.close()

    def tell(self) -> None:
        """What it has to do. It is read once the process has started, so start all before."""
        self._say(self._message)
        self._message = b""

    def go(self, start_ns: int) -> None:
        self._say(frame("go", start_ns))

    def read(self, take: Callable[[int, Reply], None]) -> None:
        """Take in what has come; raises what `take` raises."""
        try:
            data = self.channel.recv(_READ_AT_ONCE, socket.MSG_DONTWAIT)
        except OSError:
            data = b""
        if not data:
            self._ended()
        for kind, content in self._frames.add(data):
            self._hear(kind, content, take)

    def end(self) -> None:
        """At once, whatever it is doing."""
        self.channel.close()
        self.process.kill()
        self.process.wait()

    def _hear(self, kind: str, content: Any, take: Callable[[int, Reply], None]) -> None:
        if kind == "ready":
            self.is_ready = True
        elif kind == "replies":
            pickled, counts = content
            self.counts = counts or self.counts
            for one in pickled:
                number, reply = pickle.loads(one)
                self.seen.add(number)
                take(number, reply)
        elif kind == "done":
            self.health, self.is_over = content, True
        else:
            self.fault, self.is_over = content, True

    def _ended(self) -> None:
        if self.is_over:
            return
        self.is_over = True
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.fault = f"it ended {_how(self.process.returncode)} before it was done"

    def _say(self, message: bytes) -> None:
        with suppress(OSError):  # it has ended, which reading tells
            self.channel.sendall(message)


class Workers:
    """All of them. Leaving the `with` ends them."""

    def __init__(self, works: Sequence[Work], client_factory: ClientFactory) -> None:
        self.all: list[WorkerProcess] = []
        self._selector = selectors.DefaultSelector()
        try:
            for work in works:
                worker = WorkerProcess(work, client_factory)
                self.all.append(worker)
                self._selector.register(worker.channel, selectors.EVENT_READ, worker)
            for worker in self.all:
                worker.tell()
        except BaseException:
            self.end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        for worker in self.all:
            worker.end()
        self._selector.close()

    def begin(self) -> int:
        """Wait until each is ready, and let all begin at one time, which is returned."""
        deadline = monotonic() + READY_SECONDS
        while not all(worker.is_ready for worker in self.all):
            self._hear(lambda number, reply: None)
            for at, worker in enumerate(self.all):
                if worker.fault:
                    raise ModelbenchError(
                        f"worker process {at + 1} of {len(self.all)} cannot send: {worker.fault}"
                    )
            if monotonic() > deadline:
                raise ModelbenchError(
                    f"the worker processes were not ready within {READY_SECONDS:g} s"
                )
        start_ns = perf_counter_ns() + _BEGIN_NS
        for worker in self.all:
            worker.go(start_ns)
        return start_ns

    def run(self, take: Callable[[int, Reply], None], look: Callable[[], None]) -> None:
        """Until each is done or has ended. `look` is called several times a second."""
        next_look = monotonic()
        while not all(worker.is_over for worker in self.all):
            self._hear(take)
            if monotonic() >= next_look:
                look()
                next_look = monotonic() + _LOOK_SECONDS

    def _hear(self, take: Callable[[int, Reply], None]) -> None:
        for key, _ in self._selector.select(_LOOK_SECONDS):
            worker: WorkerProcess = key.data
            worker.read(take)
        for worker in self.all:
            if not worker.is_over and worker.process.poll() is not None:
                worker.read(take)  # to the end of what it has said
            if worker.is_over and worker.channel in self._selector.get_map():
                self._selector.unregister(worker.channel)


def _pickled(work: Work, client_factory: ClientFactory) -> bytes:
    try:
        return frame("work", (work, client_factory))
    except Exception as error:
        kind = type(work.endpoint)
        raise ModelbenchError(
            f"{kind.__module__}.{kind.__qualname__} cannot be sent to other processes: "
            f"{one_line(error)}; set 'workers' of 'load' to 1"
        ) from None


def _how(code: int | None) -> str:
    if code is None:
        return "its connection"
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
