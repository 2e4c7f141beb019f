"""What else the machine was doing during the timed calls, and whether that disturbed them."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from pytest_modelbench.measure.machine_counters import MachineCounters, Reading

# A hypervisor's own work is well below this; beyond it, every fiftieth moment is another guest's.
STEAL_SHARE = 0.02
# An idle system's own processes use a few per cent of one processor; on a machine of many, where
# they need not be in the way, one per cent of all. What they use is shared in any case: memory
# bandwidth, last-level cache, turbo.
OTHER_PROCESSORS = 0.10
OTHER_SHARE = 0.01
# The kernel accounts in ticks of 10 ms: what is less than five of them may be rounding.
OTHER_SECONDS = 0.05
# Governors and turbo move by a few per cent all the time; a limit of heat or power by far more.
FREQUENCY_SHARE = 0.90
# No threshold for switches: a model with more threads than processors takes them from itself.


@dataclass(frozen=True, slots=True)
class LoadSeen:
    """The machine during the timed calls, all parts together; None where it does not say."""

    seconds: float = 0.0
    processors: int = 1
    load_average_start: float | None = None
    load_average_end: float | None = None
    steal_share: float | None = None
    """Processor time that the hypervisor gave to others, of all there was."""
    other_cpu_share: float | None = None
    """Processor time of processes that neither are this one nor descend from it, of all."""
    involuntary_context_switches: int | None = None
    """How often a thread of this process lost its processor to another thread, whosever."""
    frequency_mhz_start: float | None = None
    """Frequencies are those of the fastest processor, before the first part and after each."""
    frequency_mhz_min: float | None = None
    frequency_mhz_mean: float | None = None
    thermal_throttle_count: int | None = None
    quota_throttled_seconds: float | None = None
    """Summed over processors, so that it may be more than `seconds`."""

    def disturbances(self) -> list[str]:
        """What disturbed the measurement, each with its figure; empty when nothing is known to."""
        found = []
        if self.steal_share is not None and self.steal_share > STEAL_SHARE:
            found.append(f"the hypervisor gave {self.steal_share:.1%} of the processor time away")
        others = (self.other_cpu_share or 0.0) * self.processors
        allowed = max(OTHER_PROCESSORS, OTHER_SHARE * self.processors)
        if others > allowed and others * self.seconds > OTHER_SECONDS:
            found.append(f"other processes kept {others:.2f} of {self.processors} processors busy")
        if self.quota_throttled_seconds:
            found.append(
                "the control group's processor quota stopped processes for "
                f"{self.quota_throttled_seconds:.3g} s"
            )
        if self.thermal_throttle_count:
            found.append(
                f"processors were slowed down because of their heat ({self.thermal_throttle_count} "
                "times)"
            )
        start, lowest = self.frequency_mhz_start, self.frequency_mhz_min
        if start and lowest and lowest < FREQUENCY_SHARE * start:
            found.append(f"the processor's frequency fell from {start:.0f} to {lowest:.0f} MHz")
        return found


class MachineLoad:
    """Reads the machine's counters before and after the timed calls, which may come in parts.

    A reading takes 0.06 ms and 2 microseconds for each further thread of the process (measured on
    two processors); a processor with files for frequency and heat adds 0.01 ms, up to 16 of them.
    """

    def __init__(self, counters: MachineCounters | None = None) -> None:
        self._counters = counters or MachineCounters()
        self._begun: Reading | None = None
        self._first: Reading | None = None
        self._last: Reading | None = None
        self._sums: dict[str, float] = {}
        self._frequency_sum, self._frequency_count = 0.0, 0
        self._frequency_min: float | None = None

    def start(self) -> None:
        self._begun = self._counters.read()

    def stop(self) -> None:
        begun, self._begun = self._begun, None
        if begun is None:
            return
        ended = self._counters.read()
        grown = {
            name: max(0.0, ended.counters[name] - before)
            for name, before in begun.counters.items()
            if name in ended.counters
        }
        if self._first is None:
            self._first, self._sums = begun, grown
            self._add_frequency(begun.frequency_mhz)
        else:
            # What was not known in one part is not known of the whole.
            self._sums = {
                name: self._sums[name] + value
                for name, value in grown.items()
                if name in self._sums
            }
        self._last = ended
        # Not the beginnings of later parts: a processor that had to wait for its turn is slow.
        self._add_frequency(ended.frequency_mhz)

    def __enter__(self) -> MachineLoad:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def seen(self) -> LoadSeen:
        """All parts so far."""
        if self._first is None or self._last is None:
            return LoadSeen(processors=self._counters.processor_count)
        sums, total = self._sums, self._sums.get("total")
        others = sums["busy"] - sums["own"] if {"busy", "own"} <= sums.keys() else None
        mean = self._frequency_sum / self._frequency_count if self._frequency_count else None
        return LoadSeen(
            seconds=sums["seconds"],
            processors=self._counters.processor_count,
            load_average_start=self._first.load_average,
            load_average_end=self._last.load_average,
            steal_share=_share(sums.get("steal"), total),
            other_cpu_share=_share(others, total),
            involuntary_context_switches=_whole(sums.get("switches")),
            frequency_mhz_start=self._first.frequency_mhz,
            frequency_mhz_min=self._frequency_min,
            frequency_mhz_mean=mean,
            thermal_throttle_count=_whole(sums.get("throttles")),
            quota_throttled_seconds=sums.get("quota_seconds"),
        )

    def disturbances(self) -> list[str]:
        """As `LoadSeen.disturbances`."""
        return self.seen.disturbances()

    def _add_frequency(self, megahertz: float | None) -> None:
        if megahertz is None:
            return
        self._frequency_sum += megahertz
        self._frequency_count += 1
        self._frequency_min = min(megahertz, self._frequency_min or megahertz)


def _share(part: float | None, total: float | None) -> float | None:
    """None where either is unknown, or the time was too short for a single tick."""
    if part is None or not total:
        return None
    return min(1.0, max(0.0, part / total))


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
