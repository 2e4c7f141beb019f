"""What came of one request, small enough to keep millions of."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Literal

from pytest_modelbench.endpoints.contract import Answer

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
    sent_ns: int = 0
    """When the attempt that was answered was sent; service time counts from here."""
    first_sent_ns: int = 0
    """When the first attempt was sent: `first_sent_ns - intended_ns` is the client's lag."""
    ended_ns: int = 0
    """When its answer was whole; of a request that failed, when it was given up."""
    attempts: int = 0
    token_ns: array[int] = field(default_factory=lambda: array("q"))
    """When each chunk that bears tokens came; empty where the answer came whole."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    answer: Answer | None = None
    """What was answered; dropped once it is not needed any more."""
    error: str = ""
    """Why there is no answer; empty when all is well."""
