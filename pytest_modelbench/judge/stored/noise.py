"""How much equal code differs from one session to the next: what is assumed, and what is seen.

Assumed is a scaled inverse chi-square distribution of the variance between sessions, with few
degrees of freedom (Gelman and others, Bayesian Data Analysis, section 2.6). Each earlier session of
the same thing corrects it, and it gives way: on a quiet machine it would otherwise outweigh any
history that there will ever be.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_modelbench.catalogue import ENERGY_METRICS, MEMORY_METRICS, in_catalogue
from pytest_modelbench.normal import Z_95_PERCENT

DEGREES = 4.0
"""What is assumed counts as much as five sessions would, at first."""
SESSIONS_TO_FORGET = 10
"""After so many further sessions only they count. By simulation (tests/judge/stored) that raises
no more false alarms, and equal code with 1 % of noise is passed at 5 % within 11 sessions."""
_WIDTHS_OF_95 = 2 * Z_95_PERCENT
"""Standard errors in a 95 % interval of a normal distribution."""
_LARGEST = 30.0
"""Of a logarithm: what is beyond is as good as infinite."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is assumed before there is any history."""

    sigma: float
    """Standard deviation between sessions: of the logarithm, or in the metric's unit."""
    degrees: float = DEGREES
    is_log: bool = True


@dataclass(frozen=True, slots=True)
class Kind:
    """Metrics that are noisy in the same way: the standard deviation as a share."""

    quiet: float
    disturbed: float
    """Where something is known to have gone on beside one of the sides."""


# docs/baselines.md derives these figures.
MEDIAN = Kind(0.06, 0.20)
MEAN = Kind(0.10, 0.30)
TAIL = Kind(0.15, 0.60)
ONCE = Kind(0.15, 0.40)
MEMORY = Kind(0.01, 0.01)

_KINDS = {
    **dict.fromkeys(("latency_ms", "p50_latency_ms"), MEDIAN),
    **dict.fromkeys(("p90_latency_ms", "p95_latency_ms", "p99_latency_ms"), TAIL),
    "max_latency_ms": TAIL,
    **dict.fromkeys(("first_latency_ms", "model_load_seconds", "compile_seconds"), ONCE),
    **dict.fromkeys(MEMORY_METRICS, MEMORY),
    **dict.fromkeys(ENERGY_METRICS, MEAN),
    **dict.fromkeys(("real_time_factor", "x_realtime", "stream_x_realtime"), MEAN),
}
_TIME_UNITS = ("s", "ms", "us", "ns")
_OF_TAILS = ("p90_", "p95_", "p99_", "max_")


def kind_of(metric: str, unit: str) -> Kind | None:
    """How a metric is noisy; None for one that measures neither time nor memory nor energy."""
    prefix, known = in_catalogue(metric)
    for name in (metric, known):
        if name in _KINDS:
            return _KINDS[name]
    if unit in _TIME_UNITS and metric.removeprefix(prefix).startswith(_OF_TAILS):
        return TAIL
    if unit in _TIME_UNITS or unit.endswith("/s"):
        return MEAN
    return MEMORY if unit == "MB" else None


def is_one_event(metric: str, kind: Kind) -> bool:
    """Whether a session has but one figure of it: then its noise is all between sessions."""
    prefix, _ = in_catalogue(metric)
    return kind in (ONCE, MEMORY) or metric.removeprefix(prefix).startswith("max_")


def peak_beside(metric: str) -> str:
    """The name of the peak that says how large the memory is of which a metric is an increase."""
    return "device_peak_vram_mb" if "vram" in metric else "peak_ram_mb"


def prior_of(kind: Kind | None, metric: str, peak: float | None, *, is_disturbed: bool) -> Prior:
    """What is assumed of a metric; of an unknown kind nothing is.

    `peak` is the highest memory of the case: an increase is a difference of two such figures, and
    as uncertain as they are, however small it is. Without it nothing is assumed of an increase.
    """
    is_increase = metric.endswith("_increase_mb")
    if kind is None or (is_increase and peak is None):
        return Prior(0.0, degrees=0.0, is_log=False)
    sigma = kind.disturbed if is_disturbed else kind.quiet
    if is_increase and peak is not None:
        return Prior(sigma * peak, is_log=False)
    return Prior(sigma)


@dataclass(frozen=True, slots=True)
class Noise:
    """The standard deviation between sessions, and how well it is known."""

    prior: Prior
    sessions: int
    """Of the same thing, from which it was learnt."""
    seen: float
    """Their standard deviation; 0 for fewer than two."""

    @property
    def is_log(self) -> bool:
        return self.prior.is_log

    @property
    def degrees(self) -> float:
        return self._assumed + self._learnt

    @property
    def sigma(self) -> float:
        if self.degrees <= 0:
            return math.inf
        squares = self._assumed * self.prior.sigma**2 + self._learnt * self.seen**2
        return math.sqrt(squares / self.degrees)

    @property
    def _learnt(self) -> int:
        """Degrees of freedom from sessions."""
        return max(self.sessions - 1, 0)

    @property
    def _assumed(self) -> float:
        """Degrees of freedom from the assumption."""
        return self.prior.degrees * max(0.0, 1 - self._learnt / SESSIONS_TO_FORGET)

    def with_more(self, sessions: int) -> Noise:
        """As it would be after further sessions that differ as much as those so far."""
        return Noise(self.prior, self.sessions + sessions, self.seen)


def noise_between(values: Sequence[float], prior: Prior) -> Noise:
    """What a metric's values in sessions of the same thing say, on top of what is assumed."""
    places = [math.log(one) for one in values if one > 0] if prior.is_log else list(values)
    seen = statistics.stdev(places) if len(places) > 1 else 0.0
    return Noise(prior, len(places), seen)


def own_error(value: float, low: float | None, high: float | None, *, is_log: bool) -> float | None:
    """The standard error of a value, or of its logarithm, by its 95 % interval in its own run.

    Where one end is not known, or has no logarithm, the other one says how wide it is: of a
    logarithm by the delta method, SE(ln x) = SE(x) / x. None where no end does.
    """
    ends = [end for end in (low, high) if end is not None and (end > 0 or not is_log)]
    if not ends or (is_log and value <= 0):
        return None
    if len(ends) == 2:
        width = math.log(ends[1] / ends[0]) if is_log else ends[1] - ends[0]
    elif is_log:
        width = 2 * math.expm1(min(abs(math.log(ends[0] / value)), _LARGEST))
    else:
        width = 2 * abs(ends[0] - value)
    return width / _WIDTHS_OF_95
