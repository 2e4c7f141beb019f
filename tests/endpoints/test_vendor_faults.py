from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence

import pytest
from asked import asked, driven, sound
from vendor_http import Call, HttpServer, Reply, serving
from vendor_jobs import (
    JOB_VENDORS,
    VENDORS,
    AssemblyAiVendor,
    JobVendor,
    RevAiVendor,
    SpeechmaticsVendor,
)
from vendor_server import KEY, OpenAiVendor, SelfHostedVendor, Vendor, words_of

from pytest_modelbench.endpoints.contract import Answer, EndpointError
from pytest_modelbench.endpoints.providers.transcriber import Transcriber

Made = Callable[..., Transcriber]
of_every_vendor = pytest.mark.parametrize("kind", VENDORS, ids=lambda kind: kind.provider)
of_vendors_with_jobs = pytest.mark.parametrize("kind", JOB_VENDORS, ids=lambda kind: kind.provider)


def base_of(vendor: Vendor, server: HttpServer) -> str:
    return f"{server.url}/openai" if vendor.provider == "groq" else server.url


async def answered(
    vendor: Vendor, transcriber_at: Made, first: Sequence[Reply | None], retries: int = 0
) -> tuple[Answer | Exception, HttpServer]:
    """What a sample is answered where the first requests get these replies (None: as they are)."""
    async with HttpServer(vendor) as server:
        server.first = list(first)
        endpoint = transcriber_at(vendor, base_of(vendor, server))
        (answer,) = await asked(endpoint, [sound(1600)], retries)
    return answer, server


def error_of(answer: Answer | Exception) -> str:
    assert isinstance(answer, EndpointError), answer
    text = str(answer)
    assert KEY not in text
    assert "\n" not in text
    return text


@of_every_vendor
def test_a_wrong_key_is_told_at_once_and_not_tried_again(
    kind: type[Vendor], transcriber_at: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def course() -> None:
        vendor = kind()
        async with HttpServer(vendor) as server:
            endpoint = transcriber_at(vendor, base_of(vendor, server))
            endpoint.secrets = ("another-key",)
            (answer,) = await asked(endpoint, [sound(1600)], retries=3)
        assert len(server.calls) == 1
        assert isinstance(answer, EndpointError)
        assert "401" in str(answer)
        assert "another-key" not in str(answer)

    asyncio.run(course())


@of_every_vendor
@pytest.mark.parametrize("status", [429, 500])
def test_a_vendor_that_is_busy_or_broken_is_asked_again(
    kind: type[Vendor], status: int, transcriber_at: Made
) -> None:
    reply = Reply(status, b"{}", headers={"Retry-After": "0"})
    answer, server = asyncio.run(answered(kind(), transcriber_at, [reply, reply], retries=2))
    assert isinstance(answer, Answer), answer
    assert answer.value == words_of(1600)
    assert server.complaints == []
    assert len(server.calls) >= 3


@of_vendors_with_jobs
def test_a_job_survives_a_vendor_that_is_busy_while_it_is_asked_after(
    kind: type[JobVendor], transcriber_at: Made
) -> None:
    busy = Reply(503, b"{}", headers={"Retry-After": "0"})
    vendor = kind()
    answer, _ = asyncio.run(
        answered(vendor, transcriber_at, [None, None, busy, None, busy], retries=2)
    )
    assert isinstance(answer, Answer), answer
    assert answer.value == words_of(1600)
    assert len(vendor.jobs) == 1


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(200, b'{"text": "There'), "the answer is not whole JSON"),
        (Reply(200, b""), "the answer is empty"),
        (
            Reply(200, b"<html>Sign in</html>", "text/html"),
            "the answer is text/html, not JSON: <ht",
        ),
        (Reply(200, b'{"text": "\xff\xfe"}'), "the answer is not UTF-8 text"),
        (Reply(200, b"[1, 2]"), "the answer is no JSON object: [1, 2]"),
        (Reply.of({"task": "transcribe"}), "the answer has no text under 'text': {'task'"),
        (Reply.of({"text": None}), "the answer has no text under 'text'"),
        (Reply.of({"text": ["a"]}), "the answer has something else than text under 'text'"),
        (Reply.of({"error": {"message": "overloaded"}}), "the server reports an error: overloaded"),
        (Reply(200, b"[" * 100_000), "the answer is"),
    ],
)
def test_an_answer_that_makes_no_sense_is_one_sentence(
    reply: Reply, text: str, transcriber_at: Made
) -> None:
    answer, server = asyncio.run(answered(OpenAiVendor(), transcriber_at, [reply], retries=2))
    assert error_of(answer).startswith(text)
    assert len(error_of(answer)) < 500
    assert len(server.calls) == 1


