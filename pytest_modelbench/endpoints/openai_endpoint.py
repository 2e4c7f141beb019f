"""What endpoints of the OpenAI kind have in common: parameters, addresses, requests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.endpoints.addresses import wrong_addresses
from pytest_modelbench.endpoints.contract import Endpoint, EndpointError
from pytest_modelbench.endpoints.keys import keys_in_parameters
from pytest_modelbench.endpoints.openai_address import openai_addresses, openai_key
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.redaction import printable
from pytest_modelbench.runners.contract import Foreseen
from pytest_modelbench.serving.spec import ServeSpec
from pytest_modelbench.strict import OptionalText, Text
from pytest_modelbench.wire.masking import without_secrets
from pytest_modelbench.wire.request import Request

if TYPE_CHECKING:
    from pytest_modelbench.endpoints.contract import Send
    from pytest_modelbench.registry import Candidate
    from pytest_modelbench.wire.exchange import Exchange

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class OpenaiParams(StrictModel):
    """`params` of every runner that asks a server of the OpenAI kind."""

    base_url: OptionalText = None
    """Where the server is: `host:port`, or a URL that ends in the API's version (`/v1`). Without it
    the environment variable `OPENAI_BASE_URL` says."""
    endpoints: Annotated[list[Text], Field(min_length=1)] | None = None
    """Several addresses, asked in turn; otherwise as `base_url`."""
    serve: ServeSpec | None = None
    """A server to start first; without `base_url` it is asked where it listens."""
    key_env: OptionalText = None
    """The environment variable that holds the key, which must then be set; without it the key of
    `OPENAI_API_KEY` is sent, if there is one."""
    served_model: OptionalText = None
    """The model's name for the server, where it is another than in the suite."""
    request: dict[str, Any] = {}
    """More fields of the request's body, sent as they are; null takes a field out."""

    OWN_FIELDS: ClassVar[Mapping[str, str]] = {"model": "give params.served_model"}
    """Fields of the body that `request` may not have, and what to do instead."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from wrong_addresses(given)
        yield from keys_in_parameters(given)
        request = given.get("request")
        if not isinstance(request, Mapping):
            return
        yield from keys_in_parameters(request)
        for name, value in request.items():
            if name in cls.OWN_FIELDS:
                yield f"'request' has {name!r}: {cls.OWN_FIELDS[name]}"
            elif value is not None and given.get(name) is not None:
                yield f"'request' has {name!r}, which is given in params as well: leave one out"

    def addresses(self, path: str) -> tuple[str, ...]:
        """What is asked, with `path` (such as `/chat/completions`) after the API's version."""
        if self.endpoints:
            return openai_addresses(self.endpoints, "params.endpoints", path)
        given = [self.base_url] if self.base_url else []
        return openai_addresses(given, "params.base_url", path)


class OpenaiEndpoint(Endpoint):
    """One server of the OpenAI kind, or several that are asked in turn."""

    def __init__(self, params: OpenaiParams, candidate: Candidate, path: str) -> None:
        self.urls = params.addresses(path)
        self.address = ", ".join(self.urls)
        self.model = params.served_model or candidate.model_path
        key = openai_key(params.key_env)
        self.secrets = (key,) if key else ()
        self._turn = 0

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """In a process that will ask: nothing it takes to read answers may come in between."""
        self.__dict__.update(state)
        self.get_ready()

    def get_ready(self) -> None:
        """Import and load what `read` needs."""

    def request(self, body: Mapping[str, Any]) -> Request:
        """With `body` as JSON. Raises `EndpointError` for what JSON or UTF-8 has nothing for."""
        try:
            text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
            data = text.encode()
        except UnicodeEncodeError:
            raise EndpointError("the row has half a character, which cannot be sent") from None
        except (TypeError, ValueError) as error:
            raise EndpointError(f"the row cannot be sent as JSON: {error}") from None
        secrets = {"Authorization": f"Bearer {self.secrets[0]}"} if self.secrets else {}
        return Request("POST", self.urls[0], _HEADERS, data, secrets)

    async def ask(self, prepared: Any, send: Send) -> Exchange:
        return await self._to_next(send)(prepared)

    def only_request(self, prepared: Any) -> Request | None:
        """Several addresses are asked in turn, which `ask` sees to."""
        return prepared if len(self.urls) == 1 and isinstance(prepared, Request) else None

    def fault(self, error: Exception, before: str = "", after: str = "") -> EndpointError:
        """`error` fit to be shown: a server may send back the key that it was sent."""
        said = printable(without_secrets(str(error), self.secrets))
        made = EndpointError(f"{before}{said}{after}")
        made.endpoint = getattr(error, "endpoint", "")
        made.is_unreachable = getattr(error, "is_unreachable", False)
        return made

    def _to_next(self, send: Send) -> Send:
        """`send`, to the address whose turn it is."""
        url = self.urls[self._turn % len(self.urls)]
        self._turn += 1
        if len(self.urls) == 1:
            return send

        async def send_there(request: Request) -> Exchange:
            try:
                exchange = await send(replace(request, url=url))
            except EndpointError as error:
                error.endpoint = url
                raise
            exchange.endpoint = url
            return exchange

        return send_there


def foreseen_of(params: OpenaiParams, path: str) -> Foreseen:
    """What is wrong with addresses and keys, without asking anybody."""
    try:
        params.addresses(path)
        openai_key(params.key_env)
    except ModelbenchError as error:
        return Foreseen(problem=str(error))
    return Foreseen()
