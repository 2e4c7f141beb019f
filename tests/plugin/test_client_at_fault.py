"""Where a client was the bottleneck, no figure is held against the endpoint, whoever uses it."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable
from typing import Any

import pytest
from client_health import FAULTY, INNOCENT, Limits, judge_clients_by
from openai_server import openai_server
from vendor_http import serving
from vendor_server import KEY, SelfHostedVendor, words_of

from pytest_modelbench.results.comparison import Verdict
from pytest_modelbench.results.run import BenchmarkRun

pytest.importorskip("httptools")
Runs = Callable[[], list[BenchmarkRun]]
OPEN = {"rate": 100, "requests": 20}


@pytest.fixture
def talk(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a session against a server, and gives its output."""
    with openai_server() as server:
        rows = "".join(json.dumps({"q": f"row {number}"}) + "\n" for number in range(4))
        (pytester.path / "rows.jsonl").write_text(rows)

        def run(health: Limits, load: Any, *options: str, **fields: Any) -> pytest.RunResult:
            judge_clients_by(health, monkeypatch)
            params = {"base_url": f"{server.url}/v1"}
            suite = {
                "id": "chat",
                "dataset": {"source": "jsonl", "path": "rows.jsonl", "input_column": "q"},
                "benchmarks": [
                    {"id": "talk", "runner": "chat_api", "model": "parrot", "params": params}
                ],
                "load": load,
                **fields,
            }
            (pytester.path / "chat.json").write_text(json.dumps(suite))
            return pytester.runpytest(
                "chat.json", "--suite-engine=inline", "--suite-strict", *options
            )

        yield run


def only_verdict(runs: Runs) -> Verdict:
    (comparison,) = runs()[-1].comparisons
    (verdict,) = comparison.verdicts
    return verdict


def test_an_expression_over_its_figures_judges_nothing(talk: Any, runs: Runs) -> None:
    result = talk(FAULTY, OPEN, criteria=[{"expression": "request_throughput / 2", "min": 1e-6}])
    result.assert_outcomes(failed=1)
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    (check,) = runs()[-1].cases[0].bounds
    assert check.outcome == "inconclusive"
    assert "the client was the bottleneck" in check.message


@pytest.mark.slow
@pytest.mark.parametrize("order", [(FAULTY, INNOCENT), (INNOCENT, FAULTY)])
def test_it_is_not_compared_with_an_earlier_run(
    talk: Any, runs: Runs, order: tuple[Limits, Limits]
) -> None:
    for health, options in zip(order, ([], ["--suite-baseline=last"]), strict=True):
        talk(health, OPEN, *options)
    verdict = only_verdict(runs)
    assert verdict.outcome == "inconclusive"
    assert "how fast its client was" in (verdict.reason or "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("load", "metric"),
    [
        ({"rate": 5000, "requests": 20}, "p50_latency_ms"),  # so that several are under way
        ({"concurrency": 3, "requests": 20}, "p50_latency_ms"),
        ({"sweep": {"rates": [50, 100]}, "requests": 10}, "throughput_items_per_second"),
    ],
)
def test_what_the_load_does_not_set_itself_is_compared(
    talk: Any, runs: Runs, load: Any, metric: str
) -> None:
    for options in ([], ["--suite-baseline=last"]):
        talk(INNOCENT, load, *options)
    assert only_verdict(runs).metric == metric


def test_the_speed_of_speech_is_flagged_as_well(
    pytester: pytest.Pytester, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = SelfHostedVendor()
    monkeypatch.setenv(vendor.variable, KEY)
    judge_clients_by(FAULTY, monkeypatch)
    with wave.open(str(pytester.path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(3200))
    row = {"audio": "a.wav", "text": words_of(1600)}
    (pytester.path / "clips.json").write_text(json.dumps([row]))
    with serving(vendor) as server:
        suite = {
            "id": "speech",
            "dataset": {
                "source": "json",
                "path": "clips.json",
                "input_column": "audio",
                "reference_column": "text",
            },
            "benchmarks": [
                {
                    "id": "clips",
                    "runner": "transcription_api",
                    "model": f"{vendor.provider}/{vendor.model}",
                    "params": {"base_url": server.url, "language": "en"},
                }
            ],
        }
        (pytester.path / "speech.json").write_text(json.dumps(suite))
        pytester.runpytest("speech.json", "--suite-engine=inline")
    metrics = runs()[-1].cases[0].metrics
    for name in ("x_realtime", "stream_x_realtime", "real_time_factor", "inference_seconds"):
        assert metrics[name].metadata["flag"] == "client_limited"
    assert "flag" not in metrics["audio_seconds"].metadata
