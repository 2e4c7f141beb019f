"""How an endpoint was loaded, and what came of each rate that was tried."""

from __future__ import annotations

from typing import Literal

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.results.fields import Amount, Count, JsonObject, Ordinal, Text
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.packed import Packed


class AddressFigures(StrictModel):
    """One of several addresses."""

    requests: Count
    """Measured ones that it was sent."""
    failed: Count
    """Of these, those that it never answered."""
    p50_latency_ms: Amount | None
    """From the intended send time; None where nothing was answered."""


StageOutcome = Literal["met", "not met", "too short", "client", "held again"]
"""Of a rate of a sweep: whether it was met; or that this cannot be told, since it was held too
shortly or the client was the bottleneck; `held again`: the same, and the next stage is of the
same rate."""


class LoadStage(StrictModel):
    """A rate, or a number of requests at once, that was held for a while."""

    rate: Amount | None
    """Requests a second that were to be sent; None for a closed loop."""
    concurrency: Ordinal | None
    """The most requests under way at once; None where nothing limits them."""
    seconds: Amount
    """The measured window: from the first request's time to the last answer."""
    requests: Count
    """Measured ones, failed ones included."""
    failed: Count
    """Those that were never answered."""
    meets_slo: bool | None
    """Whether what the suite demands held; None where it demands nothing."""
    outcome: StageOutcome | None
    """Of a rate of a sweep, what came of it; None of a single load."""
    detail: str
    """Why not, or why the rate says nothing; empty when all is well."""
    client_limits: list[Text]
    """What shows that the client, not the endpoint, was the bottleneck."""
    metrics: dict[Text, Metric]
    """All figures of the window."""


class LoadRecord(StrictModel):
    """The load of a case."""

    mode: Literal["closed", "open", "sweep"]
    """So many requests at once, so many a second, or several rates one after the other."""
    spec: JsonObject
    """As the suite gives it, with the defaults."""
    workers: Ordinal
    """Processes that sent."""
    stages: list[LoadStage]
    """One, but for a sweep."""
    best: Count | None
    """Of a sweep, which stage has the highest rate that met what was demanded (from 0): the case's
    own metrics are of that one; None where none did, or there was no sweep."""
    ended: str
    """Of a sweep, what is to be known about where it ended; empty where it found the knee."""
    notes: list[Text]
    """What went wrong beside the requests, such as predictions that could not be written."""
    addresses: dict[Text, AddressFigures]
    """By address, where there are several."""
    errors: dict[Text, Count]
    """What requests failed with, and how many of each."""
    sent_at: Packed
    """When each measured request was to be sent, in ns after the first, of those answered."""
    ttft: Packed | None
    """The time to the first token of each of these, in ns; None where answers come whole."""

    @property
    def client_limits(self) -> list[str]:
        """Of the stage that the case's metrics are of."""
        return self.stages[self.best or 0].client_limits if self.stages else []
