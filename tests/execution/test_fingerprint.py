"""A fingerprint changes with everything that can change a result, and with nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.samples import Audio, Sample
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.execution.fingerprint import Fingerprint
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.contract import Runner


def fingerprint(case: Any, runner: Any, samples: Any) -> str:
    digest = Fingerprint(case, runner)
    digest.add(samples)
    return digest.hexdigest()


class Version1(Runner):
    version = "1"


class Version2(Runner):
    version = "2"


SAMPLES = [Sample("0", "a text", "ref"), Sample("1", ("a", "pair"), 2.5)]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    model = tmp_path / "model"
    (model / "deep").mkdir(parents=True)
    (model / "weights.bin").write_bytes(bytes(2_000_000))
    (model / "deep" / "config.json").write_text("{}")
    return Case(
        suite_id="s",
        suite_file=tmp_path / "s.json",
        benchmark_id="b",
        runner="mine",
        candidate=Candidate("m", str(model)),
        device="CPU",
        params={"batch_size": 1, "nested": {"a": [1, 2]}},
        dataset=DatasetSpec(source="json", path="rows.json"),
        measure=MeasureSpec(),
    )


def digests(case: Case, runner: type[Runner] = Version1, samples: list[Sample] = SAMPLES) -> Any:
    digest = Fingerprint(case, runner())
    digest.add(samples)
    return digest.digests().model_dump()


def of(case: Case, samples: list[Sample] = SAMPLES, runner: type[Runner] = Version1) -> str:
    return fingerprint(case, runner(), samples)


def test_it_is_the_same_each_time_and_32_hexadecimal_digits(case: Case) -> None:
    assert of(case) == of(case)
    assert len(of(case)) == 32
    assert int(of(case), 16)


@pytest.mark.parametrize(
    "same",
    [
        {"suite_id": "another"},
        {"suite_file": Path("/elsewhere/x.json")},
        {"benchmark_id": "another"},
        {"marks": ("slow",), "env": ("HOME",), "line": 99, "label": "x"},
        {"params": {"nested": {"a": [1, 2]}, "batch_size": 1}},
    ],
)
def test_names_and_places_do_not_change_it(case: Case, same: dict[str, Any]) -> None:
    assert of(replace(case, **same)) == of(case)


@pytest.mark.parametrize(
    "other",
    [
        {"runner": "yours"},
        {"device": "GPU"},
        {"params": {"batch_size": 2, "nested": {"a": [1, 2]}}},
        {"params": {"batch_size": 1, "nested": {"a": [2, 1]}}},
        {"params": {}},
        {"measure": MeasureSpec(min_samples=131)},
        {"quality": ("wer",)},
        {"quality": ()},
        {"candidate": Candidate("m", "org/model")},
    ],
)
def test_what_is_measured_and_how_changes_it(case: Case, other: dict[str, Any]) -> None:
    assert of(replace(case, **other)) != of(case)


def test_another_quantization_in_the_registry_changes_it(case: Case) -> None:
    """A runner may quantize the same files as it loads them."""
    names = (None, "int8", "int4")
    made = {of(replace(case, candidate=replace(case.candidate, quantization=one))) for one in names}
    assert len(made) == 3


def test_a_new_version_of_the_runner_changes_it(case: Case) -> None:
    assert of(case, runner=Version2) != of(case)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1_234_567] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda model: _flip(model / "weights.bin"),
        lambda model: (model / "weights.bin").write_bytes(bytes(2_000_001)),
        lambda model: (model / "weights.bin").rename(model / "other.bin"),
        lambda model: (model / "deep" / "config.json").write_text("[]"),
        lambda model: (model / "new.json").write_text(""),
        lambda model: (model / "deep" / "config.json").unlink(),
    ],
    ids=["one bit", "one byte more", "renamed", "deep inside", "added", "removed"],
)
def test_any_change_of_the_model_s_files_changes_it(
    case: Case, change: Callable[[Path], object]
) -> None:
    before = of(case)
    change(Path(case.candidate.model_path))
    assert of(case) != before


def test_the_same_files_elsewhere_and_touched_are_the_same_model(
    case: Case, tmp_path: Path
) -> None:
    before = of(case)
    model = Path(case.candidate.model_path)
    os.utime(model / "weights.bin", (1, 1))
    assert of(case) == before
    moved = model.rename(tmp_path / "moved")
    assert of(replace(case, candidate=Candidate("renamed", str(moved)))) == before


def _audio(values: list[float], rate: int = 16_000) -> Audio:
    return Audio(np.array(values, dtype=np.float32), rate)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([Sample("0", "a", "b")], [Sample("0", "a", "c")]),
        ([Sample("0", "a", "b")], [Sample("0", "ab", "")]),
        ([Sample("0", "a", "b")], [Sample("0", "a", "b"), Sample("1", "a", "b")]),
        ([Sample("0", "a"), Sample("1", "b")], [Sample("0", "b"), Sample("1", "a")]),
        ([Sample("0", "1", 1)], [Sample("0", 1, "1")]),
        ([Sample("0", _audio([0, 1]))], [Sample("0", _audio([0, 0.5]))]),
        ([Sample("0", _audio([0, 1]))], [Sample("0", _audio([0, 1], 8000))]),
        ([Sample("0", np.zeros(5000))], [Sample("0", np.eye(1, 5000, 2500)[0])]),
        ([Sample("0", np.zeros((2, 3)))], [Sample("0", np.zeros((3, 2)))]),
        ([], [Sample("0", "a")]),
    ],
)
def test_other_samples_change_it(case: Case, one: list[Sample], other: list[Sample]) -> None:
    assert of(case, one) != of(case, other)


def test_a_sample_s_number_in_its_source_does_not_change_it(case: Case) -> None:
    assert of(case, [Sample("0", "a")]) == of(case, [Sample("7", "a")])


@pytest.mark.parametrize(
    ("other", "part"),
    [
        ({"runner": "yours"}, "runner"),
        ({"params": {"batch_size": 2}}, "params"),
        ({"measure": MeasureSpec(min_samples=131)}, "measure"),
        ({"quality": ("wer",)}, "quality"),
        ({"candidate": Candidate("m", "org/model")}, "model"),
    ],
)
def test_the_digest_of_what_changed_is_the_only_one_that_does(
    case: Case, other: dict[str, Any], part: str
) -> None:
    before, after = digests(case), digests(replace(case, **other))
    assert {name for name in before if before[name] != after[name]} == {part}
    assert all(len(one) == 32 for one in after.values())


def test_so_do_the_digests_of_the_runner_s_version_and_of_the_samples(case: Case) -> None:
    before = digests(case)
    for part, after in {
        "runner": digests(case, runner=Version2),
        "dataset": digests(case, samples=SAMPLES[::-1]),
    }.items():
        assert {name for name in before if before[name] != after[name]} == {part}


@pytest.mark.parametrize("same", [{"device": "GPU"}, {"keep_outputs": True}, {"label": "x"}])
def test_what_is_no_part_of_them_changes_none(case: Case, same: dict[str, Any]) -> None:
    assert digests(replace(case, **same)) == digests(case)


def test_keeping_outputs_does_not_change_the_fingerprint(case: Case) -> None:
    assert of(replace(case, keep_outputs=True, outputs_file=Path("out.npz"))) == of(case)


def test_the_id_of_a_sample_is_that_of_its_input_and_reference_wherever_it_stands(
    case: Case,
) -> None:
    def ids(*samples: Sample) -> list[int]:
        digest = Fingerprint(case, Version1())
        for sample in samples:  # one portion each
            digest.add([sample])
        return list(digest.ids)

    one, other = SAMPLES
    first, second = ids(one, other)
    assert ids(other, one, other) == [second, first, second]
    changed = [Sample("0", "a text", "other"), Sample("0", "a text!", "ref"), Sample("0", "a text")]
    assert len({first, second, *ids(*changed)}) == 5
    assert ids(Sample("77", "a text", "ref")) == [first]
