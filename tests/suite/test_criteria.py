"""Criteria are held against what the benchmarks in their scope can measure."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_modelbench.suite.criteria import metric_name


def suite(folder: Any, criteria: list[Any], **benchmark: Any) -> dict[str, Any]:
    speech = {"id": "speech", "runner": "whisper_asr", "model": "model"}
    text = {"id": "text", "runner": "embedding_text", "model": "model", **benchmark}
    return {**folder.suite(benchmarks=[speech, text]), "criteria": criteria}


@pytest.mark.parametrize(
    "criterion",
    [
        {"metric": "wer"},
        {"metric": "vector_dim_mean"},
        {"metric": "audio_seconds", "runner": "whisper_asr"},
        {"metric": "retrieval_score"},
        {"metric": "p95_latency_ms", "runners": ["whisper_asr", "embedding_text"]},
        {"expression": "x_realtime / (1 + wer)", "runner": "whisper_asr"},
    ],
)
def test_a_metric_that_some_case_in_scope_could_have_is_fine(folder: Any, criterion: Any) -> None:
    assert len(folder.load(suite(folder, [criterion])).cases) == 2


@pytest.mark.parametrize(
    ("criterion", "fault"),
    [
        ({"metric": "weer"}, "criteria[0].metric: 'weer' is not a metric"),
        ({"metric": "wer", "runner": "embedding_text"}, "criteria[0].metric: 'wer' is not"),
        ({"expression": "wer / watts"}, "criteria[0].expression: 'watts' is not a metric"),
        ({"metric": "wer", "runners": ["whisper"]}, "criteria[0].runners: 'whisper' is not a run"),
        ({"metric": "wer", "runner": "nope"}, "criteria[0].runner: 'nope' is not a runner; known"),
    ],
)
def test_a_metric_that_no_case_in_scope_could_have_is_a_fault(
    folder: Any, criterion: Any, fault: str
) -> None:
    assert folder.fault(suite(folder, [criterion])).startswith(fault)


def test_a_benchmark_s_own_quality_metrics_take_the_place_of_its_runner_s(folder: Any) -> None:
    mine = {"metric": "accuracy", "runner": "embedding_text"}
    usual = {"metric": "spearman", "runner": "embedding_text"}
    quality = ["mymodule:accuracy", "evaluate:bleu#score"]
    assert folder.load(suite(folder, [mine, {"metric": "score"}], quality=quality))
    fault = folder.fault(suite(folder, [usual], quality=quality))
    assert fault.startswith("criteria[0].metric: 'spearman' is not a metric")


@pytest.mark.parametrize("runner", ["embeding_text", None])
def test_a_runner_that_is_unknown_may_have_the_metrics_of_any_that_is_known(
    folder: Any, runner: str | None
) -> None:
    """It is a fault of its own, which neither makes nor hides one of a criterion."""
    criteria = [{"metric": "spearman"}, {"metric": "speerman"}]
    whole = suite(folder, criteria, runner=runner)
    if runner is None:
        del whole["benchmarks"][1]["runner"]
    told = [str(problem).split(": ")[1] for problem in folder.problems(whole)]
    assert sorted(told) == ["benchmarks[1].runner", "criteria[1].metric"]


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("wer", "wer"),
        ("evaluate:wer", "wer"),
        ("evaluate:./my/metric/", "metric"),
        ("evaluate:bleu#precision", "precision"),
        ("package.module:accuracy", "accuracy"),
    ],
)
def test_a_quality_entry_yields_a_metric_of_a_plain_name(entry: str, name: str) -> None:
    assert metric_name(entry) == name
