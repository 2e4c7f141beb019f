"""A real server with real models: `transformers serve`, started and asked as a suite has it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from digits_checkpoint import QUICKSTART, save_digits_checkpoint
from tiny_chat import save_tiny_chat

from pytest_modelbench.datasets.load import SampleReader
from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.endpoints.contract import Answer, EndpointRunner, EndpointSession
from pytest_modelbench.errors import one_line
from pytest_modelbench.quality.word_error_rate import wer
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.suited import runner_for
from pytest_modelbench.serving.guard_client import ServerError
from pytest_modelbench.wire.client import Client
from pytest_modelbench.wire.exchange import Exchange

pytestmark = pytest.mark.slow

SERVE = {
    # The host as a number: where names lead to both, some clients would try the other one first.
    "command": "transformers serve {model} --device cpu --host 127.0.0.1 --port {port}",
    "env": {"HF_HUB_OFFLINE": "1"},
    "ready": {"url": "/health", "timeout_seconds": 300},
}


@pytest.fixture(scope="module")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny-chat"
    save_tiny_chat(folder)
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "digits"
    save_digits_checkpoint(folder)
    return folder


@pytest.fixture(scope="module")
def chat(chat_model: Path) -> Iterator[EndpointSession]:
    params = {"serve": SERVE, "max_tokens": 8, "temperature": 0}
    session = loaded("chat_api", chat_model, params)
    yield session
    session.close()


def loaded(runner: str, model: Path, params: dict[str, Any]) -> EndpointSession:
    asked = runner_for(runner, params)
    assert isinstance(asked, EndpointRunner)
    return asked.load(Candidate(model.name, str(model)), "endpoint", params)


def answers(session: EndpointSession, samples: list[Sample]) -> list[Answer]:
    """One after the other over one client, read as they are read in a benchmark."""

    async def ask() -> list[Exchange]:
        prepared = [session.endpoint.prepare(one) for one in samples]
        async with Client() as client:
            return [await session.endpoint.ask(one, client.send) for one in prepared]

    read = []
    for one, exchange in zip(samples, asyncio.run(ask()), strict=True):
        assert exchange.is_ok, (exchange.status, exchange.fault, exchange.body)
        read.append(session.endpoint.read(one, exchange))
    return read


def test_a_chat_is_streamed_token_by_token(chat: EndpointSession) -> None:
    samples = [Sample("0", "word1 word2"), Sample("1", "word1 word2"), Sample("2", "word3")]
    first, again, other = answers(chat, samples)
    assert first.value
    assert first.value == again.value
    assert first.value != other.value
    assert first.output_tokens == 8
    assert first.counted_by == "usage"
    assert (first.input_tokens, other.input_tokens) == (2, 1)
    assert 2 <= len(first.token_ns) <= 8
    assert sorted(first.token_ns) == list(first.token_ns)


def test_turns_of_a_conversation_are_asked_one_after_the_other(chat: EndpointSession) -> None:
    (answer,) = answers(chat, [Sample("0", ["word1", "word2"])])
    assert answer.value


def test_a_chat_that_is_not_streamed_says_the_same(chat: EndpointSession, chat_model: Path) -> None:
    assert chat.server is not None
    params = {
        "api": "chat_api",
        "base_url": chat.server.base_url,
        "stream": False,
        "max_tokens": 8,
        "temperature": 0,
    }
    whole = loaded("command", chat_model, params)
    assert whole.server is None
    samples = [Sample("0", "word1 word2")]
    (streamed,), (answer,) = answers(chat, samples), answers(whole, samples)
    assert answer.value == streamed.value
    assert answer.output_tokens == 8
    assert not answer.token_ns
    whole.close()
    assert chat.server.end is None


def test_the_servers_memory_is_known_and_its_command_is_recorded(chat: EndpointSession) -> None:
    assert chat.server is not None
    memory = chat.server.memory.metrics()
    assert memory["load_peak_ram_mb"].value > 100  # it has imported torch
    assert memory["peak_ram_mb"].value >= memory["load_peak_ram_mb"].value
    assert chat.properties["serve"]["command"][:3] == ["transformers", "serve", "{model}"]


def test_the_quickstarts_speech_model_recognises_over_http_what_it_does_here(
    digits: Path,
) -> None:
    rows = QUICKSTART / "clips" / "clips.jsonl"
    spec = DatasetSpec.model_validate(
        {
            "source": "jsonl",
            "path": str(rows),
            "input_column": "audio",
            "reference_column": "text",
            "max_samples": 24,
        }
    )
    samples = list(SampleReader(spec, rows.parent, "audio"))
    session = loaded("command", digits, {"api": "transcription_api", "serve": SERVE})
    try:
        found = answers(session, samples)
    finally:
        session.close()
    score = wer([one.value for one in found], [one.reference for one in samples])
    assert score.value == pytest.approx(8 / 114)  # as the quickstart's own


def test_a_model_that_is_not_there_is_told_in_the_servers_own_words(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"exit status 1 before it was ready") as caught:
        loaded("chat_api", tmp_path / "absent", {"serve": SERVE})
    assert "absent" in one_line(caught.value)


def test_a_session_measures_both(
    pytester: pytest.Pytester, runs: Callable[[], list], chat_model: Path, digits: Path
) -> None:
    (pytester.path / "chats.jsonl").write_text('{"text": "word1"}\n{"text": "word2 word3"}\n')
    suite = {
        "id": "real",
        "benchmarks": [
            {
                "id": "chat",
                "runner": "command",
                "model": str(chat_model),
                "params": {"api": "chat_api", "serve": SERVE, "max_tokens": 8, "temperature": 0},
                "dataset": {"source": "jsonl", "path": "chats.jsonl"},
                "load": {"concurrency": 2, "requests": 8},
            },
            {
                "id": "speech",
                "runner": "transcription_api",
                "model": str(digits),
                "params": {"serve": SERVE},
                "dataset": {
                    "source": "jsonl",
                    "path": str(QUICKSTART / "clips" / "clips.jsonl"),
                    "input_column": "audio",
                    "reference_column": "text",
                    "max_samples": 24,
                },
                "load": {"concurrency": 2},
            },
        ],
    }
    (pytester.path / "real.json").write_text(json.dumps(suite))
    pytester.runpytest_subprocess("--suite=real.json").assert_outcomes(passed=2)
    (run,) = runs()
    chat, speech = run.cases
    assert speech.metrics["wer"].value == pytest.approx(8 / 114)
    assert speech.metrics["success_count"].value == 24
    assert chat.metrics["output_tokens_per_second"].value > 0
    assert chat.metrics["p50_ttft_ms"].value > 0
    for case in run.cases:
        assert case.metrics["model_load_seconds"].value > 0
        assert case.metrics["steady_peak_ram_mb"].value > 100
