"""The same of vendors that transcribe in jobs; and all vendors together."""

from __future__ import annotations

import json
from typing import Any

from vendor_http import Call, Reply
from vendor_server import (
    KEY,
    DeepgramVendor,
    ElevenLabsVendor,
    GroqVendor,
    OpenAiVendor,
    SelfHostedVendor,
    Vendor,
    frames_at,
    frames_in,
    words_of,
)


class JobVendor(Vendor):
    """Jobs that are asked after a few times before they are done."""

    polls = 2
    """How often a job is still running when it is asked after."""
    state_of_failure = ""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, int] = {}
        self.polled: dict[str, int] = {}
        self.deleted: list[str] = []
        self.fails = False

    def begin(self, frames: int) -> str:
        job = f"job{len(self.jobs)}"
        self.jobs[job], self.polled[job] = frames, 0
        return job

    def is_done(self, job: str) -> bool:
        self.polled[job] += 1
        return self.polled[job] > self.polls

    def delete(self, job: str) -> None:
        assert self.polled[job] > self.polls, "not done"
        assert job not in self.deleted
        self.deleted.append(job)


class AssemblyAiVendor(JobVendor):
    provider, model, variable = "assemblyai", "universal-3-pro", "ASSEMBLYAI_API_KEY"
    scheme = "{}"
    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[int] = []

    def refusal(self) -> Reply:
        return Reply.of({"error": "Authentication error, API token missing/invalid"}, 401)

    def answer(self, call: Call) -> Reply:
        if call.path == "/v2/upload":
            assert call.method == "POST"
            kind = call.headers.get("content-type", "application/octet-stream")
            assert kind == "application/octet-stream"
            self.stored.append(frames_in(call.body))
            return Reply.of({"upload_url": f"https://cdn.example/{len(self.stored) - 1}"})
        if call.path == "/v2/transcript":
            assert call.method == "POST"
            return self.created(call.json)
        job = call.path.removeprefix("/v2/transcript/")
        assert job in self.jobs, call.path
        if call.method == "DELETE":
            self.delete(job)
            return Reply.of({"id": job, "text": "Deleted by user."})
        assert call.method == "GET"
        frames, common = self.jobs[job], {"id": job, "audio_url": "https://cdn.example/0"}
        if not self.is_done(job):
            state = "queued" if self.polled[job] == 1 else "processing"
            return Reply.of({**common, "status": state, "text": None})
        if self.fails:
            error = f"Download error, unable to download https://clips.example/a?sig={KEY}"
            return Reply.of({**common, "status": "error", "error": error, "text": None})
        done = {"status": "completed", "text": words_of(frames), "error": None}
        return Reply.of({**common, **done, "audio_duration": frames // 16_000})

    def created(self, given: dict[str, Any]) -> Reply:
        url = given.pop("audio_url")
        assert given.pop("speech_models") == [self.model]
        assert given.pop("language_code", None) == self.language
        assert given == self.extra
        own = "https://cdn.example/"
        frames = self.stored[int(url.removeprefix(own))] if url.startswith(own) else frames_at(url)
        job = {"id": self.begin(frames), "audio_url": url, "status": "queued", "text": None}
        return Reply.of(job)


JOB_OF_REV_AI = {"created_on": "2026-05-05T23:23:22.29Z", "type": "async", "language": "en"}


class RevAiVendor(JobVendor):
    provider, model, variable = "revai", "machine", "REVAI_ACCESS_TOKEN"

    def refusal(self) -> Reply:
        return Reply.of({"title": "Authorization has been denied for this request"}, 401)

    def answer(self, call: Call) -> Reply:
        root = "/speechtotext/v1/jobs"
        if call.path == root:
            assert call.method == "POST"
            return self.created(call)
        job, _, rest = call.path.removeprefix(f"{root}/").partition("/")
        assert job in self.jobs, call.path
        if rest == "transcript":
            return self.transcript(call, job)
        assert not rest, call.path
        if call.method == "DELETE":
            self.delete(job)
            return Reply(204, content_type=None)
        assert call.method == "GET"
        if not self.is_done(job):
            return Reply.of({**JOB_OF_REV_AI, "id": job, "status": "in_progress"})
        if self.fails:
            why = {"failure": "empty_media", "failure_detail": "The media holds no sound"}
            return Reply.of({**JOB_OF_REV_AI, "id": job, "status": "failed", **why})
        state = {"id": job, "status": "transcribed", "duration_seconds": 1.5}
        return Reply.of({**JOB_OF_REV_AI, **state})

    def created(self, call: Call) -> Reply:
        if call.headers["content-type"] == "application/json":
            options = call.json
            source = options.pop("source_config")
            assert set(source) == {"url"}
            frames = frames_at(source["url"])
        else:
            assert set(call.parts) == {"media", "options"}
            options = json.loads(call.text("options") or "")
            (media,) = call.parts["media"]
            assert media.file_name
            frames = frames_in(media.data)
        assert options.pop("transcriber") == self.model
        assert options.pop("language", None) == self.language
        assert options == self.extra
        return Reply.of({**JOB_OF_REV_AI, "id": self.begin(frames), "status": "in_progress"})

    def transcript(self, call: Call, job: str) -> Reply:
        assert call.method == "GET"
        kind = "application/vnd.rev.transcript.v1.0+json"
        assert call.headers["accept"] == kind
        assert self.polled[job] > self.polls, "not done"
        first, second = words_of(self.jobs[job]).split(", ")
        elements = [{"type": "text", "value": first}, {"type": "punct", "value": ","}]
        monologues = [
            {"speaker": 0, "elements": elements},
            {"speaker": 1, "elements": [{"type": "text", "value": second}]},
        ]
        return Reply(200, json.dumps({"monologues": monologues}).encode(), kind)


class SpeechmaticsVendor(JobVendor):
    provider, model, variable = "speechmatics", "enhanced", "SPEECHMATICS_API_KEY"

    def refusal(self) -> Reply:
        return Reply.of({"code": 401, "error": "Permission Denied"}, 401)

    def answer(self, call: Call) -> Reply:
        if call.path == "/v2/jobs":
            assert call.method == "POST"
            return self.created(call)
        job, _, rest = call.path.removeprefix("/v2/jobs/").partition("/")
        assert job in self.jobs, call.path
        if rest == "transcript":
            assert (call.method, call.query["format"]) == ("GET", ["txt"])
            assert self.polled[job] > self.polls, "not done"
            text = f"{words_of(self.jobs[job])}\n"
            return Reply(200, text.encode(), "text/plain; charset=utf-8")
        assert not rest, call.path
        if call.method == "DELETE":
            self.delete(job)
            return Reply.of({"job": {"id": job, "status": "deleted"}})
        assert call.method == "GET"
        at = "2026-01-09T12:29:01.853047Z"
        state: dict[str, Any] = {"created_at": at, "id": job, "status": "running", "duration": 2}
        if self.is_done(job):
            state["status"] = "rejected" if self.fails else "done"
        if self.fails:
            state["errors"] = [{"timestamp": at, "message": "unsupported sample rate"}]
        return Reply.of({"job": state})

    def created(self, call: Call) -> Reply:
        config = json.loads(call.text("config") or "")
        transcription = config["transcription_config"]
        assert config.pop("type") == "transcription"
        assert transcription.pop("operating_point") == self.model
        assert transcription.pop("language") == (self.language or "auto")
        assert transcription == self.extra
        if "fetch_data" in config:
            assert "data_file" not in call.parts
            frames = frames_at(config["fetch_data"]["url"])
        else:
            (file,) = call.parts["data_file"]
            assert file.file_name
            frames = frames_in(file.data)
        return Reply.of({"id": self.begin(frames)}, 201)


VENDORS: tuple[type[Vendor], ...] = (
    OpenAiVendor,
    GroqVendor,
    SelfHostedVendor,
    DeepgramVendor,
    ElevenLabsVendor,
    AssemblyAiVendor,
    RevAiVendor,
    SpeechmaticsVendor,
)
JOB_VENDORS: tuple[type[JobVendor], ...] = (AssemblyAiVendor, RevAiVendor, SpeechmaticsVendor)
