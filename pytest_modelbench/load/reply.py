"""What came of one request, small enough to keep millions of."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Literal

from pytest_modelbench.endpoints.contract import Answer, CountedBy

Part = Literal["warmup", "ramp", "measured"]


@dataclass(slots=True)
class Reply:
    """One sample that was asked, however many attempts it took. Times are `perf_counter_ns`."""

    place: int
    """Which of the samples."""
    part: Part
    intended_ns: int
    """When it was to be sent: latencies count from here. In a closed loop, when a place was free.
    """
    asked_ns: int = 0
    """Where the answer took several exchanges, when the last one could be sent: its latencies count
    from here. 0 where there was only one."""
    sent_ns: int = 0
    """When the last attempt was sent, of a sample that takes several requests that of the last."""
    first_sent_ns: int = 0
    """When the first attempt was sent: `first_sent_ns - intended_ns` is the client's lag."""
    ended_ns: int = 0
    """When its answer was whole; of a request that failed, when it was given up."""
    attempts: int = 0
    retry_ns: int = 0
    """Spent in attempts that were not answered, and waiting to try again; not service time."""
    late_ns: int = 0
    """How long after it could have been taken up it was: what is the client's fault, and not that
    of a full pool, a connection or a limit of `concurrency`."""
    token_ns: array[int] = field(default_factory=lambda: array("q"))
    """When each chunk that bears tokens came; empty where the answer came whole."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    earlier_tokens: tuple[int, int] = (0, 0)
    """Input and output of the exchanges before the last one, where the answer took several."""
    counted_by: CountedBy | None = None
    endpoint: str = ""
    """Which of several addresses answered."""
    answer: Answer | None = None
    """What was answered; dropped once it is not needed any more."""
    is_unreachable: bool = False
    """Of one that failed: whether there was not even a connection."""
    error: str = ""
    """Why there is no answer; empty when all is well."""

    @property
    def latency_ns(self) -> int:
        """From when it was to be sent to its end; where it took several exchanges, of the last."""
        return self.ended_ns - (self.asked_ns or self.intended_ns)

    @property
    def service_ns(self) -> int:
        """How long all its requests took, without attempts that had to be made again."""
        return self.ended_ns - self.first_sent_ns - self.retry_ns
