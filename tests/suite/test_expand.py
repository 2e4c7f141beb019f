"""A suite becomes cases: benchmarks x models x devices x parameters, in order, with clear ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, model_validator

from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Runner
from pytest_modelbench.suite.device_names import usual_device_name
from pytest_modelbench.suite.selection import Selection

Write = Callable[..., Path]


def names(loaded: Any) -> list[str]:
    return [case.name for case in loaded.cases]


def test_models_devices_and_the_matrix_are_all_combined_in_order(
    folder: Any, registry: Write
) -> None:
    registry("one", "two")
    suite = folder.benchmark(
        model=None,
        models=["one", "two"],
        devices=["CPU", "gpu.1"],
        matrix={"batch_size": [1, 8], "pooling": ["mean"]},
    )
    loaded = folder.load({**suite, "registry": "registry.json"})
    assert names(loaded) == [
        f"b[{model}-{device}-batch_size={size}-pooling=mean]"
        for size in (1, 8)
        for model in ("one", "two")
        for device in ("CPU", "GPU.1")
    ]
    assert loaded.cases[-1].params == {"batch_size": 8, "pooling": "mean"}
    assert loaded.cases[0].id == "s::b[one-CPU-batch_size=1-pooling=mean]"


def test_without_models_it_is_the_whole_registry(folder: Any, registry: Write) -> None:
    registry("one", "two")
    loaded = folder.load({**folder.benchmark(model=None), "registry": "registry.json"})
    assert names(loaded) == ["b[one-CPU]", "b[two-CPU]"]


def test_a_benchmark_s_own_fields_come_before_the_suite_s(folder: Any) -> None:
    (folder.path / "other").mkdir()
    suite = folder.suite(
        models=["other"],
        devices=["GPU"],
        matrix={"batch_size": [4]},
        marks=["nightly", "gpu"],
        env=["A"],
        measure={"min_samples": 7, "warmup": 2},
        benchmarks=[
            {"id": "own", "runner": "embedding_text", "model": "model", "device": "CPU"},
            {
                "id": "both",
                "runner": "embedding_text",
                "matrix": {"batch_size": [2]},
                "marks": ["gpu", "slow"],
                "env": ["B"],
                "measure": {"warmup": 0},
            },
        ],
    )
    own, both = folder.load(suite).cases
    assert (own.name, both.name) == ("own[model-CPU-batch_size=4]", "both[other-GPU-batch_size=2]")
    assert (both.marks, both.env) == (("nightly", "gpu", "slow"), ("A", "B"))
    assert (both.measure.min_samples, both.measure.warmup) == (7, 0)
    assert own.measure.warmup == 2


def test_a_dataset_is_overridden_key_by_key(folder: Any) -> None:
    folder.write("more.json", "[]")
    suite = folder.benchmark(dataset={"path": "more.json", "max_samples": 5})
    suite["dataset"] = {
        "source": "local_json",
        "path": "rows.json",
        "reference_column": "ref",
        "max_samples": 9,
    }
    spec = folder.load(suite).cases[0].dataset
    assert (spec.source, spec.path) == ("local_json", "more.json")
    assert (spec.reference_column, spec.max_samples) == ("ref", 5)


def test_a_blank_split_overrides_nothing(folder: Any) -> None:
    suite = folder.benchmark(dataset={"split": " "})
    suite["dataset"] = {"id": "hub/one", "split": "test"}
    assert folder.load(suite).cases[0].dataset.split == "test"
    alone = folder.benchmark(dataset={"id": "hub/one", "split": ""})
    assert folder.load(alone).cases[0].dataset.split == "validation"


def test_a_benchmark_s_params_come_before_the_suite_s_matrix(folder: Any) -> None:
    suite = folder.benchmark(params={"batch_size": 4})
    suite["matrix"] = {"batch_size": [1, 8]}
    [case] = folder.load(suite).cases
    assert case.params["batch_size"] == 4


def test_an_override_under_another_name_replaces_the_first_name(folder: Any) -> None:
    suite = folder.benchmark(dataset={"dataset": "hub/other", "name": "small"})
    suite["dataset"] = {"id": "hub/one", "config": "large", "split": "test"}
    spec = folder.load(suite).cases[0].dataset
    assert (spec.dataset_id, spec.config_name, spec.split) == ("hub/other", "small", "test")


@pytest.mark.parametrize(
    ("general", "own", "fault"),
    [
        (
            {"min_samples": 5000},
            {"max_samples": 1000},
            "benchmarks[0].measure: 'min_samples' (5000) is more than 'max_samples' (1000)",
        ),
        (
            {"min_seconds": 60, "max_seconds": 10},
            None,
            "measure: 'min_seconds' (60) is more than 'max_seconds' (10)",
        ),
        ({"max_samples": 50_000}, {"min_samples": 20_000}, None),
        ({"min_seconds": 60}, {"min_samples": 20_000}, None),
    ],
)
def test_stop_rules_are_held_against_each_other_after_overriding(
    folder: Any, general: dict[str, Any], own: dict[str, Any] | None, fault: str | None
) -> None:
    suite = {**folder.benchmark(measure=own), "measure": general}
    if fault is None:
        assert folder.load(suite).cases[0].measure.min_samples == 20_000
    else:
        assert folder.fault(suite) == fault


def test_every_parameter_set_of_a_matrix_is_checked(folder: Any) -> None:
    suite = folder.benchmark(matrix={"batch_size": [1, "two", -3]})
    assert [str(problem).partition(": ")[2] for problem in folder.problems(suite)] == [
        'benchmarks[0].matrix.batch_size: "two" should be a whole number',
        "benchmarks[0].matrix.batch_size: -3 should be at least 1",
    ]


def test_a_matrix_too_large_to_expand_is_a_fault_at_once(folder: Any) -> None:
    matrix = {f"p{index}": list(range(10)) for index in range(9)}
    message = folder.fault(folder.benchmark(matrix=matrix))
    assert message == "benchmarks[0].matrix: makes 1000000000 combinations: at most 100000 fit"


def test_two_cases_of_one_name_are_a_fault(folder: Any) -> None:
    suite = folder.benchmark(matrix={"max_chars": [1, 1]})
    assert folder.fault(suite) == "benchmarks: 2 cases would be called 'b[model-CPU-max_chars=1]'"


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("dataset", None, "benchmarks[0]: has no dataset: give 'dataset' here or in the suite"),
        (
            "dataset",
            {"source": "hf"},
            "dataset.id: source 'hf' needs 'id': a hub id or a directory",
        ),
        ("dataset", {"source": "json"}, "dataset.path: source 'json' needs 'path'"),
        ("dataset", {"source": "json", "path": "a\0"}, "dataset.path: 'a\\x00' cannot be used"),
        ("dataset", {"source": "json", "path": "x" * 300}, "File name too long"),
        ("dataset", {"source": "json", "path": "~nobody-here/x"}, "there is no such file"),
    ],
)
def test_a_dataset_that_cannot_be_is_a_fault_at_collection(
    folder: Any, field: str, value: Any, fault: str
) -> None:
    assert fault in folder.fault(folder.suite(**{field: value}))


def test_what_a_source_needs_is_missing_where_the_source_is_named(folder: Any) -> None:
    """And not in the dataset of the suite, which has all that its own source needs."""
    message = folder.fault(folder.benchmark(dataset={"source": "hf"}))
    assert message.startswith("benchmarks[0].dataset.id: source 'hf' needs 'id'")


def test_a_benchmark_without_any_model_is_a_fault(folder: Any) -> None:
    message = folder.fault(folder.benchmark(model=None))
    assert message == "benchmarks[0]: has no model: give 'model', 'models' or a registry"


def test_the_command_line_selects_models_and_devices(folder: Any, registry: Write) -> None:
    registry("small", "large")
    suite = {**folder.benchmark(model=None, device="GPU"), "registry": "registry.json"}
    loaded = folder.load(suite, Selection(models=("sm*",), devices=("NPU", "cuda:0")))
    assert names(loaded) == ["b[small-NPU]", "b[small-cuda:0]"]
    assert loaded.models_seen == {"small", "large"}


def test_the_command_line_s_registry_is_used_instead_of_the_suite_s(
    folder: Any, registry: Write
) -> None:
    file = registry("mine")
    suite = {**folder.benchmark(model=None), "registry": "not-even-there.json"}
    assert names(folder.load(suite, Selection(registry=file))) == ["b[mine-CPU]"]


@pytest.mark.parametrize(
    ("name", "usual"),
    [("cpu", "CPU"), ("auto:gpu,cpu", "AUTO:GPU,CPU"), ("cuda:1", "cuda:1"), ("Mine", "Mine")],
)
def test_openvino_s_device_names_are_upper_case_others_as_given(name: str, usual: str) -> None:
    assert usual_device_name(name) == usual


def test_a_case_stands_on_the_line_of_its_benchmark(folder: Any) -> None:
    text = (
        '{"dataset": {"source": "json", "path": "rows.json"},\n"benchmarks": [\n'
        '{"runner": "embedding_text", "model": "model"},\n\n'
        '{"runner": "embedding_text",\n"model": "model"}]}'
    )
    assert [case.line for case in folder.load(text).cases] == [3, 5]


@pytest.fixture
def checking() -> Iterator[None]:
    """A runner whose parameters are checked by a validator that changes them, or fails."""
    added = RUNNERS.added

    class Params(BaseModel):
        size: int = 1

        @model_validator(mode="before")
        @classmethod
        def _take_out(cls, given: Any) -> Any:
            return {"size": given.pop("size") + len(given.pop("nested")["deep"])}

    class Checking(Runner):
        input_kind = "text"
        params_model = Params

    RUNNERS.add("checking", Checking)
    yield
    RUNNERS.forget_added(added)


@pytest.mark.usefixtures("checking")
def test_a_validator_may_change_what_it_is_given_and_raise_what_it_likes(folder: Any) -> None:
    nested = {"nested": {"deep": [1]}}
    suite = folder.benchmark(runner="checking", params=nested, matrix={"size": [2, 3]})
    made = [case.params for case in folder.load(suite).cases]
    assert made == [{**nested, "size": 2}, {**nested, "size": 3}]
    params = {**nested, "size": 2}
    compared = folder.benchmark(
        runner="checking", params=params, compare={"baseline": {"params": {"size": 4}}}
    )
    (case,) = folder.load(compared).cases
    assert [one.params["size"] for one in case.measured] == [4, 2]
    broken = folder.benchmark(runner="checking", params={"size": 2})
    said = "benchmarks[0].params: Params failed to check them: KeyError: 'nested'"
    assert folder.fault(broken) == said
