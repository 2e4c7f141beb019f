from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asked import asked, exchange_of
from openai_server import (
    MODEL,
    Call,
    OpenaiServer,
    Reply,
    chunk,
    chunks,
    completion,
    delta,
    event,
    openai_server,
    parrot,
    stream,
    whole,
)
from pydantic import ValidationError
from tokenizers import Tokenizer, models, pre_tokenizers

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.endpoints.chat_api import ChatApi, ChatEndpoint, ChatParams
from pytest_modelbench.endpoints.contract import Answer, EndpointError
from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.registry import Candidate
from pytest_modelbench.wire.client import Client

KEY = "sk-very-secret-0123456789"
Made = Callable[..., ChatEndpoint]


@pytest.fixture
def server() -> Iterator[OpenaiServer]:
    with openai_server() as served:
        yield served


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def endpoint_at(url: str | None, model: str = "parrot", **params: Any) -> ChatEndpoint:
    where = {} if url is None or "endpoints" in params else {"base_url": url}
    session = ChatApi().load(Candidate(model, model), "endpoint", {**where, **params})
    assert isinstance(session.endpoint, ChatEndpoint)
    return session.endpoint


def answers(endpoint: ChatEndpoint, *rows: Any) -> list[Answer | Exception]:
    return asyncio.run(asked(endpoint, [Sample(str(at), row) for at, row in enumerate(rows)]))


def answer(endpoint: ChatEndpoint, row: Any) -> Answer:
    (found,) = answers(endpoint, row)
    assert isinstance(found, Answer), found
    return found


def fault(endpoint: ChatEndpoint, row: Any = "a") -> str:
    (found,) = answers(endpoint, row)
    assert isinstance(found, EndpointError), found
    return str(found)


def test_a_text_is_asked_and_its_answer_read_with_the_times_of_its_tokens(
    server: OpenaiServer,
) -> None:
    found = answer(endpoint_at(server.url), "once upon a time")
    assert found.value == "ONCE UPON A TIME"
    assert len(found.token_ns) == 4
    assert list(found.token_ns) == sorted(found.token_ns)
    assert (found.output_tokens, found.counted_by) == (4, "usage")
    assert found.input_tokens == 7
    assert found.notes == {"finish_reason": "stop", "model": MODEL}


def test_what_is_asked_is_what_the_suite_says(server: OpenaiServer) -> None:
    endpoint = endpoint_at(
        f"{server.url}/v1",
        max_tokens=7,
        temperature=0,
        top_p=0.5,
        seed=3,
        stop=["\n"],
        system="Be brief",
        request={"ignore_eos": True, "logit_bias": {"5": 1}},
    )
    answer(endpoint, "one")
    (call,) = server.calls
    assert call.path == "/v1/chat/completions"
    assert call.json == {
        "model": "parrot",
        "messages": [
            {"role": "system", "content": "Be brief"},
            {"role": "user", "content": "one"},
        ],
        "max_tokens": 7,
        "temperature": 0,
        "top_p": 0.5,
        "seed": 3,
        "stop": ["\n"],
        "stream": True,
        "stream_options": {"include_usage": True},
        "ignore_eos": True,
        "logit_bias": {"5": 1},
    }
    assert call.headers["content-type"] == "application/json"
    assert "authorization" not in call.headers


def test_what_the_suite_does_not_say_is_not_asked(server: OpenaiServer) -> None:
    assert answer(endpoint_at(server.url, stream=False), "one").value == "ONE"
    assert server.calls[0].json == {
        "model": "parrot",
        "messages": [{"role": "user", "content": "one"}],
    }


def test_a_whole_answer_has_no_times(server: OpenaiServer) -> None:
    found = answer(endpoint_at(server.url, stream=False), "one two")
    assert (found.output_tokens, found.counted_by, len(found.token_ns)) == (2, "usage", 0)


@pytest.mark.parametrize("streams", [True, False])
def test_completions_continue_a_text(server: OpenaiServer, streams: bool) -> None:
    found = answer(endpoint_at(server.url, api="completions", stream=streams), "one two")
    assert found.value == "ONE TWO"
    assert found.output_tokens == 2
    assert server.calls[0].path == "/v1/completions"
    assert server.calls[0].json["prompt"] == "one two"


def test_the_field_of_the_most_tokens_may_be_called_otherwise(server: OpenaiServer) -> None:
    answer(endpoint_at(server.url, max_tokens=5, max_tokens_field="max_completion_tokens"), "a")
    assert server.calls[0].json["max_completion_tokens"] == 5
    assert "max_tokens" not in server.calls[0].json


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("", "/v1/chat/completions"),
        ("/", "/v1/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/api/v3/", "/api/v3/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
    ],
)
def test_an_address_is_completed_as_far_as_it_has_to_be(
    server: OpenaiServer, base: str, path: str
) -> None:
    endpoint = endpoint_at(server.url + base)
    answer(endpoint, "a")
    assert server.calls[0].path == path
    assert endpoint.address == server.url + path


