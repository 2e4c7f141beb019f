"""Every call of a case as it was timed."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Literal

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.results.fields import Count, Ordinal, Text
from pytest_modelbench.results.packed import Packed, pack, unpack

if TYPE_CHECKING:
    from pytest_modelbench.measure.timing import TimedCalls
    from pytest_modelbench.measure.warmup import WarmUp


class TimingRecord(StrictModel):
    """The calls behind a case's latencies, and why there are as many as there are."""

    warmup: Packed
    """The first call and the warm-up calls, in ns, in the order made; none of them counts."""
    warmup_ended_by: Literal["steady", "count", "max_seconds", "max_samples"]
    """`steady`: the series was; `count`: the suite asked for so many; the others are limits."""
    warmup_rule: Text
    """How it was decided, with the figures it was decided on."""
    durations: Packed
    """Every successful timed call, in ns, in the order made."""
    first_round: Count
    """How many of them went once through the dataset."""
    repeated: Count
    """Calls after those repeat, over and over, the last so many of the first round."""
    stopped_by: Literal[
        "enough", "max_samples", "max_seconds", "first round", "nothing left", "error"
    ]
    """Why timing ended; `first round`: a limit was reached before the dataset was through;
    `nothing left`: every call of its last portion failed."""
    in_flight: Ordinal
    """How many calls were under way at once, at most."""

    @property
    def is_unsteady(self) -> bool:
        """Whether warm-up was to go on until the series is steady, and ended before it was."""
        return self.warmup_ended_by not in ("steady", "count")

    def durations_ns(self) -> array[int]:
        return unpack(self.durations)

    def warmup_ns(self) -> array[int]:
        return unpack(self.warmup)


def record_of_calls(warm: WarmUp, calls: TimedCalls) -> TimingRecord:
    """What was timed, as it stands in a run."""
    return TimingRecord(
        warmup=pack(warm.durations_ns),
        warmup_ended_by=warm.ended_by,
        warmup_rule=warm.rule,
        durations=pack(calls.durations_ns),
        first_round=calls.first_round,
        repeated=calls.repeated,
        stopped_by=calls.stopped_by,
        in_flight=calls.in_flight,
    )
