"""When the requests of an open loop are to be sent.

There is one process of arrivals, drawn from `LoadSpec.seed`, whatever the number of processes that
send: each computes all of it and takes its share. It is drawn with gaps of mean 1 and stretched to
the rate afterwards, so that the ramp is the beginning of the same process, only slower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_modelbench.load.reply import Part
from pytest_modelbench.load.spec import MOST_REQUESTS, LoadSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DRAWN_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Intended times: those of the ramp first, then the warm-up's, then the measured ones."""

    offsets_ns: NDArray[np.int64]
    """Ascending, from the beginning of the load."""
    ramp: int
    """How many belong to the ramp."""
    warmup: int

    @property
    def measured(self) -> int:
        return len(self.offsets_ns) - self.before

    @property
    def before(self) -> int:
        """How many come before the measured ones."""
        return self.ramp + self.warmup

    def part(self, number: int) -> Part:
        """To which part the request of that number belongs."""
        if number >= self.before:
            return "measured"
        return "ramp" if number < self.ramp else "warmup"


def arrivals(spec: LoadSpec, rate: float, samples: int) -> Arrivals:
    """All arrivals at `rate`; `samples` is how many are measured where the spec has no bound.

    Measured ones that are drawn are stretched, all alike, to take as long as so many take at that
    rate: of a few hundred, chance would else make the rate differ by several per cent.
    """
    import numpy as np

    measured = measured_count(spec, rate, samples)
    ramp_units = rate * spec.ramp_seconds / 2  # what arrives while the rate rises from 0
    units = _Units(spec)
    while not units.hold(ramp_units, spec.warmup_requests + measured):
        units.draw_more()
    at = units.at
    ramp = int(np.searchsorted(at, ramp_units))
    before = ramp + spec.warmup_requests
    at = at[: before + measured]
    if measured and spec.arrival != "constant":
        begin = at[before - 1] if before else 0.0
        at[before:] = begin + (at[before:] - begin) * (measured / (at[-1] - begin))
    seconds = spec.ramp_seconds + (at - ramp_units) / rate
    if ramp:
        seconds[:ramp] = np.sqrt(2 * spec.ramp_seconds * at[:ramp] / rate)
    offsets = np.round(seconds * 1e9).astype(np.int64)
    return Arrivals(offsets, ramp, spec.warmup_requests)


def measured_count(spec: LoadSpec, rate: float, samples: int) -> int:
    """How many requests are measured.

    >>> measured_count(LoadSpec(rate=10.0, seconds=30.0, requests=500), 10.0, samples=7)
    300
    """
    limits = [spec.requests] if spec.requests is not None else []
    if spec.seconds is not None:
        limits.append(max(1, round(spec.seconds * rate)))
    return min([*limits, MOST_REQUESTS]) if limits else samples


class _Units:
    """Arrivals with a mean gap of 1, drawn as far as they are needed."""

    def __init__(self, spec: LoadSpec) -> None:
        import numpy as np

        self._random = np.random.default_rng(spec.seed)
        self._arrival, self._shape = spec.arrival, spec.burstiness or 1.0
        self.at: NDArray[np.float64] = np.empty(0)
        self._end = 0.0

    def hold(self, ramp: float, after: int) -> bool:
        """Whether so many are there after those of the ramp."""
        import numpy as np

        ramped = int(np.searchsorted(self.at, ramp))
        return ramped < len(self.at) and len(self.at) >= ramped + after

    def draw_more(self) -> None:
        import numpy as np

        count = max(_DRAWN_AT_ONCE, len(self.at))
        if self._arrival == "constant":
            new = self._end + np.arange(count, dtype=np.float64)
            self._end += count
        else:
            if self._arrival == "poisson":
                gaps = self._random.standard_exponential(count)
            else:
                gaps = self._random.standard_gamma(self._shape, count) / self._shape
            new = self._end + np.cumsum(gaps)
            self._end = float(new[-1])
        self.at = np.concatenate([self.at, new])
