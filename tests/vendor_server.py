"""What vendors document of their interfaces, as handlers that refuse whatever is not so; those with
jobs are in `vendor_jobs.py`.
"""

from __future__ import annotations

import io
import wave
from typing import Any

from vendor_http import Call, Reply

KEY = "k3y-that-no-text-may-show"


def words_of(frames: int) -> str:
    """What is said in a sound of so many frames."""
    return f"There are {frames} frames, \u00e4h."


def frames_in(data: bytes) -> int:
    with wave.open(io.BytesIO(data)) as file:
        assert file.getnchannels() == 1
        assert file.getsampwidth() == 2
        assert file.getframerate() == 16_000
        frames = file.getnframes()
        assert len(file.readframes(frames)) == 2 * frames == len(data) - 44
    return frames


def frames_at(url: str) -> int:
    """Of an address such as `https://clips.example/1600.wav`."""
    assert url.startswith("https://clips.example/"), url
    return int(url.removeprefix("https://clips.example/").partition(".")[0])


class Vendor:
    """A handler that knows its key."""

    provider: str
    model: str
    variable: str
    secret_header = "authorization"
    scheme = "Bearer {}"
    language: str | None = "en"
    has_urls = True

    def __init__(self) -> None:
        self.extra: dict[str, Any] = {}
        """What `params.request` says."""

    async def __call__(self, call: Call) -> Reply:
        if call.headers.get(self.secret_header) != self.scheme.format(KEY):
            return self.refusal()
        return self.answer(call)

    def refusal(self) -> Reply:
        return Reply.of({"error": {"message": f"Incorrect API key: {KEY}"}}, 401)

    def answer(self, call: Call) -> Reply:
        raise NotImplementedError


class OpenAiVendor(Vendor):
    provider, model, variable = "openai", "whisper-1", "OPENAI_API_KEY"
    path = "/v1/audio/transcriptions"
    has_urls = False

    def answer(self, call: Call) -> Reply:
        assert (call.method, call.path, dict(call.query)) == ("POST", self.path, {})
        assert call.text("model") == self.model
        assert call.text("language") == self.language
        assert call.text("response_format") in (None, "json")
        assert set(call.parts) <= {
            *("file", "model", "language", "response_format", "prompt", "temperature", "url"),
            *self.extra,
        }
        for name, value in self.extra.items():
            assert call.text(name) == value
        if self.has_urls and (url := call.text("url")) is not None:
            assert "file" not in call.parts
            frames = frames_at(url)
        else:
            (file,) = call.parts["file"]
            assert str(file.file_name).endswith(".wav")
            frames = frames_in(file.data)
        return Reply.of({"text": words_of(frames), **self.usage(frames)})

    def usage(self, frames: int) -> dict[str, Any]:
        details = {"text_tokens": 0, "audio_tokens": frames // 1600}
        return {
            "usage": {
                "type": "tokens",
                "input_tokens": frames // 1600,
                "input_token_details": details,
                "output_tokens": 7,
                "total_tokens": frames // 1600 + 7,
            }
        }


class GroqVendor(OpenAiVendor):
    provider, model, variable = "groq", "whisper-large-v3-turbo", "GROQ_API_KEY"
    path = "/openai/v1/audio/transcriptions"
    has_urls = True

    def usage(self, frames: int) -> dict[str, Any]:
        return {"x_groq": {"id": "req_01"}}


class SelfHostedVendor(OpenAiVendor):
    provider, model, variable = "self_hosted", "openai/whisper-tiny", "MODELBENCH_API_KEY"

    def usage(self, frames: int) -> dict[str, Any]:
        return {"usage": {"type": "duration", "seconds": 1}}


class DeepgramVendor(Vendor):
    provider, model, variable = "deepgram", "nova-3", "DEEPGRAM_API_KEY"
    scheme = "Token {}"

    def refusal(self) -> Reply:
        return Reply.of({"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials."}, 401)

    def answer(self, call: Call) -> Reply:
        assert (call.method, call.path) == ("POST", "/v1/listen")
        wanted = {"model": [self.model], **{n: [str(v)] for n, v in self.extra.items()}}
        if self.language is not None:
            wanted["language"] = [self.language]
        assert dict(call.query) == wanted, call.query
        if call.headers["content-type"] == "application/json":
            assert set(call.json) == {"url"}
            frames = frames_at(call.json["url"])
        else:
            assert call.headers["content-type"] in ("audio/wav", "application/octet-stream")
            frames = frames_in(call.body)
        alternative = {"transcript": words_of(frames), "confidence": 0.9, "words": []}
        return Reply.of(
            {
                "metadata": {"request_id": "r", "duration": frames / 16_000, "channels": 1},
                "results": {"channels": [{"alternatives": [alternative]}]},
            }
        )


class ElevenLabsVendor(Vendor):
    provider, model, variable = "elevenlabs", "scribe_v1", "ELEVENLABS_API_KEY"
    secret_header, scheme = "xi-api-key", "{}"

    def refusal(self) -> Reply:
        detail = {"status": "invalid_api_key", "message": "Invalid API key"}
        return Reply.of({"detail": detail}, 401)

    def answer(self, call: Call) -> Reply:
        assert (call.method, call.path) == ("POST", "/v1/speech-to-text")
        assert "authorization" not in call.headers
        assert call.text("model_id") == self.model
        assert call.text("language_code") == self.language
        assert ("file" in call.parts) != ("cloud_storage_url" in call.parts)
        for name, value in self.extra.items():
            assert call.text(name) == value
        if (url := call.text("cloud_storage_url")) is not None:
            frames = frames_at(url)
        else:
            (file,) = call.parts["file"]
            assert file.file_name
            frames = frames_in(file.data)
        answer = {"language_code": "eng", "language_probability": 0.98, "words": []}
        return Reply.of({**answer, "text": words_of(frames)})
