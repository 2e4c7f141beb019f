"""What all who transcribe have in common. A vendor is a subclass: see `deepgram.py` for a short one
that answers at once, and `revai.py` for one with jobs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_modelbench.datasets.samples import AudioAddress
from pytest_modelbench.endpoints.addresses import full_address
from pytest_modelbench.endpoints.contract import Answer, Endpoint, EndpointError, Send
from pytest_modelbench.endpoints.keys import key_from_environment, without_keys
from pytest_modelbench.endpoints.openai_json import NotUnderstoodError, json_object, quoted
from pytest_modelbench.endpoints.providers.upload import JSON, Upload, form
from pytest_modelbench.endpoints.transcription_params import TranscriptionParams
from pytest_modelbench.endpoints.wave_file import wave_file
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.redaction import HIDDEN, without_credentials
from pytest_modelbench.wire.request import Request

if TYPE_CHECKING:
    from pytest_modelbench.datasets.samples import Sample
    from pytest_modelbench.wire.exchange import Exchange

_QUERY = re.compile(r"(https?://[^\s?\"'<>]+)\?[^\s\"'<>]+")
_OPTIONS = ("language", "prompt", "temperature", "use_url")


class Transcriber(Endpoint):
    """A model of one vendor, at one address or several. Subclass it."""

    name: ClassVar[str]
    key_names: ClassVar[tuple[str, ...]]
    """Environment variables that may hold the key, the vendor's own name for it first."""
    vendor_address: ClassVar[str]
    path: ClassVar[str]
    """Of what is asked, or of all that is asked, below the address."""
    takes: ClassVar[frozenset[str]] = frozenset()
    """Which of `language`, `prompt`, `temperature` and `use_url` its interface has."""
    reserved: ClassVar[frozenset[str]] = frozenset()
    """What `params.request` may not hold, since it is set here or another answer would come."""

    def __init__(self, model: str, params: TranscriptionParams) -> None:
        """Raises `Unavailable` without a key, `ModelbenchError` for what does not fit."""
        self.model = model
        self.params = params
        self._refuse_what_it_has_not()
        self.addresses = self._addresses()
        self.address = ", ".join(self.addresses)
        key = self._key()
        self.secrets = () if key is None else (key,)
        self.properties = {
            "provider": self.name,
            "model": model,
            "endpoints": list(self.addresses),
            "sends": "the address of the sound" if params.use_url else "16-bit WAV",
        }
        self._turn = 0
        # One for all forms, so that their headers are the same.
        self._boundary = token_hex(16)

    # What a vendor says.

    def upload(self, sound: bytes | str) -> Upload:
        """The body of the first request: of a WAV file, or of the address of one."""
        raise NotImplementedError

    def key_header(self, key: str) -> tuple[str, str]:
        """The header that shows the key."""
        return "Authorization", f"Bearer {key}"

    def answer(self, found: Mapping[str, Any]) -> Answer:
        """What the last answer says. Raises `NotUnderstoodError`."""
        return Answer(text_in(found, "text"))

    def answer_in(self, exchange: Exchange) -> Answer:
        """The same of an answer that may be no JSON object."""
        return self.answer(self.found_in(exchange))

    async def transcribe(self, address: str, upload: Upload, send: Send) -> Exchange:
        """All that it takes. By default one request."""
        return await send(self.request("POST", address, upload))

    # What follows from that.

    def prepare(self, sample: Sample) -> Upload:
        given = sample.input
        return self.upload(given.url if isinstance(given, AudioAddress) else wave_file(given))

    async def ask(self, prepared: Upload, send: Send) -> Exchange:
        address = self.addresses[self._turn % len(self.addresses)]
        self._turn += 1
        try:
            exchange = await self.transcribe(address, prepared, send)
        except EndpointError as error:
            raise self._presentable(error, address) from None
        if len(self.addresses) > 1:
            exchange.endpoint = address
        return exchange

    def read(self, sample: Sample, exchange: Exchange) -> Answer:
        try:
            answer = self.answer_in(exchange)
        except EndpointError as error:
            raise self._presentable(error, exchange.endpoint) from None
        except NotUnderstoodError as error:
            wrong = EndpointError(f"the answer {error}")
            raise self._presentable(wrong, exchange.endpoint) from None
        answer.notes = {**answer.notes, "endpoint": exchange.endpoint or self.address}
        return without_keys(answer, self.secrets)

    def form(
        self, fields: Mapping[str, Any], file_field: str = "", sound: bytes | None = None
    ) -> Upload:
        """A multipart form, with the sound as a file if there is any."""
        return form(fields, file_field, sound, self._boundary)

    def request(
        self,
        method: str,
        url: str,
        upload: Upload | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Request:
        """A request with the key, which goes to the addresses of this endpoint alone."""
        kind = {} if upload is None else {"Content-Type": upload.content_type}
        return Request(
            method,
            url,
            {"Accept": JSON, **kind, **(headers or {})},
            b"" if upload is None else upload.body,
            dict(map(self.key_header, self.secrets)),
        )

    def found_in(self, exchange: Exchange) -> dict[str, Any]:
        """The JSON object of an answer. Raises `EndpointError` for anything else."""
        kind = exchange.header("content-type")
        try:
            if not exchange.body:
                raise NotUnderstoodError("is empty")
            if kind is not None and not _is_json(kind):
                begin = quoted(exchange.body.decode("utf-8", "replace"))
                raise NotUnderstoodError(f"is {quoted(kind)}, not JSON: {begin}")
            return json_object(exchange.body)
        except NotUnderstoodError as error:
            raise EndpointError(f"the answer {error}") from None

    def _addresses(self) -> tuple[str, ...]:
        given, where = self._given_addresses()
        texts = given or (self.vendor_address,)
        return tuple(dict.fromkeys(full_address(text, self.path, where) for text in texts))

    def _given_addresses(self) -> tuple[Sequence[str], str]:
        """What the suite says, and in which field."""
        if self.params.endpoints:
            return self.params.endpoints, "params.endpoints"
        return [self.params.base_url] if self.params.base_url else [], "params.base_url"

    def _key(self) -> str | None:
        return key_from_environment(self.key_names, f"provider {self.name!r}")

    def _refuse_what_it_has_not(self) -> None:
        for option in _OPTIONS:
            given = getattr(self.params, option)
            is_given = given is not None and given is not False  # a temperature of 0 is given
            if is_given and option not in self.takes:
                raise ModelbenchError(
                    f"params.{option} is not for provider {self.name!r}, whose interface has no "
                    "such thing: leave it out"
                )
        for field in self.params.request:
            if field in self.reserved:
                raise ModelbenchError(
                    f"params.request may not hold {field!r} for provider {self.name!r}: it is set "
                    "from the model and the other params, or would change what an answer is"
                )

    def _presentable(self, error: EndpointError, address: str) -> EndpointError:
        """`error` without keys and signatures; with its address where there are several."""
        text = _QUERY.sub(rf"\1?{HIDDEN}", without_credentials(str(error)))
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        if len(self.addresses) > 1:
            error.endpoint = address
            text = text if address in text else f"{address}: {text}"
        error.args = (text, *error.args[1:])
        return error


def text_in(found: Mapping[str, Any], name: str) -> str:
    """The text under `name`. Raises `NotUnderstoodError` where there is none."""
    value = found.get(name)
    if isinstance(value, str):
        return whole(value)
    what = "no text under" if value is None else "something else than text under"
    raise NotUnderstoodError(f"has {what} {name!r}: {quoted(repr(dict(found)))}")


def whole(text: str) -> str:
    """`text` without half characters, which no file could hold."""
    return text.strip().encode("utf-8", "replace").decode()


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == JSON or kind.endswith("+json")
