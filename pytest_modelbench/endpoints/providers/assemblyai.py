"""AssemblyAI: the sound is stored first, then a job is told where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_modelbench.endpoints.contract import Answer, EndpointError, Send
from pytest_modelbench.endpoints.openai_json import quoted
from pytest_modelbench.endpoints.providers.jobs import JobTranscriber
from pytest_modelbench.endpoints.providers.transcriber import text_in
from pytest_modelbench.endpoints.providers.upload import Upload, json_body

if TYPE_CHECKING:
    from pytest_modelbench.wire.exchange import Exchange

STORED = "application/octet-stream"


class AssemblyAi(JobTranscriber):
    """`assemblyai/universal-3-pro`."""

    name = "assemblyai"
    key_names = ("ASSEMBLYAI_API_KEY",)
    vendor_address = "https://api.assemblyai.com"
    path = "/v2"
    jobs_path = "/transcript"
    takes = frozenset({"language", "prompt", "use_url"})
    reserved = frozenset({"audio_url", "webhook_url"})
    running = frozenset({"queued", "processing"})
    done = "completed"

    def key_header(self, key: str) -> tuple[str, str]:
        return "Authorization", key

    def upload(self, sound: bytes | str) -> Upload:
        return self._job(sound) if isinstance(sound, str) else Upload(sound, STORED)

    async def submit(self, address: str, upload: Upload, send: Send) -> Exchange:
        if upload.content_type != STORED:
            return await super().submit(address, upload, send)
        stored = await send(self.request("POST", f"{address}/upload", upload))
        url = self.found_in(stored).get("upload_url")
        if not isinstance(url, str):
            begin = quoted(stored.body.decode("utf-8", "replace"))
            raise EndpointError(f"the answer to the sound has no upload_url: {begin}")
        return await super().submit(address, self._job(url), send)

    def failure(self, job: Mapping[str, Any]) -> str:
        return str(job.get("error") or "")

    def transcript(self, job_url: str) -> None:
        return None

    def answer(self, found: Mapping[str, Any]) -> Answer:
        # Where nobody speaks it has null for a text.
        answer = Answer("" if found.get("text", "") is None else text_in(found, "text"))
        if isinstance(seconds := found.get("audio_duration"), int | float):
            answer.notes = {"billed_seconds": seconds}
        return answer

    def _job(self, url: str) -> Upload:
        return json_body(
            {
                "audio_url": url,
                "speech_models": [self.model],
                "language_code": self.params.language,
                "prompt": self.params.prompt,
                **self.params.request,
            }
        )
