"""What was seen of one request and its answer."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pytest_modelbench.wire.request import Request

FaultKind = Literal["connect", "tls", "timeout", "reset", "protocol", "too_large", "redirect"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no whole answer."""

    kind: FaultKind
    text: str
    """One sentence, without keys."""


@dataclass(slots=True)
class Exchange:
    """One attempt. Times are `perf_counter_ns`, which all processes of a machine share on Linux.

    Nothing in the body is interpreted here: what a piece means is told later, when it costs
    nobody's time.
    """

    sent_ns: int = 0
    """Just before the request's first byte was given to the kernel; 0 if it never was."""
    status: int = 0
    """The answer's status; 0 where its head never came whole."""
    headers: Sequence[tuple[str, str]] = ()
    """Of the answer, names in small letters."""
    head_ns: int = 0
    pieces: list[bytes] = field(default_factory=list)
    """The body, decoded of its transfer encoding, as it was read."""
    piece_ns: array[int] = field(default_factory=lambda: array("q"))
    """When each of `pieces` was read."""
    ended_ns: int = 0
    """When the answer was whole, or it was known that it never will be."""
    fault: Fault | None = None
    is_reused: bool = False
    """Whether the connection had served another request before."""
    http_version: str = "1.1"
    endpoint: str = ""
    """Which of several addresses answered; set by an `Endpoint` that has several."""
    afterwards: Request | None = None
    """What is left to be sent once this answer is taken down, such as what deletes a job; set by an
    `Endpoint`. It is in no time and no count, and nothing that becomes of it undoes the answer."""

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def is_ok(self) -> bool:
        """Whether the answer is whole and says success."""
        return self.fault is None and 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """The first header of that name (in small letters)."""
        return next((value for key, value in self.headers if key == name), None)
