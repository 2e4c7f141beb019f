"""A dataset that comes in portions is measured and scored as if it were all there at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.portions import portions
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.execution import measure_case
from pytest_modelbench.execution.engine import InlineEngine
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.registry import Candidate
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Prediction, Runner, Session

ROWS = 23
UNANSWERABLE = ("t4", "t5", "t10", "t22")
"""Their `prepare` fails; the last row is among them."""

Measured = tuple[CaseResult, list[list[str]]]
"""A result, and the batches of its timed calls."""


class Upper(Session):
    fails_together = False

    def __init__(self, batch_size: int, seen: list[list[str]]) -> None:
        self.batch_size = batch_size
        self._seen = seen

    def prepare(self, sample: Any) -> Any:
        if sample.input in UNANSWERABLE:
            raise ValueError(f"{sample.input} cannot be prepared")
        return sample.input

    def prepare_batch(self, prepared: Any) -> Any:
        if "t7" in prepared and self.fails_together:
            raise ValueError("t7 cannot be put together")
        return tuple(prepared)

    def predict(self, batch: Any) -> list[str]:
        assert isinstance(batch, tuple)
        self._seen.append(list(batch))
        return [text.upper() for text in batch]

    def finish(self, sample: Any, answer: Any) -> Prediction:
        assert answer == sample.input.upper()
        return Prediction(answer, tokens=int(sample.input[1:]))

    def summarize(self, samples: Any, predictions: Any) -> dict[str, Any]:
        pairs = zip(samples, predictions, strict=True)
        matching = [one.input.upper() == said.value for one, said in pairs if said is not None]
        return {"matching": sum(matching), "unanswered": len(predictions) - len(matching)}


@pytest.fixture
def measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Measured]]:
    """Measures a case of `ROWS` rows in portions of so many."""
    added = RUNNERS.added
    seen: list[list[str]] = []

    class UpperRunner(Runner):
        input_kind = "text"
        quality = ("exact_match",)
        metrics = ("matching", "unanswered")

        def load(self, candidate: Any, device: str, params: Any) -> Session:
            return Upper(params["batch_size"], seen)

    RUNNERS.add("upper", UpperRunner)
    rows = [
        {"text": f"t{number}", "ref": f"T{number}" if number % 3 else "other"}
        for number in range(ROWS)
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(portion: int, batch_size: int, **spec: Any) -> Measured:
        monkeypatch.setattr(measure_case, "portions", partial(portions, most_samples=portion))
        seen.clear()
        case = Case(
            suite_id="s",
            suite_file=tmp_path / "s.json",
            benchmark_id="b",
            runner="upper",
            candidate=Candidate("m", "m"),
            device="CPU",
            params={"batch_size": batch_size},
            dataset=DatasetSpec(
                source="jsonl", path="rows.jsonl", reference_column="ref", max_samples=1000
            ),
            measure=MeasureSpec(**{"warmup": 0, "min_samples": 1, "min_seconds": 0, **spec}),
        )
        engine = InlineEngine(lock="none")
        result = engine.submit(case).result()
        engine.close()
        return result, seen[1:]  # without the first call

    yield run
    RUNNERS.forget_added(added)


def value(result: CaseResult, name: str) -> Any:
    return result.metrics[name].value


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 50])
@pytest.mark.parametrize("portion", [1, 2, 4, 7, 11])
def test_portions_change_no_count_no_score_no_batch_and_no_fingerprint(
    measure: Callable[..., Measured], portion: int, batch_size: int
) -> None:
    whole, at_once = measure(1000, batch_size)
    result, in_portions = measure(portion, batch_size)
    texts = [f"t{number}" for number in range(ROWS) if f"t{number}" not in UNANSWERABLE]
    assert in_portions == at_once
    assert at_once == [texts[at : at + batch_size] for at in range(0, len(texts), batch_size)]
    assert result.fingerprint == whole.fingerprint
    assert result.dataset == whole.dataset
    assert (result.status, result.detail) == (whole.status, whole.detail)
    assert result.detail == "4 of 23 samples failed, the first with: ValueError: t4 cannot be " + (
        "prepared"
    )
    for name, truth in {
        "sample_count": 23,
        "success_count": 19,
        "failure_count": 4,
        "matching": 19,
        "unanswered": 4,
    }.items():
        assert value(result, name) == value(whole, name) == truth
    right = sum(bool(int(text[1:]) % 3) for text in texts)
    assert value(result, "exact_match") == value(whole, "exact_match")
    assert value(result, "exact_match") * value(result, "sample_count") == pytest.approx(right)
    assert result.metrics["tokens_per_sec"].metadata["tokens"] == sum(
        int(text[1:]) for text in texts
    )
    assert result.timing is not None
    assert result.timing.first_round == len(at_once)
    assert value(result, "throughput_items_per_second") * value(
        result, "inference_seconds"
    ) == pytest.approx(len(texts))


def test_calls_go_on_with_the_last_portion_and_are_counted_by_what_they_answered(
    measure: Callable[..., Measured],
) -> None:
    result, batches = measure(4, 2, min_samples=40)
    assert result.timing is not None
    first_round, repeated = result.timing.first_round, result.timing.repeated
    assert first_round == 10  # of 19 samples
    assert len(batches) == len(result.timing.durations_ns()) == 40
    assert result.timing.stopped_by == "enough"
    # The last portion has rows 16 to 22, and what the one before had left over.
    assert repeated >= 3
    again = cycle(batches[first_round - repeated : first_round])
    assert batches[first_round:] == list(islice(again, 30))
    items = sum(map(len, batches))
    tokens = sum(int(text[1:]) for batch in batches for text in batch)
    seconds = sum(result.timing.durations_ns()) / 1e9
    assert value(result, "throughput_items_per_second") == pytest.approx(items / seconds)
    assert result.metrics["tokens_per_sec"].metadata["tokens"] == tokens


def test_a_last_row_by_itself_is_not_what_the_calls_go_on_with(
    measure: Callable[..., Measured],
) -> None:
    """23 rows in portions of 11: two, and a rest of one that belongs to the second."""
    result, batches = measure(11, 1, min_samples=60)
    assert result.timing is not None
    assert result.timing.repeated == 11  # of rows 11 to 22 all but the last
    assert len({batch[0] for batch in batches[19:]}) == 11


def test_a_broken_row_after_the_first_portion_is_an_error_that_names_its_line(
    measure: Callable[..., Measured], tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    lines = file.read_text().splitlines()
    lines[17] = '{"text": "t17", "ref": '
    file.write_text("\n".join(lines) + "\n")
    result, batches = measure(4, 1)
    assert batches, "the portions before it had been measured"
    assert result.status == "error"
    assert "rows.jsonl, line 18" in result.detail
    assert {metric.status for metric in result.metrics.values()} == {"error"}


@pytest.mark.parametrize("batch_size", [1, 3, 50])
@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_what_is_large_once_it_is_prepared_comes_in_smaller_portions(
    measure: Callable[..., Measured], monkeypatch: pytest.MonkeyPatch, at_once: int, batch_size: int
) -> None:
    whole, given = measure(1000, batch_size)
    monkeypatch.setattr(Upper, "prepared_bytes", 64_000_000 // at_once)
    result, batches = measure(1000, batch_size)
    assert batches == given
    assert result.fingerprint == whole.fingerprint
    assert value(result, "success_count") == 19
    assert value(result, "exact_match") == value(whole, "exact_match")


def test_a_batch_that_cannot_be_put_together_fails_its_samples_alone(
    measure: Callable[..., Measured], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Upper, "fails_together", True)
    result, batches = measure(1000, 2)
    assert all("t7" not in batch for batch in batches)
    assert value(result, "success_count") == 17
    assert value(result, "failure_count") == 6


def test_of_a_batch_that_was_answered_in_part_that_part_counts(
    measure: Callable[..., Measured], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Upper.finish

    def finish(self: Upper, sample: Any, answer: Any) -> Prediction:
        if sample.input == "t9":
            raise ValueError("t9 cannot be read")
        return usual(self, sample, answer)

    monkeypatch.setattr(Upper, "finish", finish)
    result, _ = measure(1000, 5, max_failed_samples=5)
    assert value(result, "success_count") == 18
    items = value(result, "throughput_items_per_second") * value(result, "inference_seconds")
    assert items == pytest.approx(18)
