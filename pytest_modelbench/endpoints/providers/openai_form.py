"""`/v1/audio/transcriptions`, which several vendors and most servers of one's own have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_modelbench.endpoints.contract import Answer
from pytest_modelbench.endpoints.openai_json import token_count
from pytest_modelbench.endpoints.providers.transcriber import Transcriber, text_in
from pytest_modelbench.endpoints.providers.upload import Upload

PATH = "/v1/audio/transcriptions"


class OpenAiForm(Transcriber):
    """A form with the file, and a JSON object with the text."""

    path = PATH
    takes = frozenset({"language", "prompt", "temperature"})
    reserved = frozenset({"file", "url", "model", "stream", "response_format"})

    def upload(self, sound: bytes | str) -> Upload:
        fields = {
            "model": self.model,
            "response_format": "json",
            "language": self.params.language,
            "prompt": self.params.prompt,
            "temperature": self.params.temperature,
            **self.params.request,
        }
        if isinstance(sound, str):
            return self.form({**fields, "url": sound})
        return self.form(fields, "file", sound)

    def answer(self, found: Mapping[str, Any]) -> Answer:
        answer = Answer(text_in(found, "text"))
        usage = found.get("usage")
        answer.input_tokens = token_count(usage, "input_tokens")
        answer.output_tokens = token_count(usage, "output_tokens")
        if answer.output_tokens is not None:
            answer.counted_by = "usage"
        if isinstance(usage, Mapping):
            answer.notes = {"usage": dict(usage)}
        return answer
