"""What was seen of the requests of a load, in columns: 8 bytes each, for millions of them."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_modelbench.endpoints.contract import CountedBy
from pytest_modelbench.load.health import LoopHealth, Yardstick, client_limits, gap_faults
from pytest_modelbench.load.reply import Part, Reply

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_ERRORS = 1000
"""Different texts that are kept."""


def _column() -> array[int]:
    return array("q")


@dataclass(slots=True)
class OfAddress:
    """The measured requests that one of several addresses was sent."""

    latencies_ns: array[int] = field(default_factory=_column)
    failed: int = 0


@dataclass(slots=True)
class Columns:
    """Of the measured requests that were answered, in the order in which that was known. In ns."""

    place: array[int] = field(default_factory=_column)
    """Which of the samples."""
    intended: array[int] = field(default_factory=_column)
    """Of the last of several exchanges, when it could be sent."""
    first_sent: array[int] = field(default_factory=_column)
    ended: array[int] = field(default_factory=_column)
    retrying: array[int] = field(default_factory=_column)
    late: array[int] = field(default_factory=_column)
    token_times: array[int] = field(default_factory=_column)
    """Of all requests, one after the other."""
    chunks: array[int] = field(default_factory=_column)
    """How many of `token_times` are each request's."""
    output_tokens: array[int] = field(default_factory=_column)
    """-1 where nobody knows."""

    def add(self, reply: Reply) -> None:
        self.place.append(reply.place)
        if reply.asked_ns:
            self.intended.append(reply.asked_ns)
            self.first_sent.append(reply.asked_ns)
            self.retrying.append(reply.sent_ns - reply.asked_ns)
        else:
            self.intended.append(reply.intended_ns)
            self.first_sent.append(reply.first_sent_ns)
            self.retrying.append(reply.retry_ns)
        self.ended.append(reply.ended_ns)
        self.late.append(reply.late_ns)
        self.token_times.extend(reply.token_ns)
        self.chunks.append(len(reply.token_ns))
        self.output_tokens.append(-1 if reply.output_tokens is None else reply.output_tokens)

    @property
    def latencies(self) -> NDArray[np.int64]:
        """From the intended times."""
        return _numbers(self.ended) - _numbers(self.intended)


@dataclass
class Window:
    """The measured part of a load, filled with `add`; figures are made of it afterwards."""

    answered: Columns = field(default_factory=Columns)
    begin_ns: int = 0
    """The first measured request's intended time; 0 where there was none."""
    end_ns: int = 0
    """When the last of them was answered or given up."""
    requests: int = 0
    """Measured ones, failed ones included."""
    failed: int = 0
    retries: int = 0
    """Attempts beyond the first, of all measured requests."""
    retry_ns: int = 0
    last_intended_ns: int = 0
    input_tokens: int = 0
    earlier_output_tokens: int = 0
    """Of the turns of conversations before the last ones, which `answered` has."""
    counted_by: Counter[CountedBy | None] = field(default_factory=Counter)
    """How many answers had their output counted by whom."""
    uncounted_input: int = 0
    """Answers of which nobody says how much they were given."""
    errors: Counter[str] = field(default_factory=Counter)
    """What measured requests failed with."""
    addresses: dict[str, OfAddress] = field(default_factory=dict)
    """Of the measured requests, by the address that was asked."""
    first_latency_ns: int | None = None
    """Of the first request of all; None where it was not answered."""
    before_ns: array[int] = field(default_factory=_column)
    """Latencies of what was answered before the measured requests."""
    parts: Counter[Part] = field(default_factory=Counter)
    spans: dict[str, array[int]] = field(
        default_factory=lambda: {"begins": array("q"), "ends": array("q")}
    )
    """When each request was under way, those before the measured ones included."""
    sent_ns: array[int] = field(default_factory=_column)
    """When each measured request was sent first, failed ones included."""
    loops: list[LoopHealth] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """What went wrong with the client itself."""
    _first_ns: int | None = None
    """When the first request of all was to be sent."""

    def add(self, reply: Reply) -> None:
        """Take in one request, of whatever part."""
        self.parts[reply.part] += 1
        if reply.first_sent_ns:
            self.spans["begins"].append(reply.first_sent_ns)
            self.spans["ends"].append(reply.ended_ns)
        latency_ns = None if reply.error else reply.latency_ns
        if self._first_ns is None or reply.intended_ns < self._first_ns:
            self._first_ns, self.first_latency_ns = reply.intended_ns, latency_ns
        if reply.part != "measured":
            if latency_ns is not None:
                self.before_ns.append(latency_ns)
            return
        of_address = self.addresses.setdefault(reply.endpoint, OfAddress())
        if not self.requests or reply.intended_ns < self.begin_ns:
            self.begin_ns = reply.intended_ns
        self.requests += 1
        self.end_ns = max(self.end_ns, reply.ended_ns)
        self.last_intended_ns = max(self.last_intended_ns, reply.intended_ns)
        self.retries += max(0, reply.attempts - 1)
        self.retry_ns += reply.retry_ns
        if reply.first_sent_ns:
            self.sent_ns.append(reply.first_sent_ns)
        if latency_ns is None:
            self.failed += 1
            of_address.failed += 1
            known = reply.error in self.errors or len(self.errors) < MOST_ERRORS
            self.errors[reply.error if known else "other errors"] += 1
            return
        of_address.latencies_ns.append(latency_ns)
        self.answered.add(reply)
        self.counted_by[reply.counted_by] += 1
        if reply.input_tokens is None:
            self.uncounted_input += 1
        else:
            self.input_tokens += reply.input_tokens + reply.earlier_tokens[0]
        self.earlier_output_tokens += reply.earlier_tokens[1]

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.begin_ns) / 1e9

    @property
    def answers(self) -> int:
        return self.requests - self.failed

    @cached_property
    def times(self) -> Times:
        """Made once; nothing may be added after."""
        return Times(self)

    @cached_property
    def client_limits(self) -> list[str]:
        """What shows that the client was the bottleneck; empty where nothing does."""
        found = client_limits(self._yardstick(), self.answered.late, self.loops)
        return self.broken + found

    @cached_property
    def gap_faults(self) -> dict[str, str]:
        """What shows that gaps between tokens alone are the client's: by how the names of the
        metrics end that are spoilt, a sentence."""
        return gap_faults(self.times.itl_ms, self.times.token_span_ms, self.loops)

    @property
    def gap_limits(self) -> list[str]:
        """The sentences alone; where there are `client_limits` all figures are the client's."""
        return list(self.gap_faults.values())

    def _yardstick(self) -> Yardstick | None:
        import numpy as np

        for name, values in (
            ("median time to the first token", self.times.ttft_ms),
            ("median latency", self.times.latency_ms),
        ):
            if len(values):
                return Yardstick(name, float(np.median(values)))
        return None


