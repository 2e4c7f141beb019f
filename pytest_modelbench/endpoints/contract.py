"""What an endpoint is: how a sample becomes requests, and how an answer is read.

`Endpoint.prepare` is called for every sample before anything is timed; `Endpoint.ask` sends what it
takes, and is what is timed; `Endpoint.read` tells what came back, when that costs nobody's time.
An endpoint is pickled to the processes that send, so it holds settings, never connections.
"""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.runners.contract import Requirement, Runner, Session

if TYPE_CHECKING:
    from pytest_modelbench.datasets.samples import Sample
    from pytest_modelbench.registry import Candidate
    from pytest_modelbench.serving.server import Server
    from pytest_modelbench.wire.exchange import Exchange
    from pytest_modelbench.wire.request import Request

Send = Callable[["Request"], Awaitable["Exchange"]]
"""Sends a request, again where that may help, and gives the last attempt: one that `is_ok`.
Raises `EndpointError` where there is none."""
CountedBy = Literal["usage", "tokenizer", "chunks"]
"""Who counted tokens: the server, a tokenizer here, or nobody (one for each chunk that bears text).
"""


ENDPOINT = "endpoint"
"""The device of what is not on this machine, or not ours to place."""


class EndpointError(ModelbenchError):
    """A sample that was not answered, and why; without keys."""

    endpoint: str = ""
    """Which of several addresses did not answer it."""
    is_unreachable: bool = False
    """Whether there was not even a connection."""


@dataclass(slots=True)
class Answer:
    """What an answer says."""

    value: Any
    """What quality metrics compare with the sample's reference."""
    token_ns: array[int] = field(default_factory=lambda: array("q"))
    """When each chunk that bears tokens came; empty where the answer came whole."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    counted_by: CountedBy | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What else should stand in a file of predictions, such as a finish reason. JSON only."""
    asked_ns: int | None = None
    """Of an answer that took several exchanges, one after the other: when the last one, whose
    latencies are measured, could be sent. None: when the request was to be sent."""
    earlier_tokens: tuple[int, int] = (0, 0)
    """Of the exchanges before that last one: tokens of what they were given, and of what they
    answered. They count in rates, not in times per token."""


class Endpoint:
    """One address, or several, of one kind of API, with one model. Subclass it."""

    address: str = ""
    """Where it is, for people: `scheme://host:port/path`, without credentials."""
    secrets: tuple[str, ...] = ()
    """The keys it sends, so that no text that leaves here holds them."""
    properties: Mapping[str, Any] = {}
    """What could change the result, as the suite or the server says. JSON only; no keys."""
    timed: str = "from the request to the end of its answer"

    def prepare(self, sample: Sample) -> Any:
        """What `ask` takes: whatever can be made before the clock runs. Must be picklable."""
        return sample.input

    async def ask(self, prepared: Any, send: Send) -> Exchange:
        """Send what it takes, and give the exchange whose answer `read` understands.

        By default `prepared` is the only request. What follows the answer goes into
        `Exchange.afterwards`. Raises `EndpointError`.
        """
        return await send(prepared)

    def only_request(self, prepared: Any) -> Request | None:
        """What `ask` would send if that is all it does: it is sent without `ask` then, which takes
        half the time, and `ask` is called where it was not answered well. Else None. Who overrides
        `ask` of an endpoint that has this overrides both.
        """
        return prepared if type(self).ask is Endpoint.ask else None

    def read(self, sample: Sample, exchange: Exchange) -> Answer:
        """What an answer says. Raises `EndpointError` for one that makes no sense."""
        raise NotImplementedError


class EndpointSession(Session):
    """An endpoint that can be asked, and whatever must stand for that."""

    server: Server | None = None
    """The server that was started for it, which ends with it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.properties = endpoint.properties
        self.timed = endpoint.timed

    def note(self, sample: Sample, answer: Answer) -> None:
        """Remember what `summarize` will need of an answer. Called once a sample, in the process
        that has this session."""

    def close(self) -> None:
        if self.server is not None:
            self.server.stop()


class EndpointRunner(Runner):
    """A kind of API. Its cases are measured by load (`load` in a suite), not by `measure`."""

    default_concurrency: ClassVar[int] = 1
    """Requests at once where a suite says nothing."""

    def keeps_predictions(self, params: Mapping[str, Any]) -> bool:
        """Whether answers are texts that `modelbench score` can score again."""
        return False

    def requirements(self, params: Mapping[str, Any]) -> Sequence[Requirement]:
        return (Requirement("httptools", extra="endpoints"),)

    def devices(self) -> tuple[str, ...]:
        return (ENDPOINT,)

    def load(self, candidate: Candidate, device: str, params: Mapping[str, Any]) -> EndpointSession:
        raise NotImplementedError