def test_without_base_url_the_environment_says_where(
    server: OpenaiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    assert answer(endpoint_at(None), "a").value == "A"
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(Unavailable, match="no address to ask: give base_url in params"):
        endpoint_at(None)


def test_several_addresses_are_asked_in_turn() -> None:
    with openai_server() as first, openai_server() as second:
        urls = [first.url, f"{second.url}/v1"]
        endpoint = endpoint_at(None, endpoints=urls)

        async def course() -> list[str]:
            async with Client() as client:
                samples = [Sample(str(number), "a") for number in range(5)]
                return [(await exchange_of(endpoint, one, client)).endpoint for one in samples]

        asked_there = asyncio.run(course())
    paths = [f"{url.removesuffix('/v1')}/v1/chat/completions" for url in urls]
    assert asked_there == [*paths, *paths, paths[0]]
    assert (len(first.calls), len(second.calls)) == (3, 2)


def test_of_several_addresses_it_is_known_which_did_not_answer() -> None:
    with openai_server(lambda call: whole({"error": "no"}, status=400)) as server:
        endpoint = endpoint_at(None, endpoints=[server.url, f"{server.url}/v2"])
        found = answers(endpoint, "a", ["b", "c"])
    assert [one.endpoint for one in found if isinstance(one, EndpointError)] == list(endpoint.urls)


class TestTheKey:
    def test_is_sent_if_there_is_one(
        self, server: OpenaiServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        endpoint = endpoint_at(server.url)
        answer(endpoint, "a")
        assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
        assert endpoint.secrets == (KEY,)

    def test_is_shown_by_nothing(
        self, server: OpenaiServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        endpoint = endpoint_at(server.url)
        request = endpoint.prepare(Sample("0", "a"))
        assert KEY not in repr(request) + repr(endpoint) + str(endpoint.properties)
        assert KEY.encode() not in request.body

    def test_is_hidden_where_a_server_says_it_again(
        self, server: OpenaiServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        endpoint = endpoint_at(server.url)
        for reply in (
            whole({"error": {"message": f"no such key: {KEY}"}}),
            whole({"error": {"message": f"no such key: {KEY}"}}, status=401),
            stream([event({"error": f"no such key: {KEY}"})]),
            stream([f"data: {KEY}\n\n".encode()]),
        ):
            server.answer = lambda call, reply=reply: reply
            for row in ("a", ["a", "b"]):
                text = fault(endpoint, row)
                assert KEY not in text
                assert "***" in text

    def test_is_hidden_in_what_a_server_answers(
        self, server: OpenaiServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        endpoint = endpoint_at(server.url, stream=False)
        said = {"message": {"role": "assistant", "content": f"It is {KEY}."}}
        server.answer = lambda call: whole(completion(said, model=f"m-{KEY}"))
        for row in ("a", ["a", "b"]):
            answered = answer(endpoint, row)
            assert answered.value == "It is ***."
            assert KEY not in str(answered.notes)

    def test_is_not_taken_for_a_leak_where_it_is_a_word(
        self, server: OpenaiServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        endpoint = endpoint_at(server.url, stream=False)
        said = {"message": {"role": "assistant", "content": "none at all"}}
        server.answer = lambda call: whole(completion(said))
        assert answer(endpoint, "a").value == "none at all"

    def test_of_another_variable_has_to_be_there(
        self, server: OpenaiServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "another")
        with pytest.raises(Unavailable, match="MY_KEY is not set"):
            endpoint_at(server.url, key_env="MY_KEY")
        monkeypatch.setenv("MY_KEY", KEY)
        answer(endpoint_at(server.url, key_env="MY_KEY"), "a")
        assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"


class TestAConversation:
    def test_is_held_turn_by_turn(self, server: OpenaiServer) -> None:
        found = answer(endpoint_at(server.url, system="Be brief"), ["one", "two", "three four"])
        assert [call.json["messages"] for call in server.calls] == [
            CONVERSATION[:2],
            CONVERSATION[:4],
            CONVERSATION,
        ]
        assert found.value == "THREE FOUR"
        assert found.output_tokens == 2
        turns = found.notes["turns"]
        assert [turn["output_tokens"] for turn in turns] == [1, 1, 2]
        assert all(0 < turn["service_ttft_ms"] <= turn["service_ms"] for turn in turns)

    def test_has_the_latencies_of_its_last_turn(self, server: OpenaiServer) -> None:
        endpoint = endpoint_at(server.url)

        async def course() -> tuple[Any, Answer]:
            async with Client() as client:
                sample = Sample("0", ["one", "two"])
                exchange = await exchange_of(endpoint, sample, client)
                return exchange, endpoint.read(sample, exchange)

        exchange, found = asyncio.run(course())
        (earlier,) = exchange.earlier
        assert found.asked_ns is not None
        assert earlier.ended_ns < found.asked_ns < exchange.sent_ns < found.token_ns[0]
        assert found.token_ns[-1] <= exchange.ended_ns

    def test_of_one_turn_is_a_request_like_any(self, server: OpenaiServer) -> None:
        found = answer(endpoint_at(server.url), ["one"])
        assert found.asked_ns is None
        assert "turns" not in found.notes

    def test_that_breaks_off_says_at_which_turn(self, server: OpenaiServer) -> None:
        bad = stream([event(chunk(delta(content="a")))])
        server.answer = lambda call: parrot(call) if len(server.calls) < 2 else bad
        text = fault(endpoint_at(server.url), ["one", "two", "three"])
        assert text.startswith("turn 2 of 3: the stream breaks off")
        assert len(server.calls) == 2

    def test_stays_with_one_server(self) -> None:
        with openai_server() as first, openai_server() as second:
            endpoint = endpoint_at(None, endpoints=[first.url, second.url])
            found = answers(endpoint, ["one", "two"], ["three", "four"])
        assert [one.value for one in found if isinstance(one, Answer)] == ["TWO", "FOUR"]
        for server in (first, second):
            assert [len(call.json["messages"]) for call in server.calls] == [1, 3]


CONVERSATION = [
    {"role": "system", "content": "Be brief"},
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "ONE"},
    {"role": "user", "content": "two"},
    {"role": "assistant", "content": "TWO"},
    {"role": "user", "content": "three four"},
]


class TestTokens:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, "[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        return tmp_path

    @staticmethod
    def without_usage(call: Call) -> Reply:
        texts = ["One two", " three."]
        return (
            stream(chunks(texts))
            if call.json.get("stream")
            else whole(completion({"message": {"content": "".join(texts)}}))
        )

    def test_are_chunks_where_nobody_counts(self, server: OpenaiServer) -> None:
        server.answer = self.without_usage
        found = answer(endpoint_at(server.url), "a")
        assert (found.output_tokens, found.counted_by, found.input_tokens) == (2, "chunks", None)

    def test_are_unknown_of_a_whole_answer_that_nobody_counts(self, server: OpenaiServer) -> None:
        server.answer = self.without_usage
        found = answer(endpoint_at(server.url, stream=False), "a")
        assert (found.output_tokens, found.counted_by, found.input_tokens) == (None, None, None)

    @pytest.mark.parametrize("streams", [True, False])
    def test_are_counted_with_the_tokenizer_that_a_suite_names(
        self, server: OpenaiServer, folder: Path, streams: bool
    ) -> None:
        server.answer = self.without_usage
        endpoint = endpoint_at(
            server.url, tokenizer=str(folder), stream=streams, system="Be very brief"
        )
        found = answer(endpoint, "How are you?")
        assert (found.output_tokens, found.counted_by) == (4, "tokenizer")
        assert found.input_tokens == 7
        # What was answered in between is read as well.
        assert answer(endpoint, ["How are you?", "And"]).input_tokens == 3 + 4 + 4 + 1

    def test_are_counted_with_the_tokenizer_of_a_model_that_is_here(
        self, server: OpenaiServer, folder: Path
    ) -> None:
        server.answer = self.without_usage
        found = answer(endpoint_at(server.url, model=str(folder)), "a")
        assert (found.output_tokens, found.counted_by) == (4, "tokenizer")
        assert server.calls[0].json["model"] == str(folder)

    def test_of_prompts_are_as_many_as_the_suite_says(
        self, server: OpenaiServer, folder: Path
    ) -> None:
        endpoint = endpoint_at(server.url, prompt_tokens=30, tokenizer=str(folder))
        found = answers(endpoint, 0, 1, 0)
        said = [call.json["messages"][-1]["content"] for call in server.calls]
        assert [len(text.split()) for text in said] == [30] * 3
        assert len(set(said)) == 2
        assert all(isinstance(one, Answer) for one in found)

    def test_are_not_none_because_a_server_says_so(self, server: OpenaiServer) -> None:
        nothing = {"prompt_tokens": 0, "completion_tokens": 0}
        server.answer = lambda call: stream(chunks(["a", "b"], usage=nothing))
        assert answer(endpoint_at(server.url), "a").counted_by == "chunks"
        server.answer = lambda call: stream(chunks([], usage=nothing))
        found = answer(endpoint_at(server.url), "a")
        assert (found.output_tokens, found.counted_by) == (0, "usage")


def test_stream_options_can_be_left_out_for_a_server_that_refuses_them(
    server: OpenaiServer,
) -> None:
    def answer_only_without(call: Call) -> Reply:
        if "stream_options" in call.json:
            return whole({"error": {"message": "unknown field: stream_options"}}, status=400)
        return parrot(call)

    server.answer = answer_only_without
    assert '"request": {"stream_options": null}' in fault(endpoint_at(server.url))
    endpoint = endpoint_at(server.url, request={"stream_options": None})
    assert answer(endpoint, "a").counted_by == "chunks"


def test_the_name_for_the_server_may_be_another(server: OpenaiServer) -> None:
    endpoint = endpoint_at(server.url, served_model="polly")
    answer(endpoint, "a")
    assert server.calls[0].json["model"] == "polly"
    assert endpoint.properties["model"] == "polly"


def test_text_goes_out_as_it_is(server: OpenaiServer) -> None:
    text = 'é "quoted" \\ \n 日本 😀'
    assert answer(endpoint_at(server.url), text).value == text.upper()


@pytest.mark.parametrize(
    ("row", "said"),
    [("\ud800", "half a character"), ([{"role": "user", "content": "a", "x": {1}}], "as JSON")],
)
def test_what_cannot_be_sent_is_told_before_anything_is(row: Any, said: str) -> None:
    with pytest.raises(EndpointError, match=said):
        endpoint_at("localhost:1").prepare(Sample("0", row))


@pytest.mark.parametrize(("row", "params"), [(5, {}), ("a", {"prompt_tokens": 5})])
def test_numbers_alone_become_prompts(row: Any, params: dict[str, Any]) -> None:
    with pytest.raises(
        EndpointError, match=r"'generated' and params.prompt_tokens need each other"
    ):
        endpoint_at("localhost:1", **params).prepare(Sample("0", row))


def test_many_are_asked_at_once_and_each_gets_its_own_answer(server: OpenaiServer) -> None:
    rows = [f"row {number} of many" for number in range(100)]
    found = answers(endpoint_at(server.url), *rows)
    assert [one.value if isinstance(one, Answer) else one for one in found] == [
        row.upper() for row in rows
    ]


def test_an_endpoint_and_what_it_prepares_can_be_pickled() -> None:
    endpoint = endpoint_at("localhost:1")
    for row in ("a", ["a", "b"]):
        prepared = endpoint.prepare(Sample("0", row))
        assert pickle.loads(pickle.dumps(prepared)) == prepared
        again = pickle.loads(pickle.dumps(endpoint)).prepare(Sample("0", row))
        assert again == prepared


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({}, "no address to ask"),
        ({"base_url": "a:1", "key_env": "MY_KEY"}, "MY_KEY is not set"),
        ({"base_url": "a:1", "tokenizer": "./nowhere"}, "'./nowhere' is no directory"),
        ({"base_url": "a:1"}, ""),
    ],
)
def test_what_is_wrong_is_foreseen(params: dict[str, Any], fault: str) -> None:
    problem = ChatApi().foresee(Candidate("m", "m"), params).problem
    assert fault in problem
    assert bool(problem) == bool(fault)


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({"request": {"n": 2}}, "'n': 2"),
        ({"request": {"messages": []}}, "they are the dataset's"),
        ({"request": {"stream": False}}, "give params.stream"),
        ({"request": {"model": "x"}}, "give params.served_model"),
        ({"request": {"tools": []}}, "not calls of tools"),
        ({"request": {"seed": 1}, "seed": 2}, "given in params as well"),
        ({"request": {"api_key": "abc"}}, "'api_key' is no parameter"),
        ({"api": "completions", "system": "x"}, "'system' needs 'api': 'chat'"),
        ({"base_url": "a", "endpoints": ["b"]}, "exclude each other"),
        ({"base_url": "http://user:abc@host"}, "an address in params.base_url holds a name"),
        ({"base_url": "http://host/v1?key=abc"}, "an address in params.base_url holds a '?'"),
        ({"base_url": "ftp://host"}, "an address in params.base_url begins with ftp"),
        ({"endpoints": ["a:1", "b c"]}, "an address in params.endpoints"),
        ({"max_tokens": 0}, "greater than or equal to 1"),
        ({"api_key": "abc"}, "'api_key' is no parameter"),
    ],
)
def test_parameters_that_contradict_are_refused(params: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ChatParams.model_validate(params)
    said = [str(one.get("ctx", {}).get("error", one["msg"])) for one in caught.value.errors()]
    assert any(fault in text for text in said), said
    assert not any("abc" in text for text in said)


def test_a_broken_tokenizer_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelbenchError, match="cannot be loaded"):
        endpoint_at("localhost:1", tokenizer=str(tmp_path))
