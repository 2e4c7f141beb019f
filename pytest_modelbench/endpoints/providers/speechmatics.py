"""Speechmatics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_modelbench.endpoints.contract import Answer
from pytest_modelbench.endpoints.openai_json import NotUnderstoodError, quoted
from pytest_modelbench.endpoints.providers.jobs import JobTranscriber
from pytest_modelbench.endpoints.providers.transcriber import whole
from pytest_modelbench.endpoints.providers.upload import Upload

if TYPE_CHECKING:
    from pytest_modelbench.wire.exchange import Exchange
    from pytest_modelbench.wire.request import Request

PLAIN = "text/plain"
DETECTED = "auto"
"""Its interface demands a language; this one has it detected."""


class Speechmatics(JobTranscriber):
    """`speechmatics/enhanced`, `speechmatics/standard`; `request` goes into its
    `transcription_config`.
    """

    name = "speechmatics"
    key_names = ("SPEECHMATICS_API_KEY",)
    vendor_address = "https://asr.api.speechmatics.com"
    path = "/v2"
    jobs_path = "/jobs"
    takes = frozenset({"language", "use_url"})
    # With `diarization` the text would name the speakers.
    reserved = frozenset({"operating_point", "diarization"})
    running = frozenset({"running"})
    done = "done"

    def upload(self, sound: bytes | str) -> Upload:
        config: dict[str, Any] = {
            "type": "transcription",
            "transcription_config": {
                "operating_point": self.model,
                "language": self.params.language or DETECTED,
                **self.params.request,
            },
        }
        if isinstance(sound, str):
            return self.form({"config": {**config, "fetch_data": {"url": sound}}})
        return self.form({"config": config}, "data_file", sound)

    def job(self, found: Mapping[str, Any]) -> Mapping[str, Any]:
        inner = found.get("job")  # the answer to a new job is its id alone
        return inner if isinstance(inner, Mapping) else found

    def failure(self, job: Mapping[str, Any]) -> str:
        errors = job.get("errors")
        told = (
            [one for one in errors if isinstance(one, Mapping)] if isinstance(errors, list) else []
        )
        return "; ".join(str(one["message"]) for one in told if one.get("message"))

    def transcript(self, job_url: str) -> Request:
        return self.request("GET", f"{job_url}/transcript?format=txt", headers={"Accept": PLAIN})

    def answer_in(self, exchange: Exchange) -> Answer:
        kind = (exchange.header("content-type") or PLAIN).partition(";")[0].strip().lower()
        if kind != PLAIN:
            begin = quoted(exchange.body.decode("utf-8", "replace"))
            raise NotUnderstoodError(f"is {quoted(kind)}, not {PLAIN}: {begin}")
        try:
            return Answer(whole(exchange.body.decode()))  # empty where nobody speaks
        except UnicodeDecodeError as error:
            raise NotUnderstoodError(f"is not UTF-8 text (at byte {error.start})") from None
