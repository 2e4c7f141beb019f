"""What each sample of a measured case was answered, as it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.portions import portions
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.execution import measure_case
from pytest_modelbench.execution.content import hash64
from pytest_modelbench.execution.engine import InlineEngine
from pytest_modelbench.execution.outputs_file import read_outputs
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.registry import Candidate
from pytest_modelbench.results.packed import unpack, unpack_floats
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Prediction, Runner, Session

ROWS = [{"text": f"t{number}", "ref": number * 0.5} for number in range(9)]
Measure = Callable[..., CaseResult]


class Unreadable:
    def __repr__(self) -> str:
        raise ValueError("this answer says nothing of itself")


class Numbers(Session):
    """Answers with a number for each text; not to t4, nor well to t7."""

    def predict(self, batch: Any) -> list[Any]:
        return [int(text[1:]) for text in batch]

    def prepare(self, sample: Any) -> Any:
        if sample.input == "t4":
            raise ValueError("t4 cannot be prepared")
        return sample.input

    def finish(self, sample: Any, answer: Any) -> Prediction:
        return Prediction({"unreadable": Unreadable()}.get(self.timed, (answer / 2) ** 2))


@pytest.fixture
def measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Measure]:
    """Measures the rows in portions of so many."""
    added = RUNNERS.added

    class NumbersRunner(Runner):
        input_kind = "text"

        def load(self, candidate: Any, device: str, params: Any) -> Session:
            session = Numbers()
            session.timed = params.get("answers", "numbers")
            return session

    RUNNERS.add("numbers", NumbersRunner)

    def run(
        rows: list[dict[str, Any]] = ROWS,
        portion: int = 1000,
        reference_column: str | None = "ref",
        params: Any = None,
        **fields: Any,
    ) -> CaseResult:
        monkeypatch.setattr(measure_case, "portions", partial(portions, most_samples=portion))
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        case = Case(
            suite_id="s",
            suite_file=tmp_path / "s.json",
            benchmark_id="b",
            runner="numbers",
            candidate=Candidate("m", "m"),
            device="CPU",
            params=params or {},
            dataset=DatasetSpec(
                source="jsonl", path="rows.jsonl", reference_column=reference_column
            ),
            measure=MeasureSpec(warmup=0, min_samples=1, min_seconds=0),
            **fields,
        )
        engine = InlineEngine(lock="none")
        result = engine.submit(case).result()
        engine.close()
        return result

    yield run
    RUNNERS.forget_added(added)


def test_each_sample_has_an_id_and_a_hash_of_its_answer_and_a_failed_one_has_0(
    measure: Measure,
) -> None:
    result = measure(quality=("spearman", "exact_match"))
    assert result.samples is not None
    ids, outputs = unpack(result.samples.ids), unpack(result.samples.outputs)
    assert len(set(ids)) == len(ids) == len(ROWS)
    expected = [0 if number == 4 else hash64((number / 2) ** 2) for number in range(9)]
    assert list(outputs) == expected
    assert set(result.samples.terms) == {"spearman", "exact_match"}
    right = result.samples.terms["exact_match"]
    assert (right.kind, right.second) == ("right", None)
    assert list(unpack(right.first)) == [1, 0, 1, 0, 0, 0, 0, 0, 0]
    pairs = result.samples.terms["spearman"]
    assert pairs.second is not None
    assert pairs.kind == "pairs"
    predicted = [np.nan if number == 4 else (number / 2) ** 2 for number in range(9)]
    assert np.array_equal(unpack_floats(pairs.first), predicted, equal_nan=True)
    assert list(unpack_floats(pairs.second)) == [number * 0.5 for number in range(9)]
    assert result.metrics["spearman"].metadata["missing"] == 1


@pytest.mark.parametrize("portion", [1, 2, 4])
def test_portions_change_no_record_and_no_digest(measure: Measure, portion: int) -> None:
    whole, in_parts = (
        measure(quality=("spearman",)),
        measure(quality=("spearman",), portion=portion),
    )
    assert in_parts.samples == whole.samples
    assert in_parts.digests == whole.digests
    assert whole.digests is not None


def test_samples_keep_their_ids_in_another_order_and_beside_others(measure: Measure) -> None:
    first, other = measure(quality=("spearman",)), measure(ROWS[:1:-1], quality=("spearman",))
    assert first.samples is not None
    assert other.samples is not None
    assert list(unpack(other.samples.ids)) == list(unpack(first.samples.ids))[:1:-1]
    assert list(unpack(other.samples.outputs)) == list(unpack(first.samples.outputs))[:1:-1]


def test_without_references_there_are_ids_and_outputs_alone(measure: Measure) -> None:
    result = measure(quality=("spearman",), reference_column=None)
    assert result.samples is not None
    assert result.samples.terms == {}
    with_references = measure(quality=("spearman",))
    assert with_references.samples is not None
    assert result.samples.outputs == with_references.samples.outputs
    assert not set(unpack(result.samples.ids)) & set(unpack(with_references.samples.ids))


def test_where_nothing_scores_nothing_is_kept_unless_it_is_asked_for(measure: Measure) -> None:
    assert measure().samples is None
    kept = measure(keep_outputs=True)
    scored = measure(quality=("exact_match",))
    assert kept.samples is not None
    assert scored.samples is not None
    assert kept.samples.outputs == scored.samples.outputs
    assert (kept.samples.terms, kept.fingerprint) == ({}, measure().fingerprint)


def test_the_answers_themselves_are_left_in_a_file_when_that_is_asked_for(
    measure: Measure, tmp_path: Path
) -> None:
    file = tmp_path / "answers.npz"
    result = measure(outputs_file=file)
    assert result.samples is not None
    answers = [None if number == 4 else (number / 2) ** 2 for number in range(9)]
    assert read_outputs(file) == answers


def test_an_answer_that_cannot_be_told_from_others_fails_its_sample(measure: Measure) -> None:
    """It is no answer equal to another one."""
    rows = ROWS[:4]
    fine = measure(rows, params={"answers": "unreadable"})
    assert (fine.status, fine.metrics["success_count"].value) == ("ok", 4)
    result = measure(rows, params={"answers": "unreadable"}, quality=("exact_match",))
    assert result.status == "error"
    assert "this answer says nothing of itself" in result.detail


def test_a_case_that_was_not_measured_has_neither_record_nor_digests(measure: Measure) -> None:
    result = measure(quality=("exact_match",), env=("NO_SUCH_VARIABLE_HERE",))
    assert result.status == "skipped"
    assert (result.samples, result.digests) == (None, None)


def test_a_record_survives_the_run_file(measure: Measure) -> None:
    result = measure(quality=("spearman",))
    assert CaseResult.model_validate_json(result.model_dump_json()) == result
