"""Rev AI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_modelbench.endpoints.contract import Answer
from pytest_modelbench.endpoints.openai_json import NotUnderstoodError, quoted
from pytest_modelbench.endpoints.providers.jobs import JobTranscriber
from pytest_modelbench.endpoints.providers.transcriber import whole
from pytest_modelbench.endpoints.providers.upload import Upload, json_body

if TYPE_CHECKING:
    from pytest_modelbench.wire.request import Request

TRANSCRIPT = "application/vnd.rev.transcript.v1.0+json"


class RevAi(JobTranscriber):
    """`revai/machine`, `revai/low_cost`, `revai/fusion`."""

    name = "revai"
    key_names = ("REVAI_ACCESS_TOKEN", "REVAI_API_KEY")
    vendor_address = "https://api.rev.ai"
    path = "/speechtotext/v1"
    jobs_path = "/jobs"
    takes = frozenset({"language", "use_url"})
    reserved = frozenset(
        {"transcriber", "media_url", "source_config", "callback_url", "notification_config"}
    )
    running = frozenset({"in_progress"})
    done = "transcribed"

    def upload(self, sound: bytes | str) -> Upload:
        options = {
            "transcriber": self.model,
            "language": self.params.language,
            **self.params.request,
        }
        if isinstance(sound, str):
            return json_body({**options, "source_config": {"url": sound}})
        kept = {name: value for name, value in options.items() if value is not None}
        return self.form({"options": kept}, "media", sound)

    def failure(self, job: Mapping[str, Any]) -> str:
        return str(job.get("failure_detail") or job.get("failure") or "")

    def transcript(self, job_url: str) -> Request:
        return self.request("GET", f"{job_url}/transcript", headers={"Accept": TRANSCRIPT})

    def answer(self, found: Mapping[str, Any]) -> Answer:
        try:
            monologues = [
                "".join(element["value"] for element in monologue["elements"])
                for monologue in found["monologues"]
            ]
        except (KeyError, TypeError):
            raise NotUnderstoodError(f"has no monologues: {quoted(repr(dict(found)))}") from None
        return Answer(whole(" ".join(monologues)))
