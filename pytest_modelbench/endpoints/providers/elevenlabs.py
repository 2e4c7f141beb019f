"""ElevenLabs: a form, and the text at once."""

from __future__ import annotations

from pytest_modelbench.endpoints.providers.transcriber import Transcriber
from pytest_modelbench.endpoints.providers.upload import Upload


class ElevenLabs(Transcriber):
    """`elevenlabs/scribe_v1`."""

    name = "elevenlabs"
    key_names = ("ELEVENLABS_API_KEY",)
    vendor_address = "https://api.elevenlabs.io"
    path = "/v1/speech-to-text"
    takes = frozenset({"language", "temperature", "use_url"})
    reserved = frozenset(
        {"file", "cloud_storage_url", "source_url", "model_id", "webhook", "use_multi_channel"}
    )

    def key_header(self, key: str) -> tuple[str, str]:
        return "xi-api-key", key

    def upload(self, sound: bytes | str) -> Upload:
        fields = {
            "model_id": self.model,
            "language_code": self.params.language,
            "temperature": self.params.temperature,
            **self.params.request,
        }
        if isinstance(sound, str):
            return self.form({**fields, "cloud_storage_url": sound})
        return self.form(fields, "file", sound)
