"""What differs between two measured cases is named, and only that."""

from __future__ import annotations

from typing import Any

import pytest
from made_runs import BUSY, CONDITIONS, SYSTEM, digests, made_case, measured_case

from pytest_modelbench.judge.stored.comparable import (
    ALL,
    KEYS,
    Difference,
    differences,
    is_same_thing,
)
from pytest_modelbench.plugin import DIFFERENCES
from pytest_modelbench.results.conditions import Limits


def found(
    before: dict[str, Any], after: dict[str, Any], of_system: bool = False
) -> list[Difference]:
    sides = []
    for fields in (before, after):
        system = SYSTEM.model_copy(update=fields) if of_system else SYSTEM
        sides.append(measured_case(made_case(**({} if of_system else fields)), system=system))
    return differences(*sides)


@pytest.mark.parametrize(
    ("field", "before", "after", "text"),
    [
        ("cpu_info", "A", "B", "machine: processor A -> B"),
        ("cpu_count", 2, 8, "machine: processors 2 -> 8"),
        ("cpu_limit", None, 1.5, "machine: processor limit none -> 1.5"),
        ("cpu_governor", "powersave", "performance", "machine: governor powersave -> performance"),
        ("cpu_flags", ["avx", "avx2"], ["avx", "sve"], "machine: instruction sets -avx2 +sve"),
        ("platform", "Linux", "Darwin", "machine: system Linux -> Darwin"),
        ("python_version", "3.12.1", "3.13.0", "python: version 3.12.1 -> 3.13.0"),
        (
            "packages",
            {"numpy": "1.0", "torch": "2.0", "same": "1"},
            {"numpy": "2.0", "scipy": "1.1", "same": "1"},
            "packages: numpy 1.0 -> 2.0, scipy not installed -> 1.1, torch 2.0 -> not installed",
        ),
    ],
)
def test_another_system_is_told(field: str, before: Any, after: Any, text: str) -> None:
    (difference,) = found({field: before}, {field: after}, of_system=True)
    assert difference.text == text
    assert difference.key == text.partition(":")[0]


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [
        ("hostname", "runner-1", "runner-2"),
        ("platform_version", "#1", "#2"),
        ("total_ram_gb", 8.0, 8.1),
        ("gpu_info", None, "a GPU that is not used"),
    ],
)
def test_what_does_not_change_a_result_is_no_difference(
    field: str, before: Any, after: Any
) -> None:
    assert found({field: before}, {field: after}, of_system=True) == []


def test_another_gpu_counts_where_the_case_is_not_on_the_processor() -> None:
    case = made_case("b[m-GPU]", device="GPU.0")
    other = SYSTEM.model_copy(update={"gpu_info": "B"})
    (difference,) = differences(measured_case(case), measured_case(case, system=other))
    assert difference.text == "machine: GPU none -> B"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ({"device": "CPU"}, {"device": "GPU"}, "device: device CPU -> GPU"),
        ({"params": {"batch": 1}}, {"params": {"batch": 4}}, "parameters: batch 1 -> 4"),
        ({"runner": "a"}, {"runner": "b"}, "runner: name a -> b"),
        ({"digests": digests(runner="a")}, {"digests": digests()}, "runner: another one"),
        ({"digests": digests(params="a")}, {"digests": digests()}, "parameters: another one"),
        ({"digests": digests(measure="a")}, {"digests": digests()}, "measure: another one"),
        ({"digests": digests(dataset="a")}, {"digests": digests()}, "dataset: other samples"),
        (
            {"digests": digests(dataset="a"), "dataset": {"used_rows": 24}},
            {"digests": digests(), "dataset": {"used_rows": 30}},
            "dataset: other samples (24 -> 30)",
        ),
        (
            {"properties": {"device_name": "A", "inference_precision": "bf16"}},
            {"properties": {"device_name": "A", "inference_precision": "f32"}},
            "precision: inference_precision bf16 -> f32",
        ),
        (
            {"properties": {"device_name": "A"}},
            {"properties": {"device_name": "B"}},
            "device: device_name A -> B",
        ),
        (
            {"properties": {"threads": 2, "streams": 1}},
            {"properties": {"threads": 4, "streams": 2}},
            "conditions: threads 2 -> 4, streams 1 -> 2",
        ),
        (
            {"properties": {"openvino_genai_version": "1"}},
            {"properties": {"openvino_genai_version": "2"}},
            "packages: openvino_genai_version 1 -> 2",
        ),
        ({"engine": "isolated"}, {"engine": "inline"}, "conditions: engine isolated -> inline"),
        (
            {"conditions": CONDITIONS},
            {"conditions": CONDITIONS.model_copy(update={"lock": "none", "workers": 4})},
            "conditions: lock host -> none, workers none -> 4",
        ),
        (
            {"limits": Limits(memory_limit_mb=500.0, threads=None, enforced=True)},
            {"limits": Limits(memory_limit_mb=None, threads=None, enforced=True)},
            "conditions: memory limit 500.0 -> none",
        ),
    ],
)
def test_another_way_of_measuring_is_told(
    before: dict[str, Any], after: dict[str, Any], text: str
) -> None:
    assert [one.text for one in found(before, after)] == [text]


