"""How long a rate of a sweep is held.

Whether an endpoint keeps up shows once requests have come for several times as long as one takes:
until then it may take in what comes without answering as fast. So a rate is held longer than the
suite asks where that is too short, within bounds; what is too short even then tells nothing.
"""

from __future__ import annotations

from math import ceil, inf
from statistics import median

from pytest_modelbench.load.following import FEWEST
from pytest_modelbench.load.spec import MOST_REQUESTS, LoadSpec
from pytest_modelbench.load.window import Window

LATENCIES = 5
"""The median latencies that sending takes at least."""
_PLANNED_LATENCIES = 8
"""More, as they may grow with the rate, and arrivals be uneven."""
_MOST_TIMES, _MOST_SECONDS, _MOST_TIMES_SECONDS = 100, 60.0, 3
"""No rate is held for more than so many times the requests that were asked for, nor for more than
so many seconds, or so many times those that were asked for."""


def lasts_seconds(spec: LoadSpec) -> float:
    """How long requests are sent, as the suite bounds it."""
    return min(spec.seconds or inf, (spec.requests or inf) / (spec.rate or inf))


def held_at(spec: LoadSpec, rate: float, latency_seconds: float, answers: int = FEWEST) -> LoadSpec:
    """`spec` at one rate, for long enough to have so many answers of that latency."""
    found = spec.model_copy(update={"rate": rate, "sweep": None})
    asked = lasts_seconds(found)
    longer = max(answers / rate, _PLANNED_LATENCIES * latency_seconds)
    longer = min(longer, max(_MOST_SECONDS, _MOST_TIMES_SECONDS * asked))
    if spec.requests is not None:
        longer = min(longer, _MOST_TIMES * spec.requests / rate)
    if longer <= asked:
        return found
    update: dict[str, float] = {}
    if spec.requests is not None:
        update["requests"] = min(max(spec.requests, ceil(longer * rate - 1e-9)), MOST_REQUESTS)
    if spec.seconds is not None:
        update["seconds"] = max(spec.seconds, longer)
    return found.model_copy(update=update)


def median_latency_seconds(window: Window) -> float:
    """0 where nothing was answered."""
    latencies = window.answered.latencies
    return float(median(latencies)) / 1e9 if len(latencies) else 0.0


def too_short(window: Window) -> str:
    """Why nothing can be told of whether the endpoint keeps up; empty where it can."""
    seconds = (window.last_intended_ns - window.begin_ns) / 1e9
    latency = median_latency_seconds(window)
    if window.answers < FEWEST:
        what = f"{window.answers} requests were answered, of at least {FEWEST}"
    elif seconds < LATENCIES * latency:
        what = (
            f"requests were sent for {seconds:.3g} s, less than {LATENCIES} times the median "
            f"latency, {latency:.3g} s"
        )
    else:
        return ""
    return f"too short to tell: {what}: give more 'requests' or 'seconds'"
