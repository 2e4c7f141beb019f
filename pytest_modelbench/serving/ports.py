"""Ports of this machine: a free one for a server, and who listens at one."""

from __future__ import annotations

import errno
import os
import random
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.locks import DeviceLock, default_folder

_OF_CONNECTIONS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST, _END = 20_000, 32_000
_MOST_TRIES = 200


class Listener(NamedTuple):
    """Who listens at a port."""

    process: int
    started: float
    """Seconds since 1970."""
    name: str


class HeldPort:
    """A port nobody listens at, which no other session of this user takes until `release`.

    It is none of those the system gives to connections, so that none of them can take it either.
    Whoever takes it by its number still can: that is found out when the server does not start.
    """

    def __init__(self) -> None:
        for number in _candidates():
            lock = DeviceLock([_name(number)])
            if not lock.acquire(wait=False):
                continue
            if is_free(number):
                self.number = number
                self._lock = lock
                return
            lock.release()
        raise ModelbenchError("no free port was found for the server: give it one by 'port'")

    def release(self) -> None:
        with suppress(OSError):  # thousands of them would be left in time
            (default_folder() / f"{_name(self.number)}.lock").unlink()
        self._lock.release()


def is_free(port: int) -> bool:
    """Whether a server could listen at it now, at whatever address of this machine."""
    for family, address in ((socket.AF_INET6, "::"), (socket.AF_INET, "")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                if os.name == "posix":  # as servers do: what is only being closed does not matter
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except PermissionError:
            return True  # who may not listen there will hear so itself
        except OSError as error:
            if family == socket.AF_INET or error.errno == errno.EADDRINUSE:
                return False
    return True


def listeners_at(port: int) -> list[Listener]:
    """As far as the system tells who they are."""
    import psutil

    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return []
    ids = {
        one.pid
        for one in connections
        if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid
    }
    return [found for pid in sorted(ids) if (found := _listener(pid)) is not None]


def in_words(listeners: Iterable[Listener]) -> str:
    """For an error; empty where nobody is known."""
    return ", ".join(f"{one.name}, process {one.process}" for one in listeners)


def _listener(pid: int) -> Listener | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return Listener(pid, process.create_time(), process.name())
    except psutil.Error:
        return None


def _name(number: int) -> str:
    return f"port-{number}"


def _candidates() -> list[int]:
    low, high = _given_to_connections()
    numbers = [number for number in range(_FIRST, _END) if not low <= number <= high]
    numbers = numbers or list(range(_FIRST, _END))
    return random.sample(numbers, min(_MOST_TRIES, len(numbers)))


def _given_to_connections() -> tuple[int, int]:
    try:
        low, high = map(int, _OF_CONNECTIONS.read_text().split())
    except (OSError, ValueError):
        return 32_768, 65_535
    return low, high
