"""How an endpoint is loaded, as a suite may say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_modelbench.documents.strict_model import StrictModel

Rate = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
MOST_REQUESTS = 10_000_000
NOT_IN_FINGERPRINT = {"workers", "timeout_seconds", "retries", "max_response_mb"}
"""What does not change an answer, or how long one took that came."""


class Slo(StrictModel):
    """What must hold: each is a percentile (or the mean) of a latency, and the most it may be."""

    p50_ttft_ms: Milliseconds | None = None
    p95_ttft_ms: Milliseconds | None = None
    p99_ttft_ms: Milliseconds | None = None
    mean_ttft_ms: Milliseconds | None = None
    p50_tpot_ms: Milliseconds | None = None
    p95_tpot_ms: Milliseconds | None = None
    p99_tpot_ms: Milliseconds | None = None
    mean_tpot_ms: Milliseconds | None = None
    p95_itl_ms: Milliseconds | None = None
    p99_itl_ms: Milliseconds | None = None
    p50_latency_ms: Milliseconds | None = None
    p95_latency_ms: Milliseconds | None = None
    p99_latency_ms: Milliseconds | None = None
    mean_latency_ms: Milliseconds | None = None
    max_error_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The largest share of requests that may fail."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        if not any(name != "max_error_share" for name in given):
            yield "an empty slo: name what must hold, such as p99_ttft_ms"


class Sweep(StrictModel):
    """Several rates one after the other."""

    rates: Annotated[list[Rate], Field(min_length=2)] | None = None
    """Requests a second, in this order; without them they are doubled until the knee is passed."""
    start: Rate = 1.0
    """The first rate, where `rates` is not given."""
    max_rate: Rate = 10_000.0
    """No higher rate is tried."""
    refine: Annotated[int, Field(ge=0, le=20)] = 4
    """How often the bracket of the best rate is halved afterwards."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        if given.get("rates") is not None:
            for name in ("start", "max_rate", "refine"):
                if name in given:
                    yield f"'rates' and {name!r} exclude each other"


class LoadSpec(StrictModel):
    """Closed (`concurrency`) or open (`rate`) loop, how requests arrive, and for how long."""

    concurrency: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Closed loop: so many requests under way at all times. Without it and `rate`: the runner's
    own. With `rate`: no more than so many under way; others wait, which counts."""
    rate: Rate | None = None
    """Open loop: requests a second, sent whether or not earlier ones are answered."""
    arrival: Literal["constant", "poisson", "gamma"] = "constant"
    """Open loop: how the gaps between requests are: all equal, or drawn from a distribution."""
    burstiness: Annotated[float, Field(gt=0, le=1e3)] | None = None
    """Of `gamma`: the shape of the gaps; 1 is `poisson`, less comes in bursts, more is evener."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """Of the arrivals."""
    requests: Annotated[int, Field(ge=1, le=MOST_REQUESTS)] | None = None
    """Measured requests; they go round the dataset. Without it and `seconds`: every sample once."""
    seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """Nothing is sent after so many seconds of the measured window; with `rate` and `concurrency`,
    what waits for a place then has as long again, and fails."""
    warmup_requests: Annotated[int, Field(ge=0, le=MOST_REQUESTS)] = 0
    """Requests before the measured window, under the same load."""
    ramp_seconds: Annotated[float, Field(ge=0, le=3600)] = 0.0
    """Before the measured window the load rises from nothing for so long."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Processes that send; the arrivals are the same whatever their number."""
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    """Of one attempt, from sending to the end of its answer."""
    retries: Annotated[int, Field(ge=0, le=100)] = 3
    """How often a request is sent again after a transport error, or a status that may pass (429,
    503, ...)."""
    max_response_mb: Annotated[float, Field(gt=0, le=1e4)] = 64.0
    """A longer answer (10^6 bytes) is an error."""
    slo: Slo | None = None
    """What must hold: it is reported, and decides a `sweep`, which finds the highest rate at which
    it does; what fails a case is a criterion with `max` or `min`."""
    sweep: Sweep | None = None
    """Several rates instead of one, to find the highest that the endpoint stands."""
    verify_tls: bool = True
    """Whether certificates are checked; `false` is recorded in the result."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        if given.get("sweep") is not None and given.get("rate") is not None:
            yield "'sweep' and 'rate' exclude each other: a sweep tries rates itself"
        is_open = given.get("rate") is not None or given.get("sweep") is not None
        arrival = given.get("arrival", "constant")
        if "arrival" in given and not is_open:
            yield "'arrival' needs 'rate' or 'sweep': in a closed loop answers say when to send"
        if (arrival == "gamma") != (given.get("burstiness") is not None):
            yield "'arrival': 'gamma' and 'burstiness' need each other"
        if given.get("sweep") is not None and not (given.get("requests") or given.get("seconds")):
            yield "'sweep' needs 'requests' or 'seconds': how long each rate is tried"
        yield from _too_many(given)

    def overridden_by(self, other: LoadSpec) -> LoadSpec:
        """This, and what `other` sets, which takes precedence; `rate` and `sweep` oust each other.

        Raises `ValueError` where what they say together contradicts itself.
        """
        given, own = self.model_dump(exclude_unset=True), other.model_dump(exclude_unset=True)
        for one, another in (("rate", "sweep"), ("sweep", "rate")):
            if own.get(one) is not None and another not in own:
                given.pop(another, None)
        if own.get("concurrency") is not None and not {"rate", "sweep"} & set(own):
            for name in ("rate", "sweep", "arrival", "burstiness"):
                given.pop(name, None)
        for sentence in self.conflicts({**given, **own}):
            raise ValueError(sentence)
        return LoadSpec.model_validate({**given, **own})

    @property
    def is_open(self) -> bool:
        return self.rate is not None or self.sweep is not None


def _too_many(given: Mapping[str, Any]) -> Iterator[str]:
    """All arrivals of an open loop are in memory before the first is sent."""
    names = ("rate", "seconds", "ramp_seconds")
    numbers = [given.get(name) or 0.0 for name in names]
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers):
        return  # which is a fault of its own
    rate, seconds, ramp = numbers
    requests = rate * ((0.0 if given.get("requests") else seconds) + ramp / 2)
    if requests > MOST_REQUESTS:
        yield (
            f"'rate' {rate:g} over 'seconds' {seconds:g} and 'ramp_seconds' {ramp:g} are "
            f"{requests:,.0f} requests, more than {MOST_REQUESTS:,}: lower one, or give 'requests'"
        )
