"""Whether the client was the bottleneck: then its figures say nothing about the server.

A client that is late is only at fault where it matters. Ten milliseconds spoil a time to the first
token of 50 ms and are nothing beside an answer that takes five seconds. So what the client
adds is held against the median of what is measured:

- the 99th percentile of how late requests were taken up, or pieces of answers noticed, is more than
  10 % of the median time to the first token (of the latency, where answers come whole) and more
  than 1 ms; of fewer than 100 it is the 90th, or one late one would decide;
- the loop once stood still for more than 50 ms and more than 10 % of that median (one pause of the
  machine is in the maximum of everything);
- the thread that sends kept a core more than 95 % busy: beyond that it would be late, and what
  it measures is how fast it is itself.

Waiting for a connection, for a place (`concurrency` beside `rate`) or between attempts is no fault
of the client's. It is in the lag of sending, not in how late requests were taken up.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from pytest_modelbench.measure.percentiles import interpolated

LATE_SHARE, LATE_LEAST_MS = 0.10, 1.0
FEWEST_FOR_P99 = 100
STALL_MS = 50.0
BUSY_SHARE = 0.95
BUSY_LEAST_MS = 200.0
"""Over less the share of a core says nothing."""
MORE_WORKERS = "give 'load' more 'workers', or the machine less else to do"


@dataclass(slots=True)
class LoopHealth:
    """How the loop of one process that sends fared while it measured."""

    worker: int = 0
    delays_ns: array[int] = field(default_factory=lambda: array("q"))
    """How late it noticed what it was told, looked at a hundred times a second."""
    processor_ns: int = 0
    """Of the thread that sends, in `wall_ns`."""
    wall_ns: int = 0

    @property
    def longest_stall_ms(self) -> float:
        return max(self.delays_ns, default=0) / 1e6

    @property
    def busy_share(self) -> float:
        """Of one core."""
        return self.processor_ns / self.wall_ns if self.wall_ns else 0.0


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a delay of the client is held against."""

    name: str
    median_ms: float

    def allows(self, ms: float) -> bool:
        return ms <= LATE_SHARE * self.median_ms

    @property
    def text(self) -> str:
        return f"more than {LATE_SHARE:.0%} of the median {self.name}, {_ms(self.median_ms)}"


def client_limits(
    yardstick: Yardstick | None, late_ns: Sequence[int], loops: Sequence[LoopHealth]
) -> list[str]:
    """What shows that the client was the bottleneck, in sentences; empty where nothing does.

    `late_ns` is how late each measured request was taken up. Without a yardstick nothing was
    answered: what is judged then is the core alone.
    """
    found = []
    if yardstick is not None:
        late = _late(yardstick, late_ns)
        found += [late] if late else []
        found += [text for loop in loops if (text := _slow(yardstick, loop, len(loops)))]
    return found + [text for loop in loops if (text := _busy(loop, len(loops)))]


def _late(yardstick: Yardstick, late_ns: Sequence[int]) -> str:
    percent, late = _all_but_few(late_ns)
    if late <= LATE_LEAST_MS or yardstick.allows(late):
        return ""
    return (
        f"the client was late: {percent} % of the requests were taken up within {_ms(late)} "
        f"of when they could have been sent, {yardstick.text}: {MORE_WORKERS}"
    )


def _slow(yardstick: Yardstick, loop: LoopHealth, loops: int) -> str:
    who = _who(loop, loops)
    (percent, late), longest = _all_but_few(loop.delays_ns), loop.longest_stall_ms
    if late > LATE_LEAST_MS and not yardstick.allows(late):
        return (
            f"{who} was slow: it noticed {percent} % of what arrived within {_ms(late)}, "
            f"{yardstick.text}: {MORE_WORKERS}"
        )
    if longest > STALL_MS and not yardstick.allows(longest):
        return f"{who} stood still for {_ms(longest)}, {yardstick.text}: {MORE_WORKERS}"
    return ""


def _busy(loop: LoopHealth, loops: int) -> str:
    if loop.wall_ns < BUSY_LEAST_MS * 1e6 or loop.busy_share <= BUSY_SHARE:
        return ""
    return (
        f"{_who(loop, loops)} kept a core {loop.busy_share:.0%} busy, more than {BUSY_SHARE:.0%}: "
        f"{MORE_WORKERS}"
    )


def _who(loop: LoopHealth, loops: int) -> str:
    return "the client" if loops == 1 else f"worker process {loop.worker + 1} of {loops}"


def _all_but_few(values_ns: Sequence[int]) -> tuple[int, float]:
    """Which percentile was taken, and it in ms."""
    percent = 99 if len(values_ns) >= FEWEST_FOR_P99 else 90
    return percent, interpolated(sorted(values_ns), percent / 100) / 1e6 if values_ns else 0.0


def _ms(ms: float) -> str:
    return f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.3g} s"
