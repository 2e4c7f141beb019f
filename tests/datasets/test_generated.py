"""Source `generated`: seeds, and nothing to configure but how many."""

from __future__ import annotations

from pathlib import Path

import pytest
from all_samples import load_samples

from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.errors import ModelbenchError


def test_samples_are_seeds_without_references(tmp_path: Path) -> None:
    found = load_samples(DatasetSpec(source="generated", max_samples=4), tmp_path, "any")
    assert [(sample.id, sample.input) for sample in found.samples] == [
        (str(number), number) for number in range(4)
    ]
    assert not found.has_references
    assert found.unusable_count == 0


def test_there_are_as_many_as_of_any_source_unless_it_is_said() -> None:
    spec = DatasetSpec(source="Generated")
    assert len(load_samples(spec, Path(), "any").samples) == 32


def test_the_record_says_what_was_used() -> None:
    spec = DatasetSpec.model_validate({"source": "generated", "max_samples": 2})
    assert {name: value for name, value in spec.describe().items() if value is not None} == {
        "source": "generated",
        "input_column": "seed",
        "max_samples": 2,
        "sampling_rate": 16_000,
    }


def test_a_benchmark_can_generate_where_its_suite_reads() -> None:
    general = DatasetSpec.model_validate({"source": "jsonl", "path": "rows.jsonl"})
    spec = general.overridden_by(DatasetSpec.model_validate({"source": "generated"}))
    assert spec.columns == ["seed"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"input_column": "text"}, r"no column 'text' \(input_column\); it has seed"),
        ({"reference_column": "score"}, r"no column 'score' \(reference_column\); it has seed"),
    ],
)
def test_there_is_no_other_column(fields: dict[str, str], said: str) -> None:
    spec = DatasetSpec.model_validate({"source": "generated", **fields})
    with pytest.raises(ModelbenchError, match=said):
        load_samples(spec, Path(), "any")


def test_a_runner_that_wants_texts_is_told_that_there_are_none() -> None:
    with pytest.raises(ModelbenchError, match="the input 'seed' is of type int, not text"):
        load_samples(DatasetSpec(source="generated"), Path(), "text")