def test_the_model_and_what_only_it_has_are_no_difference() -> None:
    before = {
        "digests": digests(model="a", quality="a"),
        "properties": {"max_tokens": 128, "export_seconds": 1.5},
    }
    after = {"digests": digests(), "properties": {"max_tokens": 512, "export_seconds": 0.0}}
    assert found(before, after) == []


def test_a_property_nobody_knows_is_a_condition_where_the_model_is_the_same() -> None:
    (difference,) = found({"properties": {"arena": 1}}, {"properties": {"arena": 2}})
    assert difference.text == "conditions: arena 1 -> 2"


def test_a_package_is_told_once() -> None:
    sides = [
        measured_case(
            made_case(properties={"openvino_version": version}),
            system=SYSTEM.model_copy(update={"packages": {"openvino": version}}),
        )
        for version in ("1", "2")
    ]
    assert [one.text for one in differences(*sides)] == ["packages: openvino 1 -> 2"]


def test_of_many_packages_the_first_are_named_and_the_rest_counted() -> None:
    many = {f"p{number}": "1" for number in range(9)}
    (difference,) = found({"packages": many}, {"packages": {}}, of_system=True)
    assert difference.text.endswith("p3 1 -> not installed and 5 more")


def test_what_disturbed_is_no_difference_but_noise() -> None:
    assert found({"conditions": CONDITIONS}, {"conditions": BUSY}) == []


def test_parallel_workers_count_only_where_calls_are_not_alone() -> None:
    four = CONDITIONS.model_copy(update={"workers": 4})
    assert found({"conditions": CONDITIONS}, {"conditions": four}) == []


def test_hashes_that_one_side_does_not_have_tell_nothing() -> None:
    assert found({"digests": None}, {"digests": digests()}) == []


def test_the_same_thing_is_the_same_model_measured_in_the_same_way() -> None:
    one = measured_case(made_case())
    assert is_same_thing(one, measured_case(made_case(), 5))
    assert not is_same_thing(one, measured_case(made_case(digests=digests(model="a"))))
    assert not is_same_thing(one, measured_case(made_case(digests=digests(dataset="a"))))
    other = SYSTEM.model_copy(update={"cpu_count": 4})
    assert not is_same_thing(one, measured_case(made_case(), system=other))


def test_a_test_in_python_is_the_same_thing_while_its_source_is() -> None:
    one = measured_case(made_case(digests=None))
    assert is_same_thing(one, measured_case(made_case(digests=None)))
    assert not is_same_thing(one, measured_case(made_case(digests=None, fingerprint="1" * 32)))


def test_the_option_knows_every_kind_of_difference() -> None:
    assert (*KEYS, ALL) == DIFFERENCES
