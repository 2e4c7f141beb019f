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

Gaps between tokens are far shorter than all that, so they have measures of their own, and a client
that spoils nothing but these is said to (`gap_faults`):

- of the gaps (ITL) each percentile is held against the same one of the loop's delays: both ends of
  a gap are noticed late, so what befalls one piece in a hundred is in the 99th percentile of the
  gaps and not in their median;
- in the time per output token of an answer (TPOT) only the delays of its first and last piece are
  left, spread over all of its tokens: so delays are held against the time between these two, and
  rare ones do it no harm;
- one pause of more than 50 ms is in the longest gap alone.

Again 10 % and 1 ms are what counts.

Waiting for a connection, for a place (`concurrency` beside `rate`) or between attempts is no fault
of the client's. It is in the lag of sending, not in how late requests were taken up.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_modelbench.measure.percentiles import SAMPLES_NEEDED, interpolated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LATE_SHARE, LATE_LEAST_MS = 0.10, 1.0
FEWEST_FOR_P99 = 100
STALL_MS = 50.0
BUSY_SHARE = 0.95
BUSY_LEAST_MS = 200.0
"""Over less the share of a core says nothing."""
MORE_WORKERS = "give 'load' more 'workers', or the machine less else to do"
_GAPS = {
    "itl_ms": "the gaps between tokens",
    "tpot_ms": "the time per output token",
    "max_itl_ms": "the longest gap between tokens",
}


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
    """Which figure of the window it is."""
    ms: float

    def allows(self, ms: float) -> bool:
        return ms <= LATE_SHARE * self.ms

    @property
    def text(self) -> str:
        return f"more than {LATE_SHARE:.0%} of the {self.name}, {_ms(self.ms)}"


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


def gap_faults(
    itl_ms: NDArray[np.float64], token_span_ms: NDArray[np.float64], loops: Sequence[LoopHealth]
) -> dict[str, str]:
    """What shows that gaps between tokens are the client's: by how the names of the metrics end
    that are spoilt, a sentence.

    `token_span_ms` is each answer's time from the first to the last token.
    """
    found: dict[str, str] = {}
    if not len(itl_ms):
        return found
    for loop in loops:
        for ending, text in _gaps_of(loop, itl_ms, token_span_ms):
            words = f"{_GAPS[ending]} ({ending.removesuffix('_ms')}): {_who(loop, len(loops))}"
            found.setdefault(ending, f"{words} {text}: {MORE_WORKERS}")
    return found


def _gaps_of(
    loop: LoopHealth, itl_ms: NDArray[np.float64], token_span_ms: NDArray[np.float64]
) -> Iterator[tuple[str, str]]:
    import numpy as np

    delays = sorted(loop.delays_ns)
    most = _most_percent(delays)
    for percent in sorted((one for one in SAMPLES_NEEDED if one <= most), reverse=True):
        gap = Yardstick(f"p{percent} gap", float(np.percentile(itl_ms, percent)))
        if text := _noticed(percent, delays, gap):
            yield "itl_ms", text
            break
    if len(token_span_ms):
        name = "median time from the first to the last token"
        if text := _noticed(most, delays, Yardstick(name, float(np.median(token_span_ms)))):
            yield "tpot_ms", text
    longest = Yardstick("longest gap", float(np.max(itl_ms)))
    if loop.longest_stall_ms > STALL_MS and not longest.allows(loop.longest_stall_ms):
        yield "max_itl_ms", f"stood still for {_ms(loop.longest_stall_ms)}, {longest.text}"


def _noticed(percent: int, delays_ns: Sequence[int], yardstick: Yardstick) -> str:
    """`delays_ns` ascending; empty where they are short beside the yardstick."""
    late = interpolated(delays_ns, percent / 100) / 1e6 if delays_ns else 0.0
    if late <= LATE_LEAST_MS or yardstick.allows(late):
        return ""
    return f"noticed {percent} % of what arrived within {_ms(late)}, {yardstick.text}"


def _late(yardstick: Yardstick, late_ns: Sequence[int]) -> str:
    percent = _most_percent(late_ns)
    late = interpolated(sorted(late_ns), percent / 100) / 1e6 if late_ns else 0.0
    if late <= LATE_LEAST_MS or yardstick.allows(late):
        return ""
    return (
        f"the client was late: {percent} % of the requests were taken up within {_ms(late)} "
        f"of when they could have been sent, {yardstick.text}: {MORE_WORKERS}"
    )


def _slow(yardstick: Yardstick, loop: LoopHealth, loops: int) -> str:
    who, longest = _who(loop, loops), loop.longest_stall_ms
    delays = sorted(loop.delays_ns)
    if text := _noticed(_most_percent(delays), delays, yardstick):
        return f"{who} was slow: it {text}: {MORE_WORKERS}"
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


def _most_percent(values: Sequence[int]) -> int:
    """The highest percentile that one value alone does not decide."""
    return 99 if len(values) >= FEWEST_FOR_P99 else 90


def _ms(ms: float) -> str:
    return f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.3g} s"
