"""The suite document: what a suite may say, and what is said of one that says it wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.schemas import committed_file
from pytest_modelbench.suite.document import Benchmark, Criterion, Suite

# Every field that a suite of Model Benchmark Runner may have, in its own spelling.
REFERENCE_SUITE: dict[str, Any] = {
    "id": "whisper_vs_embedding",
    "description": "Speech and text models side by side.",
    "dataset": {
        "source": "hf",
        "id": "hf-internal-testing/librispeech_asr_dummy",
        "config": "clean",
        "split": "validation",
        "max_samples": 24,
        "input_column": "audio",
        "reference_column": "text",
        "sampling_rate": 16000,
    },
    "criteria": [
        {
            "id": "quality",
            "metric": "wer",
            "goal": "min",
            "weight": 0.5,
            "runners": ["whisper_asr"],
        },
        {"id": "speed", "metric": "x_realtime", "goal": "max", "weight": 0.3},
        {
            "id": "balance",
            "expression": "x_realtime / (1 + wer) - abs(-p95_latency_ms) ** 0.5 % 3",
            "goal": "target",
            "target": 10,
            "weight": 1,
            "runner": "whisper_asr",
        },
    ],
    "benchmarks": [
        {
            "id": "tiny_cpu",
            "runner": "whisper_asr",
            "model": "openai/whisper-tiny.en",
            "device": "CPU",
            "params": {
                "language": "",
                "task": "transcribe",
                "chunk_length_s": 30,
                "batch_size": 1,
            },
        },
        {
            "runner": "embedding_text",
            "model": "sentence-transformers/all-MiniLM-L6-v2",
            "device": "AUTO",
            "params": {"backend": "openvino", "target_dim": 128, "max_chars": 512},
            "dataset": {
                "dataset": "sentence-transformers/stsb",
                "name": "default",
                "split": "test",
                "input_column": "sentence1",
            },
        },
    ],
}


def test_a_suite_of_the_reference_runner_is_valid_for_editors_too() -> None:
    schema = json.loads(committed_file("suite").read_text())
    Draft202012Validator(schema).validate(REFERENCE_SUITE)


def test_a_suite_of_the_reference_runner_is_valid_unchanged(folder: Any) -> None:
    loaded = folder.load(REFERENCE_SUITE)
    assert [case.name for case in loaded.cases] == [
        "tiny_cpu[openai/whisper-tiny.en-CPU]",
        "case_002[sentence-transformers/all-MiniLM-L6-v2-AUTO]",
    ]
    assert loaded.cases[0].params["chunk_length_s"] == 30
    assert loaded.cases[1].dataset.describe() == {
        "source": "hf",
        "id": "sentence-transformers/stsb",
        "config": "default",
        "split": "test",
        "input_column": "sentence1",
        "reference_column": "text",
        "max_samples": 24,
        "sampling_rate": 16000,
    }


@pytest.mark.parametrize("source", ["json", "jsonl", "local", "local_json", "local_jsonl"])
def test_every_local_source_of_the_reference_runner_is_known(folder: Any, source: str) -> None:
    loaded = folder.load(folder.suite(dataset={"source": source, "path": "rows.json"}))
    assert loaded.cases[0].dataset.source == source


def test_what_is_left_out_has_the_reference_runner_s_defaults() -> None:
    suite = Suite.model_validate({"benchmarks": [{"runner": "whisper_asr"}], "criteria": []})
    assert suite.benchmark_id(0) == "case_001"
    spec = DatasetSpec()
    assert (spec.source, spec.split, spec.input_column) == ("hf", "validation", ["text"])
    assert (spec.max_samples, spec.sampling_rate) == (32, 16_000)
    assert Criterion(metric="wer").weight == 1.0


@pytest.mark.parametrize("blank", ["", "   "])
def test_a_blank_string_counts_as_not_given(blank: str) -> None:
    criterion = Criterion.model_validate({"id": blank, "metric": "wer", "expression": blank})
    assert (criterion.id, criterion.expression) == (None, None)
    benchmark = Benchmark.model_validate({"runner": "x", "device": blank, "model": blank})
    assert (benchmark.device, benchmark.model) == (None, None)


@pytest.mark.parametrize("goal", ["MIN", " Max "])
def test_goals_and_runners_are_known_in_any_case(goal: str) -> None:
    criterion = Criterion.model_validate({"metric": "wer", "goal": goal, "runner": "Whisper_ASR"})
    assert criterion.goal == goal.strip().lower()
    assert criterion.applies_to("whisper_asr")
    assert not criterion.applies_to("embedding_text")


CRITERION_FAULTS: list[tuple[dict[str, Any], str]] = [
    (
        {"metric": "latency_ms", "goal": "mn"},
        "goal: \"mn\" should be one of 'min', 'max', 'target'",
    ),
    ({"metric": "latency_ms", "goal": "target"}, "goal 'target' needs a number in 'target'"),
    ({"metric": "latency_ms", "goal": "max", "target": 1}, "'target' is only used with goal"),
    ({"metric": "latency_ms", "weight": 0}, "weight: 0 should be more than 0"),
    ({"metric": "latency_ms", "weight": -1}, "weight: -1 should be more than 0"),
    ({"metric": "latency_ms", "weight": 1e300}, "weight: 1e+300 should be at most 1e+12"),
    ({"metric": "latency_ms", "weight": "1"}, 'weight: "1" should be a number'),
    ({"metric": "latency_ms", "min": 2, "max": 1}, "'min' (2) is more than 'max' (1)"),
    ({"metric": "latency_ms", "expression": "1"}, "give either 'metric' or 'expression'"),
    ({}, "give either 'metric' or 'expression'"),
    (
        {"metric": "latency_ms", "runner": "a", "runners": ["b"]},
        "give either 'runner' or 'runners'",
    ),
    ({"metric": "latency_ms", "runners": ["whisper"]}, "runners: 'whisper' is not a runner"),
    ({"metric": "latencyms"}, "did you mean 'latency_ms'?"),
    ({"metric": "wer"}, "'wer' is not a metric of the benchmarks in its scope"),
    ({"expression": "latency_ms +"}, "is not arithmetic over metric names"),
    ({"expression": "latency_ms + watts"}, "'watts' is not a metric of the benchmarks"),
    ({"metric": "latency_ms", "threshold": 5}, "threshold: unknown field"),
]


@pytest.mark.parametrize(("criterion", "words"), CRITERION_FAULTS)
def test_a_wrong_criterion_is_said_to_be_wrong(
    folder: Any, criterion: dict[str, Any], words: str
) -> None:
    message = folder.fault(folder.suite(criteria=[criterion]))
    assert message.startswith("criteria[0]")
    assert words in message


BENCHMARK_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"runner": "embeding_text"}, "runner: 'embeding_text' is not a runner; did you mean"),
    ({"runner": None}, "runner: is missing"),
    ({"id": "a/b"}, "may not hold"),
    ({"id": "a::b"}, "may not hold"),
    ({"id": "a[b]"}, "may not hold"),
    ({"id": 5}, "id: 5 should be a string"),
    ({"models": ["model"]}, "give either 'model' or 'models'"),
    ({"device": "CPU", "devices": ["CPU"]}, "give either 'device' or 'devices'"),
    ({"devices": []}, "devices: [] should not be empty"),
    ({"devices": "all"}, "devices: 'all' should be a list of devices"),
    ({"params": {"max_chars": -1}}, "params.max_chars: -1 should be at least 0"),
    ({"params": {"maxchars": 1}}, "params.maxchars: unknown field; did you mean 'max_chars'?"),
    ({"matrix": {"batch_size": []}}, "matrix.batch_size: [] should not be empty"),
    ({"matrix": {"batch_size": [0]}}, "matrix.batch_size: 0 should be at least 1"),
    ({"params": {"batch_size": 1}, "matrix": {"batch_size": [2]}}, "'batch_size' stands in both"),
    ({"dataset": {"max_samples": 0}}, "dataset.max_samples: 0 should be at least 1"),
    ({"dataset": {"sampling_rate": 0}}, "dataset.sampling_rate: 0 should be at least 1"),
    ({"dataset": {"id": "a", "dataset": "b"}}, "'id' and its other name 'dataset' differ"),
    ({"dataset": {"source": "csv"}}, "'csv' is not a dataset source"),
    ({"dataset": {"path": "none.json"}}, "'none.json': there is no such file"),
    ({"dataset": {"input_column": ["a", "b", "c"]}}, "dataset.input_column"),
    ({"measure": {"min_samples": 9, "max_samples": 5}}, "'min_samples' (9) is more than"),
    ({"measure": {"max_seconds": 0}}, "measure.max_seconds: 0 should be more than 0"),
    ({"marks": ["no-mark"]}, "'no-mark' is no pytest mark"),
    ({"marks": ["_private"]}, "'_private' is no pytest mark"),
    ({"marks": ["parametrize"]}, "needs arguments, which a suite cannot give"),
    ({"env": "HF_TOKEN"}, 'env: "HF_TOKEN" should be a list'),
    ({"modle": "x"}, "modle: unknown field; did you mean 'model'?"),
]


@pytest.mark.parametrize(("fields", "words"), BENCHMARK_FAULTS)
def test_a_wrong_benchmark_is_said_to_be_wrong(
    folder: Any, fields: dict[str, Any], words: str
) -> None:
    message = folder.fault(folder.benchmark(**fields))
    assert message.startswith("benchmarks[0]")
    assert words in message


SUITE_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"benchmarks": []}, "benchmarks: [] should not be empty"),
    ({"benchmarks": None}, "benchmarks: is missing"),
    ({"benchmark": []}, "benchmark: unknown field; did you mean 'benchmarks'?"),
    ({"description": 7}, "description: 7 should be a string"),
    ({"criteria": {}}, "criteria: {} should be a list"),
    ({"models": [{}]}, "models[0]: an empty selector"),
    ({"models": [{"model_type": "tiny"}]}, 'models[0].model_type: "tiny" should be one of'),
    ({"registry": "none.json"}, "registry: 'none.json' cannot be used"),
    ({"measure": {"warmup": -1}}, "measure.warmup: -1 should be at least 0"),
]


@pytest.mark.parametrize(("fields", "words"), SUITE_FAULTS)
def test_a_wrong_suite_field_is_said_to_be_wrong(
    folder: Any, fields: dict[str, Any], words: str
) -> None:
    messages = [str(problem) for problem in folder.problems(folder.suite(**fields))]
    assert any(words in message for message in messages), messages
    assert len(messages) == (2 if "registry" in fields else 1), messages


def test_several_faults_at_one_place_hide_nothing_else(folder: Any) -> None:
    load = {"rate": 5, "sweep": {"rates": [1]}}  # which is too short, too much and not enough
    benchmark = {"id": "a", "runner": "chat_api", "model": "m", "params": {"base_url": "h:1"}}
    problems = folder.problems(folder.suite(load=load, benchmarks=[benchmark]))
    assert {str(one).split(": ", 1)[1] for one in problems} == {
        "load.sweep.rates: [1] should have 2 entries or more",
        "load: 'sweep' and 'rate' exclude each other: a sweep tries rates itself",
        "load: 'sweep' needs 'requests' or 'seconds': how long each rate is tried",
    }


def test_the_same_name_under_both_its_names_is_no_contradiction() -> None:
    spec = DatasetSpec.model_validate({"id": "a", "dataset": "a", "name": "c"})
    assert (spec.dataset_id, spec.config_name) == ("a", "c")
