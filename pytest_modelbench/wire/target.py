"""A URL that can be asked, in the parts that a connection needs."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.redaction import printable, without_credentials

_PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[^\x21-\x7e]")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9.])?")


class Origin(NamedTuple):
    """Whom keys belong to."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as a Host header has them: without the port where it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


class Target(NamedTuple):
    """Where a request goes."""

    origin: Origin
    path: str
    """With the query: what the request line has."""
    address: str
    """For people: without the query, which may hold what is nobody's business."""


def target_of(url: str) -> Target:
    """The parts of `url`. Raises `ModelbenchError` for one that no request may be sent to.

    >>> target_of("http://[::1]:8000/v1/models?key=a")[1:]
    ('/v1/models?key=a', 'http://[::1]:8000/v1/models')
    """
    shown = printable(without_credentials(url.split("?", 1)[0].split("#", 1)[0]))
    # urlsplit() drops line breaks silently, so this comes first
    if found := _FORBIDDEN.search(url):
        raise ModelbenchError(
            f"the URL {shown!r} has {_named(found[0])} at place {found.start() + 1}: "
            "write what is not plain ASCII as %XX"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ModelbenchError(f"{shown!r} is not a URL: {error}") from None
    if parts.scheme not in _PORTS:
        raise ModelbenchError(f"the URL {shown!r} must begin with http:// or https://")
    if "@" in parts.netloc:
        raise ModelbenchError(
            f"the URL {shown!r} holds a name or a password: keys go in headers, not in URLs"
        )
    if port == 0:
        raise ModelbenchError(f"the URL {shown!r} has port 0: a port is 1 to 65535")
    origin = Origin(parts.scheme, _host(parts, shown), port or _PORTS[parts.scheme])
    path = parts.path or "/"
    line = f"{path}?{parts.query}" if parts.query else path
    return Target(origin, line, f"{origin}{path}")


def _host(parts: SplitResult, shown: str) -> str:
    host = parts.hostname or ""
    if ":" in host:
        try:
            address = ipaddress.IPv6Address(host)
            if address.scope_id is not None:  # means something on one machine only
                raise ValueError
            return str(address)
        except ValueError:
            raise ModelbenchError(f"the URL {shown!r}: {host!r} is not an IPv6 address") from None
    if not _HOST_NAME.fullmatch(host):
        raise ModelbenchError(f"the URL {shown!r}: {host!r} is not the name of a host")
    return host


def _named(character: str) -> str:
    return "a space" if character == " " else f"the character {character!a}"
