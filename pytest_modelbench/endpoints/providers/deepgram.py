"""Deepgram: the file is the body, all else is in the query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pytest_modelbench.endpoints.contract import Answer, Send
from pytest_modelbench.endpoints.openai_json import NotUnderstoodError, quoted
from pytest_modelbench.endpoints.providers.transcriber import Transcriber, text_in
from pytest_modelbench.endpoints.providers.upload import WAVE, Upload, json_body, pairs

if TYPE_CHECKING:
    from pytest_modelbench.wire.exchange import Exchange


class Deepgram(Transcriber):
    """`deepgram/nova-3`."""

    name = "deepgram"
    key_names = ("DEEPGRAM_API_KEY",)
    vendor_address = "https://api.deepgram.com"
    path = "/v1/listen"
    takes = frozenset({"language", "use_url"})
    reserved = frozenset({"model", "callback", "callback_method", "multichannel"})

    def key_header(self, key: str) -> tuple[str, str]:
        return "Authorization", f"Token {key}"

    def upload(self, sound: bytes | str) -> Upload:
        return json_body({"url": sound}) if isinstance(sound, str) else Upload(sound, WAVE)

    async def transcribe(self, address: str, upload: Upload, send: Send) -> Exchange:
        fields = {"model": self.model, "language": self.params.language, **self.params.request}
        query = urlencode(list(pairs(fields)))
        return await send(self.request("POST", f"{address}?{query}", upload))

    def answer(self, found: Mapping[str, Any]) -> Answer:
        try:
            best = found["results"]["channels"][0]["alternatives"][0]
            answer = Answer(text_in(best, "transcript"))
        except (KeyError, IndexError, TypeError, AttributeError):
            raise NotUnderstoodError(
                "has no text under results.channels[0].alternatives[0]: "
                f"{quoted(repr(dict(found)))}"
            ) from None
        metadata = found.get("metadata")
        duration = metadata.get("duration") if isinstance(metadata, Mapping) else None
        if isinstance(duration, int | float):
            answer.notes = {"billed_seconds": duration}
        return answer
