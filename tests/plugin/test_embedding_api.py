"""Suites whose models give vectors by the embeddings API, on a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from openai_server import OpenaiServer, openai_server, vector_of
from scipy.stats import spearmanr

PAIRS = [("abc", "abd"), ("aaaa", "bbbb"), ("abc", "abc"), ("abcd", "efgh"), ("hello", "hallo")]
SCORES = [4.0, 0.0, 5.0, 1.0, 3.0]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenaiServer]:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with openai_server() as served:
        yield served


OWN_METRIC = "def score(predictions, references):\n    {}\n"


def suite_of(pytester: pytest.Pytester, server: OpenaiServer, **more: Any) -> None:
    rows = [{"a": a, "b": b, "score": score} for (a, b), score in zip(PAIRS, SCORES, strict=True)]
    (pytester.path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    benchmark = {
        "id": "vectors",
        "runner": "embedding_api",
        "model": "e",
        "params": {"base_url": server.url, "encoding_format": "base64", **more.pop("params", {})},
        **more,
    }
    dataset = {"source": "jsonl", "path": "rows.jsonl", "input_column": ["a", "b"]}
    suite = {"dataset": {**dataset, "reference_column": "score"}, "benchmarks": [benchmark]}
    (pytester.path / "suite.json").write_text(json.dumps(suite))


def values(runs: Callable[[], list]) -> dict[str, Any]:
    (run,) = runs()
    (case,) = run.cases
    return {name: one.value for name, one in case.metrics.items() if one.status == "ok"}


@pytest.mark.parametrize("workers", [1, 2])
def test_pairs_are_scored_by_their_similarity(
    pytester: pytest.Pytester,
    server: OpenaiServer,
    runs: Callable[[], list],
    workers: int,
) -> None:
    load = {"requests": 10, "concurrency": 2, "workers": workers}
    suite_of(pytester, server, params={"dimensions": 16}, load=load)
    pytester.runpytest("--suite=suite.json").assert_outcomes(passed=1)
    similarities = []
    for pair in PAIRS:
        first, second = (np.array(vector_of(text, 16)) for text in pair)
        similarities.append(first @ second / np.linalg.norm(first) / np.linalg.norm(second))
    found = values(runs)
    assert found["spearman"] == pytest.approx(spearmanr(similarities, SCORES).statistic)
    assert found["vector_dim_min"] == found["vector_dim_max"] == found["vector_dim_mean"] == 16
    assert found["request_count"] == len(server.calls) == 10
    assert found["input_tokens_per_second"] > 0


def test_single_texts_are_measured_as_well(
    pytester: pytest.Pytester, server: OpenaiServer, runs: Callable[[], list]
) -> None:
    suite_of(pytester, server, dataset={"input_column": "a"}, quality=[])
    pytester.runpytest("--suite=suite.json").assert_outcomes(passed=1)
    found = values(runs)
    assert found["vector_dim_mean"] == 8
    assert {call.json["input"] for call in server.calls} == {first for first, _ in PAIRS}


def test_pairs_that_an_earlier_session_had_answered_leave_their_lengths_unknown(
    pytester: pytest.Pytester, server: OpenaiServer, runs: Callable[[], list]
) -> None:
    suite_of(pytester, server, quality=["own:score"])
    pytester.syspathinsert()
    own = pytester.path / "own.py"
    own.write_text(OWN_METRIC.format("raise ValueError('a bug')"))
    pytester.runpytest("--suite=suite.json").assert_outcomes(failed=1)
    own.write_text(OWN_METRIC.format("return 1.0"))
    server.calls.clear()
    pytester.runpytest("--suite=suite.json", "--suite-resume=last").assert_outcomes(passed=1)
    assert not server.calls
    _, run = runs()
    metric = run.cases[0].metrics["vector_dim_mean"]
    assert (metric.status, metric.unit) == ("skipped", "dimensions")
    assert "earlier session" in metric.error_message
