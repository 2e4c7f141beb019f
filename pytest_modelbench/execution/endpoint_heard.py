"""What is kept of replies as they come, beside what a window keeps."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_modelbench.load.reply import Reply

if TYPE_CHECKING:
    from pytest_modelbench.load.window import Window

_UNKNOWN = -1


def _column() -> array[int]:
    return array("q")


@dataclass
class OfAddress:
    """The measured requests that one of several addresses was sent."""

    latencies_ns: array[int] = field(default_factory=_column)
    failed: int = 0


@dataclass
class Figures:
    """Of the measured requests of one window."""

    audio_seconds: float = 0.0
    """Of those that were answered, as the next."""
    service_seconds: float = 0.0
    addresses: dict[str, OfAddress] = field(default_factory=dict)


@dataclass
class Heard:
    """A few numbers of each reply, in columns; times in ns."""

    warm_up_ns: array[int] = field(default_factory=_column)
    """Latencies of what was answered before a measured window."""
    _first: tuple[int, int | None] | None = None
    """The first request's intended time and its latency, if it was answered."""
    _intended: array[int] = field(default_factory=_column)
    """Of measured requests, as all that follow."""
    _latency: array[int] = field(default_factory=_column)
    _service: array[int] = field(default_factory=_column)
    """-1 for one that failed."""
    _audio: array[int] = field(default_factory=_column)
    _address: array[int] = field(default_factory=_column)
    _addresses: dict[str, int] = field(default_factory=dict)

    def add(self, reply: Reply, audio_seconds: float | None) -> None:
        """Keep what is needed of a reply; `audio_seconds` is how long its sound is."""
        latency = reply.ended_ns - (reply.asked_ns or reply.intended_ns)
        if self._first is None or reply.intended_ns < self._first[0]:
            self._first = reply.intended_ns, None if reply.error else latency
        if reply.part != "measured":
            if not reply.error:
                self.warm_up_ns.append(latency)
            return
        self._intended.append(reply.intended_ns)
        self._latency.append(latency)
        self._service.append(_UNKNOWN if reply.error else reply.service_ns)
        self._audio.append(_UNKNOWN if audio_seconds is None else round(audio_seconds * 1e9))
        self._address.append(self._addresses.setdefault(reply.endpoint, len(self._addresses)))

    @property
    def first_latency_ns(self) -> int | None:
        """Of the first request of all; None where it was not answered."""
        return None if self._first is None else self._first[1]

    def of(self, window: Window) -> Figures:
        """Those of one window: of the rates of a sweep, each ends before the next begins."""
        found, names = Figures(), list(self._addresses)
        audio_ns = service_ns = 0
        rows = zip(
            self._intended, self._latency, self._service, self._audio, self._address, strict=True
        )
        for intended, latency, service, audio, address in rows:
            if not window.begin_ns <= intended <= window.end_ns:
                continue
            of_address = found.addresses.setdefault(names[address], OfAddress())
            if service == _UNKNOWN:
                of_address.failed += 1
                continue
            of_address.latencies_ns.append(latency)
            service_ns += service
            audio_ns += max(0, audio)
        found.audio_seconds, found.service_seconds = audio_ns / 1e9, service_ns / 1e9
        return found
