"""The published schemas are those of the code, valid, and accept what is meant to be right."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_modelbench.schemas import DIALECT, KINDS, committed_file, json_schema, schema_text

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "pytest_modelbench" / "quickstart"
SUITES = [*sorted((ROOT / "suites").glob("*.json")), SHIPPED / "quickstart.json"]


def validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(committed_file(kind).read_text()))


@pytest.mark.parametrize("kind", KINDS)
def test_the_committed_copy_is_the_one_generated_now(kind: str) -> None:
    """Mend with `modelbench schema KIND > pytest_modelbench/schemas/KIND.schema.json`."""
    assert committed_file(kind).read_text() == schema_text(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_itself_valid_and_says_its_dialect(kind: str) -> None:
    schema = json.loads(committed_file(kind).read_text())
    assert schema["$schema"] == DIALECT == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    assert schema == json_schema(kind)


@pytest.mark.parametrize("file", SUITES, ids=lambda file: file.stem)
def test_the_suites_that_come_with_the_project_are_valid(file: Path) -> None:
    suite = json.loads(file.read_text())
    validator("suite").validate(suite)
    assert (file.parent / suite["$schema"]).resolve() == committed_file("suite")


def test_the_registry_that_comes_with_the_project_is_valid() -> None:
    validator("registry").validate(json.loads((SHIPPED / "registry.json").read_text()))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("benchmarks",), []),
        (("benchmarks", 0, "runner"), None),
        (("benchmarks", 0, "modle"), "x"),
        (("benchmarks", 0, "devices"), "all"),
        (("benchmarks", 0, "devices"), []),
        (("benchmarks", 0, "models"), "x"),
        (("dataset", "max_samples"), 0),
        (("dataset", "sampling_rate"), 0),
        (("criteria", 0, "goal"), "least"),
        (("criteria", 0, "weight"), 0),
        (("criteria", 0, "weight"), 1e300),
        (("measure",), {"warmup": -1}),
        (("descripton",), ""),
    ],
)
def test_an_editor_shows_what_is_wrong_in_a_suite(place: tuple[Any, ...], value: Any) -> None:
    suite = copy.deepcopy(json.loads((SHIPPED / "quickstart.json").read_text()))
    inside = suite
    for part in place[:-1]:
        inside = inside[part]
    inside[place[-1]] = value
    assert not validator("suite").is_valid(suite)


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({"dataset": {"source": "hf", "id": "a/b", "input_column": "text"}}, True),
        ({"dataset": {"source": "hf", "id": "a/b", "input_column": ["a", "b"]}}, True),
        ({"devices": "auto"}, True),
        ({"devices": ["CPU", "AUTO:GPU,CPU"]}, True),
        ({"models": ["a", {"model_type": "quantized"}, {"active": True}]}, True),
        ({"models": [{"model_type": "small"}]}, False),
        ({"models": [5]}, False),
        ({"matrix": {"batch_size": [1, "x", None]}}, True),
        ({"matrix": {"batch_size": []}}, False),
    ],
)
def test_every_way_to_write_a_field_is_known_to_editors(
    change: dict[str, Any], valid: bool
) -> None:
    suite = {"benchmarks": [{"runner": "whisper_asr", "model": "m"}], **change}
    assert validator("suite").is_valid(suite) is valid
