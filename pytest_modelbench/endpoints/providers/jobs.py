"""Vendors that transcribe in jobs: a job is sent, asked after until it is done, and fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from pytest_modelbench.endpoints.contract import EndpointError, Send
from pytest_modelbench.endpoints.openai_json import quoted
from pytest_modelbench.endpoints.providers.transcriber import Transcriber
from pytest_modelbench.endpoints.providers.upload import Upload

if TYPE_CHECKING:
    from pytest_modelbench.wire.exchange import Exchange
    from pytest_modelbench.wire.request import Request

GROWTH = 1.5
MOST_GROWN = 20
"""How much longer the longest wait is than the first."""


class JobTranscriber(Transcriber):
    """A vendor with jobs."""

    timed = (
        "from the first request to the end of the transcript: sending the sound, the job, and the "
        "waits between looking whether it is done"
    )
    jobs_path: ClassVar[str]
    """Below the address: where jobs are sent to, and each one is found by its id."""
    running: ClassVar[frozenset[str]]
    """What a job's state may be while it is under way."""
    done: ClassVar[str]

    def job(self, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """The part of an answer that is about a job: it has `id` and `status`."""
        return found

    def failure(self, job: Mapping[str, Any]) -> str:
        """Why a job came to nothing, in the vendor's words; empty where it says nothing."""
        raise NotImplementedError

    def transcript(self, job_url: str) -> Request | None:
        """What fetches the text; None where the job itself has it once it is done."""
        raise NotImplementedError

    async def submit(self, address: str, upload: Upload, send: Send) -> Exchange:
        """Begin a job."""
        return await send(self.request("POST", address + self.jobs_path, upload))

    async def transcribe(self, address: str, upload: Upload, send: Send) -> Exchange:
        sent = await self.submit(address, upload, send)
        job_url = f"{address}{self.jobs_path}/{self._id(sent)}"
        last = await self._until_done(job_url, send)
        if (fetch := self.transcript(job_url)) is not None:
            last = await send(fetch)
        if self.params.delete_jobs:
            last.afterwards = self.request("DELETE", job_url)
        return last

    def _id(self, exchange: Exchange) -> str:
        job = self.job(self.found_in(exchange))
        given = job.get("id")
        if isinstance(given, str) and given.strip(". "):
            return quote(given, safe="")
        raise EndpointError(f"the answer to a new job has no id: {quoted(repr(dict(job)))}")

    async def _until_done(self, job_url: str, send: Send) -> Exchange:
        wait, begin_ns = self.params.poll_seconds, perf_counter_ns()
        end_ns = begin_ns + int(self.params.job_seconds * 1e9)
        while True:
            left = (end_ns - perf_counter_ns()) / 1e9
            await asyncio.sleep(max(0.0, min(wait, left)))
            exchange = await send(self.request("GET", job_url))
            state = self._state(exchange)
            if state == self.done:
                return exchange
            if perf_counter_ns() >= end_ns:
                raise EndpointError(
                    f"the job is still {state!r} after {self.params.job_seconds:g} s: raise "
                    "params.job_seconds if it may take longer"
                )
            wait = min(wait * GROWTH, self.params.poll_seconds * MOST_GROWN)

    def _state(self, exchange: Exchange) -> str:
        """`done`, or one of `running`. Raises `EndpointError` for a job that is neither."""
        job = self.job(self.found_in(exchange))
        state = job.get("status")
        if isinstance(state, str) and (state == self.done or state in self.running):
            return state
        why = self.failure(job) or f"its answer is {quoted(repr(dict(job)))}"
        raise EndpointError(f"the job is {state!r}: {quoted(why)}")
