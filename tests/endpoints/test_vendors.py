from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from asked import address_of_sound, asked, driven, sound
from vendor_http import HttpServer, serving
from vendor_jobs import JOB_VENDORS, VENDORS, AssemblyAiVendor, JobVendor
from vendor_server import KEY, DeepgramVendor, OpenAiVendor, SelfHostedVendor, Vendor, words_of

from pytest_modelbench.endpoints.contract import Answer
from pytest_modelbench.endpoints.providers.transcriber import Transcriber

Made = Callable[..., Transcriber]
of_every_vendor = pytest.mark.parametrize("kind", VENDORS, ids=lambda kind: kind.provider)
of_vendors_with_jobs = pytest.mark.parametrize("kind", JOB_VENDORS, ids=lambda kind: kind.provider)
FRAMES = (1600, 24_001, 4000, 800)


def base_of(vendor: Vendor, server: HttpServer) -> str:
    """Where its interface begins on the server: what stands in for the vendor's own host."""
    return f"{server.url}/openai" if vendor.provider == "groq" else server.url


def texts_of(answers: list[Answer | Exception]) -> list[str]:
    return [answer.value for answer in answers if isinstance(answer, Answer)]


@of_every_vendor
def test_each_sample_is_answered_with_the_text_of_its_own_sound(
    kind: type[Vendor], transcriber_at: Made
) -> None:
    async def course() -> None:
        vendor = kind()
        async with HttpServer(vendor) as server:
            endpoint = transcriber_at(vendor, base_of(vendor, server))
            answers = await asked(endpoint, [sound(frames) for frames in FRAMES])
        assert server.complaints == []
        assert texts_of(answers) == [words_of(frames) for frames in FRAMES], answers
        assert {answer.notes["endpoint"] for answer in answers} == {endpoint.address}  # type: ignore[union-attr]

    asyncio.run(course())


@pytest.mark.parametrize(
    "kind", [kind for kind in VENDORS if kind.has_urls], ids=lambda kind: kind.provider
)
def test_a_vendor_that_fetches_sound_is_told_where_it_is(
    kind: type[Vendor], transcriber_at: Made
) -> None:
    async def course() -> None:
        vendor = kind()
        async with HttpServer(vendor) as server:
            endpoint = transcriber_at(vendor, base_of(vendor, server), use_url=True)
            answers = await asked(endpoint, [address_of_sound(frames) for frames in FRAMES])
        assert server.complaints == []
        assert texts_of(answers) == [words_of(frames) for frames in FRAMES], answers
        assert not any(b"RIFF" in call.body for call in server.calls)

    asyncio.run(course())


@of_every_vendor
def test_without_a_language_none_is_sent_and_further_fields_are(
    kind: type[Vendor], transcriber_at: Made
) -> None:
    async def course() -> None:
        vendor = kind()
        vendor.language, vendor.extra = None, {"custom": "yes"}
        async with HttpServer(vendor) as server:
            endpoint = transcriber_at(vendor, base_of(vendor, server))
            answers = await asked(endpoint, [sound(1600)])
        assert server.complaints == []
        assert texts_of(answers) == [words_of(1600)], answers

    asyncio.run(course())


@of_every_vendor
def test_hundreds_at_once_get_each_its_own_text(kind: type[Vendor], transcriber_at: Made) -> None:
    async def course() -> None:
        vendor = kind()
        async with HttpServer(vendor) as server:
            endpoint = transcriber_at(vendor, base_of(vendor, server), poll_seconds=0.2)
            frames = [200 + number for number in range(300)]
            answers = await asked(endpoint, [sound(count) for count in frames])
        assert server.complaints == []
        assert texts_of(answers) == [words_of(count) for count in frames]

    asyncio.run(course())


@of_vendors_with_jobs
@pytest.mark.parametrize("delete", [False, True])
def test_a_job_is_asked_after_until_it_is_done_and_deleted_only_if_wanted(
    kind: type[JobVendor], delete: bool, transcriber_at: Made
) -> None:
    vendor = kind()
    vendor.polls = 4
    with serving(vendor) as server:
        endpoint = transcriber_at(vendor, server.url, delete_jobs=delete)
        replies = driven(endpoint, [sound(1600), sound(3200)], concurrency=1)
    assert server.complaints == []
    answers = [reply.answer for reply in replies if reply.answer is not None]
    assert texts_of(answers) == [words_of(1600), words_of(3200)], replies
    assert set(vendor.polled.values()) == {5}
    assert vendor.deleted == (["job0", "job1"] if delete else [])