class Times:
    """Latencies in ms of what was answered, each as in `definitions.py`."""

    def __init__(self, window: Window) -> None:
        import numpy as np

        answered = window.answered
        intended, first_sent, ended = map(
            _numbers, (answered.intended, answered.first_sent, answered.ended)
        )
        self.latency_ms = (ended - intended) / 1e6
        self.service_latency_ms = (ended - first_sent - _numbers(answered.retrying)) / 1e6
        self.send_lag_ms = (first_sent - intended) / 1e6
        at, chunks = _numbers(answered.token_times), _numbers(answered.chunks)
        self._ends = np.cumsum(chunks)
        has_chunks = chunks > 0
        begins = self._ends - chunks
        first, last = at[begins[has_chunks]], at[self._ends[has_chunks] - 1]
        self.streamed = int(has_chunks.sum())
        """How many answers came in chunks."""
        self.ttft_ms = (first - intended[has_chunks]) / 1e6
        self.has_chunks = has_chunks
        gaps = np.diff(at)
        within = np.ones(len(gaps), dtype=bool)
        within[begins[has_chunks][1:] - 1] = False  # from one request to the next
        self.itl_ms = gaps[within] / 1e6
        tokens = _numbers(answered.output_tokens)
        tokens = np.where(tokens < 0, chunks, tokens)[has_chunks]
        # Of what came in one chunk nobody knows how long its tokens took.
        self.has_tpot = (tokens > 1) & (chunks[has_chunks] > 1)
        self.token_span_ms = (last - first)[self.has_tpot] / 1e6
        """From the first to the last token, as in `tpot_ms`."""
        self.tpot_ms = self.token_span_ms / (tokens[self.has_tpot] - 1)

    def gaps_of_requests(self) -> list[NDArray[np.float64]]:
        """The gaps of each answer that came in chunks, as in `ttft_ms`."""
        import numpy as np

        lengths = np.diff(self._ends[self.has_chunks], prepend=0) - 1
        return np.split(self.itl_ms, np.cumsum(lengths)[:-1]) if len(lengths) else []


def _numbers(column: array[int]) -> NDArray[np.int64]:
    import numpy as np

    return np.frombuffer(column, dtype=np.int64) if len(column) else np.empty(0, np.int64)
