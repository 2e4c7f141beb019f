"""What is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, complete but for what the connection adds (Host, Content-Length)."""

    method: str
    url: str
    """Absolute, `http` or `https`; without a name or a password."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What anybody may see."""
    body: bytes = b""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers with keys: never shown, never sent to another host than that of `url`."""

    @property
    def parts(self) -> SplitResult:
        return urlsplit(self.url)