def test_tokens_are_counted_by_the_vendor_where_it_says_how_many(transcriber_at: Made) -> None:
    async def course() -> None:
        vendor = OpenAiVendor()
        async with HttpServer(vendor) as server:
            (answer,) = await asked(transcriber_at(vendor, server.url), [sound(16_000)])
        assert isinstance(answer, Answer)
        assert (answer.input_tokens, answer.output_tokens) == (10, 7)
        assert answer.counted_by == "usage"
        assert answer.notes["usage"]["total_tokens"] == 17

    asyncio.run(course())


def test_seconds_instead_of_tokens_are_no_count_of_tokens(transcriber_at: Made) -> None:
    async def course() -> None:
        vendor = SelfHostedVendor()
        async with HttpServer(vendor) as server:
            (answer,) = await asked(transcriber_at(vendor, server.url), [sound(16_000)])
        assert isinstance(answer, Answer)
        assert (answer.input_tokens, answer.output_tokens, answer.counted_by) == (None, None, None)
        assert answer.notes["usage"] == {"type": "duration", "seconds": 1}

    asyncio.run(course())


def test_values_that_are_no_texts_are_sent_as_the_vendor_writes_them(transcriber_at: Made) -> None:
    async def course() -> None:
        vendor = DeepgramVendor()
        async with HttpServer(vendor) as server:
            endpoint = transcriber_at(
                vendor,
                server.url,
                request={"smart_format": True, "alternatives": 1, "keyterm": ["a b", "c&d"]},
            )
            await asked(endpoint, [sound(1600)])
        (call,) = server.calls
        assert call.query["smart_format"] == ["true"]
        assert call.query["alternatives"] == ["1"]
        assert call.query["keyterm"] == ["a b", "c&d"]

    asyncio.run(course())


def test_requests_go_round_the_addresses_and_an_answer_names_its_own(transcriber_at: Made) -> None:
    async def course() -> None:
        vendor = SelfHostedVendor()
        async with HttpServer(vendor) as one, HttpServer(vendor) as another:
            endpoint = transcriber_at(vendor, [one.url, another.url])
            answers = await asked(endpoint, [sound(1600 + number) for number in range(10)])
        assert (len(one.calls), len(another.calls)) == (5, 5)
        named = [answer.notes["endpoint"] for answer in answers if isinstance(answer, Answer)]
        path = "/v1/audio/transcriptions"
        assert named == [f"{one.url}{path}", f"{another.url}{path}"] * 5

    asyncio.run(course())


def test_a_job_stays_with_the_address_it_was_sent_to(transcriber_at: Made) -> None:
    async def course() -> None:
        one_vendor, another_vendor = AssemblyAiVendor(), AssemblyAiVendor()
        async with HttpServer(one_vendor) as one, HttpServer(another_vendor) as another:
            endpoint = transcriber_at(one_vendor, [one.url, another.url])
            answers = await asked(endpoint, [sound(1600 + number) for number in range(6)])
        assert (one.complaints, another.complaints) == ([], [])
        assert len(one_vendor.jobs) == len(another_vendor.jobs) == 3
        assert texts_of(answers) == [words_of(1600 + number) for number in range(6)], answers

    asyncio.run(course())


@of_every_vendor
def test_the_key_is_in_no_text_that_anybody_sees(kind: type[Vendor], transcriber_at: Made) -> None:
    vendor = kind()
    endpoint = transcriber_at(vendor, "http://127.0.0.1:9")
    request = endpoint.request("POST", endpoint.addresses[0], endpoint.prepare(sound(160)))
    assert endpoint.secrets == (KEY,)
    shown = [repr(endpoint), endpoint.address, repr(endpoint.properties), repr(endpoint.params)]
    assert not any(KEY in text for text in [*shown, repr(request), request.url])
    assert any(KEY in value for value in request.secrets.values())
