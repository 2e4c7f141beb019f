"""Suites whose models answer by the chat API, on a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openai_server import Call, OpenaiServer, Reply, chunks, openai_server, parrot, stream, whole

from pytest_modelbench.results.store import runs_folder

KEY = "sk-very-secret-0123456789"
TEXTS = ["one", "two words", "and three words"]
ROWS = [{"text": text, "ref": text.upper()} for text in TEXTS]
Runs = Callable[[], list]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenaiServer]:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with openai_server() as served:
        yield served


@pytest.fixture
def chat(pytester: pytest.Pytester, server: OpenaiServer) -> Callable[..., pytest.RunResult]:
    """Runs a session with one benchmark of the parrot; keywords are its parameters."""

    def run(rows: list[dict[str, Any]] = ROWS, load: Any = None, **params: Any) -> pytest.RunResult:
        (pytester.path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        suite = {
            "id": "spoken",
            "dataset": {"source": "jsonl", "path": "rows.jsonl", "reference_column": "ref"},
            "benchmarks": [
                {
                    "id": "chat",
                    "runner": "chat_api",
                    "model": "parrot",
                    "params": {"base_url": server.url, **params},
                    "quality": ["exact_match"],
                    "load": {"retries": 0, **(load or {})},
                }
            ],
        }
        (pytester.path / "suite.json").write_text(json.dumps(suite))
        return pytester.runpytest("--suite=suite.json", "-rA")

    return run


def only_case(runs: Runs) -> Any:
    (run,) = runs()
    (case,) = run.cases
    return case


def values(case: Any) -> dict[str, float]:
    return {name: one.value for name, one in case.metrics.items() if one.status == "ok"}


def test_texts_are_asked_and_their_answers_scored(
    chat: Callable[..., pytest.RunResult], runs: Runs, server: OpenaiServer
) -> None:
    chat(load={"requests": 12, "concurrency": 2, "warmup_requests": 3}).assert_outcomes(passed=1)
    case = only_case(runs)
    found = values(case)
    assert found["exact_match"] == 1
    assert found["sample_count"] == found["success_count"] == 3
    assert found["request_count"] == 12
    assert len(server.calls) == 15
    assert {call.json["messages"][-1]["content"] for call in server.calls} == set(TEXTS)
    assert 0 < found["p50_ttft_ms"] <= found["p50_latency_ms"]
    # Each text four times, by the server's own count.
    seconds = found["request_count"] / found["request_throughput"]
    assert found["output_tokens_per_second"] * seconds == pytest.approx(4 * (1 + 2 + 3))
    assert case.properties["request"]["stream"] is True


def test_gaps_and_first_tokens_are_those_of_the_server(
    chat: Callable[..., pytest.RunResult], runs: Runs, server: OpenaiServer
) -> None:
    # 0.05 s after the chunk with the role comes the first word, and so on.
    server.answer = lambda call: stream(chunks(["a", "b", "c"]), pause_seconds=0.05)
    chat().assert_outcomes(passed=1)
    found = values(only_case(runs))
    assert found["mean_ttft_ms"] > 49
    # A word that is noticed late is the nearer to the next one.
    assert found["mean_itl_ms"] > 20
    assert found["mean_tpot_ms"] > 20
    assert found["mean_latency_ms"] > 49 * 5


def test_an_answer_that_comes_whole_has_no_first_token(
    chat: Callable[..., pytest.RunResult], runs: Runs
) -> None:
    chat(stream=False).assert_outcomes(passed=1)
    case = only_case(runs)
    assert values(case)["exact_match"] == 1
    assert "p50_ttft_ms" not in values(case)
    assert "p50_latency_ms" in values(case)


def test_a_conversation_has_the_latencies_of_its_last_turn(
    chat: Callable[..., pytest.RunResult], runs: Runs, server: OpenaiServer
) -> None:
    def slow_at_first(call: Call) -> Reply:
        if len(call.json["messages"]) > 1:
            return parrot(call)
        return stream(chunks(["first"]), pause_seconds=0.5)

    server.answer = slow_at_first
    chat([{"text": ["one", "two"], "ref": "TWO"}]).assert_outcomes(passed=1)
    found = values(only_case(runs))
    assert [len(call.json["messages"]) for call in server.calls] == [1, 3]
    assert found["exact_match"] == 1
    assert found["mean_ttft_ms"] <= found["mean_latency_ms"] < 1900  # the first took 2,000
    assert found["mean_send_lag_ms"] < 1900


def test_a_row_that_is_not_answered_fails_and_the_others_are_measured(
    chat: Callable[..., pytest.RunResult], runs: Runs, server: OpenaiServer
) -> None:
    def broken_for_one(call: Call) -> Reply:
        if "two" not in call.body.decode():
            return parrot(call)
        return whole({"error": {"message": "the model fell asleep"}}, status=500)

    server.answer = broken_for_one
    result = chat()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*500*the model fell asleep*"])
    found = values(only_case(runs))
    assert (found["success_count"], found["failure_count"]) == (2, 1)


def test_a_row_that_cannot_be_asked_is_told(
    chat: Callable[..., pytest.RunResult], server: OpenaiServer
) -> None:
    rows = [*ROWS, {"text": [{"role": "human", "content": "a"}], "ref": "A"}]
    result = chat(rows)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*message 1 of the row has the role 'human'*"])
    assert len(server.calls) == 3


def test_a_key_is_sent_and_stands_nowhere(
    chat: Callable[..., pytest.RunResult],
    server: OpenaiServer,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.answer = lambda call: (
        whole({"error": {"message": f"{KEY} is out of money"}}, status=402)
        if "two" in call.body.decode()
        else parrot(call)
    )
    result = chat()
    result.assert_outcomes(failed=1)
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {KEY}"}
    assert KEY not in result.stdout.str() + result.stderr.str()
    assert "is out of money" in result.stdout.str()
    folders = (runs_folder(), pytester.path)
    kept = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert [file for file in kept if file.name == "run.json"]
    assert not [file for file in kept if KEY.encode() in file.read_bytes()]


def test_without_an_address_the_case_is_skipped_with_what_to_give(
    chat: Callable[..., pytest.RunResult],
) -> None:
    result = chat(base_url=None)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*no address to ask: give base_url in params*"])


def test_parameters_are_checked_before_anything_runs(
    chat: Callable[..., pytest.RunResult], server: OpenaiServer
) -> None:
    result = chat(temprature=0)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*temprature*did you mean*temperature*"])
    assert server.calls == []


def test_prompts_can_be_made_where_there_is_no_dataset(
    pytester: pytest.Pytester, server: OpenaiServer, runs: Runs
) -> None:
    suite = {
        "dataset": {"source": "generated", "max_samples": 5},
        "benchmarks": [
            {
                "id": "load",
                "runner": "chat_api",
                "model": "parrot",
                "params": {"base_url": server.url, "prompt_tokens": 40, "max_tokens": 3},
                "load": {"rate": 100, "requests": 10, "arrival": "poisson", "workers": 2},
            }
        ],
    }
    (pytester.path / "suite.json").write_text(json.dumps(suite))
    pytester.runpytest("--suite=suite.json").assert_outcomes(passed=1)
    prompts = [call.json["messages"][-1]["content"] for call in server.calls]
    assert {len(prompt.split()) for prompt in prompts} == {40}
    assert (len(prompts), len(set(prompts))) == (10, 5)
    assert values(only_case(runs))["request_count"] == 10
