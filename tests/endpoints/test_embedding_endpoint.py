from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from asked import asked
from openai_server import MODEL, OpenaiServer, openai_server, vector_of, whole
from pydantic import ValidationError

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.endpoints.contract import Answer, EndpointError, EndpointSession
from pytest_modelbench.endpoints.embedding_api import EmbeddingApi, EmbeddingApiParams
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.contract import Prediction


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenaiServer]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with openai_server() as served:
        yield served


def session_at(url: str, **params: Any) -> EndpointSession:
    return EmbeddingApi().load(Candidate("e", "e"), "endpoint", {"base_url": url, **params})


def answer(session: EndpointSession, row: Any) -> Answer:
    (found,) = asyncio.run(asked(session.endpoint, [Sample("0", row)]))
    assert isinstance(found, Answer), found
    return found


def test_a_text_is_asked_and_its_vector_read(server: OpenaiServer) -> None:
    found = answer(session_at(server.url), "two words")
    assert server.calls[0].path == "/v1/embeddings"
    assert server.calls[0].json == {"model": "e", "input": "two words", "encoding_format": "float"}
    assert found.value.dtype == np.float32
    assert found.value.tolist() == vector_of("two words")
    assert (found.input_tokens, found.output_tokens, found.counted_by) == (2, None, None)
    assert found.notes == {"dimensions": 8, "model": MODEL}


def test_a_pair_is_one_request_and_its_cosine_similarity(server: OpenaiServer) -> None:
    # The server gives them in the opposite order, and says so.
    found = answer(session_at(server.url), ("abc", "abcabd"))
    assert [call.json["input"] for call in server.calls] == [["abc", "abcabd"]]
    first, second = np.array(vector_of("abc")), np.array(vector_of("abcabd"))
    expected = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert found.value == pytest.approx(expected, rel=1e-6)
    assert answer(session_at(server.url), ("abc", "abc")).value == pytest.approx(1)


@pytest.mark.parametrize("row", ["some text", ("some text", "another")])
def test_vectors_are_the_same_however_they_travel(server: OpenaiServer, row: Any) -> None:
    as_numbers, as_bytes = (
        answer(session_at(server.url, encoding_format=form), row).value
        for form in ("float", "base64")
    )
    np.testing.assert_array_equal(as_numbers, as_bytes)
    assert type(as_numbers) is type(as_bytes)


def test_dimensions_and_further_fields_are_asked_for(server: OpenaiServer) -> None:
    session = session_at(server.url, dimensions=3, request={"user": "me", "encoding_format": None})
    assert len(answer(session, "a").value) == 3
    assert server.calls[0].json == {"model": "e", "input": "a", "dimensions": 3, "user": "me"}
    assert session.properties["request"] == {"dimensions": 3, "user": "me"}


def test_the_lengths_of_vectors_are_summed_up(server: OpenaiServer) -> None:
    session = session_at(server.url)
    samples = [Sample("0", "a"), Sample("1", ("a", "b")), Sample("2", "c"), Sample("3", ("a", "b"))]
    for sample, width in zip(samples, (8, 4), strict=False):
        session.note(sample, Answer(0.5, notes={"dimensions": width}))
    # One that an earlier session had answered, and one that failed.
    kept = Prediction(np.zeros(6, np.float32))
    found = session.summarize(samples, [Prediction(0.5), Prediction(0.5), kept, None])
    assert {name: metric.value for name, metric in found.items()} == {
        "vector_dim_mean": 6,
        "vector_dim_min": 4,
        "vector_dim_max": 8,
    }
    assert set(found) == set(EmbeddingApi.metrics)
    assert session.summarize(samples[:1], [None]) == {}


GOOD = {"index": 0, "embedding": [1.0]}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "the answer has no list of vectors, where 1 text were sent"),
        ({"data": []}, "the answer has 0 vectors"),
        ({"data": [GOOD, {**GOOD, "index": 1}]}, "the answer has 2 vectors"),
        ({"data": [5]}, "a vector that is no object: 5"),
        ({"data": [{"index": 0}]}, "a vector that is none"),
        ({"data": [{"index": 3, "embedding": [1.0]}]}, "not numbered from 0"),
        ({"data": [{"index": "0", "embedding": [1.0]}]}, "whose index is '0'"),
        ({"data": [{"embedding": []}]}, "a vector that is none"),
        ({"data": [{"embedding": 5}]}, "a vector that is none"),
        ({"data": [{"embedding": [[1.0]]}]}, "a vector that is none"),
        ({"data": [{"embedding": ["a"]}]}, "a vector that is none"),
        ({"data": [{"embedding": "AAA"}]}, "a vector that is none"),
        ({"data": [{"embedding": "AAAA"}]}, "a vector that is none"),
        ({"data": [{"embedding": "*" * 5000}]}, "a vector that is none"),
        ({"data": [{"embedding": [1.0, float("nan")]}]}, "not finite"),
        ({"data": [{"embedding": [1e39]}]}, "not finite"),
        ({"error": {"message": "too long"}}, "the server reports an error: too long"),
        ([], "the answer is no JSON object"),
    ],
)
def test_an_answer_that_makes_no_sense_is_told_in_one_sentence(
    server: OpenaiServer, body: Any, fault: str
) -> None:
    server.answer = lambda call: whole(body)
    (found,) = asyncio.run(asked(session_at(server.url).endpoint, [Sample("0", "a")]))
    assert isinstance(found, EndpointError)
    assert fault in str(found)
    assert "\n" not in str(found)
    assert len(str(found)) < 450


def test_vectors_of_a_pair_must_be_of_one_length(server: OpenaiServer) -> None:
    data = [{"embedding": [1.0]}, {"embedding": [1.0, 2.0]}]
    server.answer = lambda call: whole({"data": data})
    (found,) = asyncio.run(asked(session_at(server.url).endpoint, [Sample("0", ("a", "b"))]))
    assert "different lengths" in str(found)


def test_the_input_is_the_dataset_s() -> None:
    with pytest.raises(ValidationError, match="fault") as caught:
        EmbeddingApiParams.model_validate({"request": {"input": "a"}})
    assert "it is the dataset's" in json.dumps(caught.value.errors(), default=str)


def test_what_is_wrong_is_foreseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert "no address to ask" in EmbeddingApi().foresee(Candidate("e", "e"), {}).problem