@of_every_vendor
def test_no_vendor_can_answer_what_makes_no_sense(kind: type[Vendor], transcriber_at: Made) -> None:
    """Whatever comes instead of any of its answers, there is one sentence and no other error."""
    nonsense = (
        *(b"{}", b"[]", b"null", b'"text"', b'{"results": []}', b'{"results": {"channels": [3]}}'),
        *(b'{"id": 5}', b'{"id": ""}', b'{"id": "."}', b'{"job": 3}', b'{"job": {"id": null}}'),
        *(b'{"monologues": 3}', b'{"monologues": [3]}', b'{"monologues": [{"elements": [1]}]}'),
        *(b'{"status": []}', b'{"status": {"a": 1}}', b'{"upload_url": 1}', b"\xff", b"{"),
        b'{"job": {"status": "rejected", "errors": [3, {"message": null}]}}',
    )

    async def one(body: bytes, step: int) -> None:
        reply = Reply(200, body)
        answer, server = await answered(kind(), transcriber_at, [*[None] * step, reply])
        if len(server.calls) > step:  # else it was done before
            assert not isinstance(answer, Answer), (body, step, answer)
            error_of(answer)

    async def course() -> None:
        await asyncio.gather(*(one(body, step) for body in nonsense for step in range(4)))

    asyncio.run(course())


def test_half_characters_in_an_answer_do_not_stop_what_writes_it_down(transcriber_at: Made) -> None:
    reply = Reply(200, b'{"text": " half \\ud83d of one "}')
    answer, _ = asyncio.run(answered(OpenAiVendor(), transcriber_at, [reply]))
    assert isinstance(answer, Answer)
    assert answer.value == "half ? of one"


def test_an_answer_that_breaks_off_is_asked_for_again(transcriber_at: Made) -> None:
    broken = Reply(200, json.dumps({"text": "a"}).encode(), cut_after=3)
    answer, server = asyncio.run(answered(OpenAiVendor(), transcriber_at, [broken], retries=1))
    assert isinstance(answer, Answer), answer
    assert len(server.calls) == 2


@of_vendors_with_jobs
def test_a_job_that_fails_is_told_in_the_vendors_words_and_not_tried_again(
    kind: type[JobVendor], transcriber_at: Made
) -> None:
    vendor = kind()
    vendor.fails = True
    answer, _ = asyncio.run(answered(vendor, transcriber_at, [], retries=3))
    words = {
        AssemblyAiVendor: "Download error, unable to download https://clips.example/a?***",
        RevAiVendor: "The media holds no sound",
        SpeechmaticsVendor: "unsupported sample rate",
    }
    assert words[kind] in error_of(answer)
    assert len(vendor.jobs) == 1


@of_vendors_with_jobs
def test_a_job_that_never_ends_is_given_up(kind: type[JobVendor], transcriber_at: Made) -> None:
    async def course() -> None:
        vendor = kind()
        vendor.polls = 10**9
        async with HttpServer(vendor) as server:
            endpoint = transcriber_at(vendor, server.url, job_seconds=0.3)
            (answer,) = await asked(endpoint, [sound(1600)])
        text = error_of(answer)
        assert "after 0.3 s: raise params.job_seconds if it may take longer" in text
        # 10, 15, 22, 34, 51, 76 ms, the rest: the waits grow.
        assert 1 <= next(iter(vendor.polled.values())) <= 9

    asyncio.run(course())


@of_vendors_with_jobs
def test_an_unknown_state_of_a_job_is_no_reason_to_wait(
    kind: type[JobVendor], transcriber_at: Made
) -> None:
    state = {"id": "job0", "status": "expired"}
    reply = Reply.of({"job": state} if kind is SpeechmaticsVendor else state)
    at = 2 if kind is AssemblyAiVendor else 1
    answer, server = asyncio.run(answered(kind(), transcriber_at, [*[None] * at, reply]))
    assert "the job is 'expired'" in error_of(answer)
    assert len(server.calls) == at + 1


