"""Whether an address answers, and with which status: asked once, in bounded time."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable
from urllib.parse import urlsplit

_MOST_BYTES = 1 << 16
_SLICE_SECONDS = 0.1
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)\b")


def status_of(url: str, seconds: float, is_vain: Callable[[], bool]) -> int | str:
    """The status with which a GET is answered, or in a few words why there is none.

    No more is read than the first line: a server need not end what it says. Waiting ends as well
    when `is_vain`, which is asked now and then.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    deadline = time.monotonic() + seconds
    try:
        with socket.create_connection((parts.hostname or "", port), seconds) as plain:
            connection = plain
            if secure:
                context = ssl.create_default_context()
                connection = context.wrap_socket(plain, server_hostname=parts.hostname)
            with connection:
                connection.sendall(_request(url))
                return _status(connection, deadline, is_vain)
    except TimeoutError:
        return "no answer in time"
    except OSError as error:
        return error.strerror or str(error)


def _request(url: str) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = (f"GET {target} HTTP/1.1", f"Host: {parts.netloc}", "Accept: */*", "Connection: close")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _status(connection: socket.socket, deadline: float, is_vain: Callable[[], bool]) -> int | str:
    said = b""
    connection.settimeout(_SLICE_SECONDS)
    while b"\n" not in said and len(said) < _MOST_BYTES:
        if time.monotonic() >= deadline or is_vain():
            raise TimeoutError
        try:
            part = connection.recv(4096)
        except TimeoutError:
            continue
        if not part:
            break
        said += part
    found = _STATUS.match(said)
    return int(found[1]) if found else "what answers does not speak HTTP"
