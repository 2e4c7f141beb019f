"""What we send, beside what the official client sends for the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from asked import asked
from openai_server import Call, OpenaiServer, openai_server

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.endpoints.chat_api import ChatApi
from pytest_modelbench.endpoints.contract import Answer, EndpointRunner
from pytest_modelbench.endpoints.embedding_api import EmbeddingApi
from pytest_modelbench.registry import Candidate

openai = pytest.importorskip("openai")
KEY = "sk-loopback-only-0123456789"
MESSAGES = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "é 日本"}]
# Which client it is, on what machine; how it packs and keeps connections.
OF_THE_CLIENT = ("user-agent", "accept-encoding", "connection", "host", "content-length")


@pytest.fixture
def server() -> Iterator[OpenaiServer]:
    with openai_server() as served:
        yield served


@pytest.fixture
def official(server: OpenaiServer) -> Iterator[Any]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def ours(
    runner: EndpointRunner,
    server: OpenaiServer,
    monkeypatch: pytest.MonkeyPatch,
    row: Any,
    **params: Any,
) -> Answer:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    given = {"base_url": f"{server.url}/v1", **params}
    endpoint = runner.load(Candidate("m", "m"), "endpoint", given).endpoint
    (found,) = asyncio.run(asked(endpoint, [Sample("0", row)]))
    assert isinstance(found, Answer), found
    return found


def seen(call: Call) -> Any:
    headers = {
        name: value
        for name, value in call.headers.items()
        if name not in OF_THE_CLIENT and not name.startswith("x-stainless")
    }
    return call.path, headers, call.json


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("row", [MESSAGES, MESSAGES[1]["content"]], ids=["messages", "text"])
def test_chats_are_asked_for_as_the_official_client_does(
    server: OpenaiServer,
    official: Any,
    monkeypatch: pytest.MonkeyPatch,
    streams: bool,
    row: Any,
) -> None:
    options = {"max_tokens": 9, "temperature": 0.5, "top_p": 0.25, "seed": 7, "stop": ["a", "b"]}
    streamed = {"stream": True, "stream_options": {"include_usage": True}} if streams else {}
    messages = row if isinstance(row, list) else [{"role": "user", "content": row}]
    theirs = official.chat.completions.create(model="m", messages=messages, **options, **streamed)
    if streams:
        parts = [part for part in theirs if part.choices]
        text = "".join(part.choices[0].delta.content or "" for part in parts)
    else:
        text = theirs.choices[0].message.content
    found = ours(ChatApi(), server, monkeypatch, row, stream=streams, **options)
    assert found.value == text
    assert seen(server.calls[1]) == seen(server.calls[0])


@pytest.mark.parametrize("streams", [True, False])
def test_completions_are_asked_for_as_the_official_client_does(
    server: OpenaiServer, official: Any, monkeypatch: pytest.MonkeyPatch, streams: bool
) -> None:
    streamed = {"stream": True, "stream_options": {"include_usage": True}} if streams else {}
    theirs = official.completions.create(model="m", prompt="Once upon", max_tokens=4, **streamed)
    answers = list(theirs) if streams else [theirs]
    text = "".join(answer.choices[0].text for answer in answers if answer.choices)
    found = ours(
        ChatApi(), server, monkeypatch, "Once upon", api="completions", stream=streams, max_tokens=4
    )
    assert found.value == text
    assert seen(server.calls[1]) == seen(server.calls[0])


@pytest.mark.parametrize("form", ["float", "base64"])
def test_embeddings_are_asked_for_as_the_official_client_does(
    server: OpenaiServer, official: Any, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    theirs = official.embeddings.create(
        model="m", input="two words", dimensions=5, encoding_format=form
    )
    found = ours(
        EmbeddingApi(), server, monkeypatch, "two words", dimensions=5, encoding_format=form
    )
    if form == "float":
        assert found.value.tolist() == theirs.data[0].embedding
    assert seen(server.calls[1]) == seen(server.calls[0])