@of_vendors_with_jobs
@pytest.mark.parametrize(("status", "deletes"), [(409, 1), (429, 3)])
def test_a_job_that_cannot_be_deleted_is_answered_all_the_same(
    kind: type[JobVendor], status: int, deletes: int, transcriber_at: Made
) -> None:
    """And nothing that follows the transcript is in the counts and times of the sample."""
    vendor = kind()

    async def handler(call: Call) -> Reply:
        if call.method != "DELETE":
            return await vendor(call)
        return Reply(status, b"{}", headers={"Retry-After": "0"})

    with serving(handler) as server:
        endpoint = transcriber_at(vendor, server.url, delete_jobs=True)
        (reply,) = driven(endpoint, [sound(1600)], concurrency=1, retries=2)
    assert reply.answer is not None, reply.error
    assert [call.method for call in server.calls].count("DELETE") == deletes
    assert (reply.attempts, reply.retry_ns) == (1, 0)
    assert reply.service_ns == reply.ended_ns - reply.first_sent_ns > 0


def test_a_sample_is_answered_though_its_job_is_not_deleted_in_time(transcriber_at: Made) -> None:
    for seconds in (2.0, 20.0):  # the first is too short where all goes slowly
        vendor, over = RevAiVendor(), list[bool]()

        async def handler(
            call: Call, vendor: RevAiVendor = vendor, over: list[bool] = over
        ) -> Reply:
            while call.method == "DELETE" and not over:
                await asyncio.sleep(0.01)
            return await vendor(call)

        with serving(handler) as server:
            endpoint = transcriber_at(vendor, server.url, delete_jobs=True)
            (reply,) = driven(endpoint, [sound(1600)], drain_seconds=seconds, rate=100.0)
            over.append(True)
        if not reply.error:
            break
    assert server.calls[-1].method == "DELETE"
    assert reply.error == ""


def test_an_id_cannot_lead_elsewhere(transcriber_at: Made) -> None:
    reply = Reply.of({"id": "../../admin?x=1#", "status": "queued"})
    _, server = asyncio.run(answered(AssemblyAiVendor(), transcriber_at, [None, reply]))
    assert server.calls[2].path == "/v2/transcript/..%2F..%2Fadmin%3Fx%3D1%23"
    assert not server.calls[2].query


def test_one_dead_address_fails_by_name_and_the_other_goes_on(transcriber_at: Made) -> None:
    async def course() -> None:
        vendor = SelfHostedVendor()
        async with HttpServer(vendor) as gone:
            dead = gone.url
        async with HttpServer(vendor) as alive:
            endpoint = transcriber_at(vendor, [dead, alive.url])
            answers = await asked(endpoint, [sound(1600 + number) for number in range(8)])
        texts = [answer.value for answer in answers if isinstance(answer, Answer)]
        assert texts == [words_of(1600 + number) for number in range(1, 8, 2)]
        host = dead.removeprefix("http://")
        for answer in answers[::2]:
            assert host in error_of(answer)
            assert isinstance(answer, EndpointError)
            assert answer.endpoint == f"{dead}/v1/audio/transcriptions"

    asyncio.run(course())


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_carries_no_key_there(status: int, transcriber_at: Made) -> None:
    async def course() -> None:
        vendor = OpenAiVendor()

        async def thief(call: Call) -> Reply:
            return Reply.of({"text": "stolen"})

        async with HttpServer(thief) as other, HttpServer(vendor) as server:
            elsewhere = {"Location": f"http://localhost:{other.port}/v1/audio/transcriptions"}
            server.first = [Reply(status, b"", None, elsewhere)]
            endpoint = transcriber_at(vendor, server.url)
            (answer,) = await asked(endpoint, [sound(1600)])
        for call in other.calls:
            assert "authorization" not in call.headers
            assert not any(KEY in value for value in call.headers.values())
        if isinstance(answer, Exception):
            error_of(answer)

    asyncio.run(course())
