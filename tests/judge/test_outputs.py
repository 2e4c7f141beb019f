"""Answers that have to be the baseline's: equal, or within a tolerance, of any kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_cases import case as made_case
from sample_cases import answered_case

from pytest_modelbench.execution.content import hash64
from pytest_modelbench.execution.outputs_file import write_outputs
from pytest_modelbench.judge.answers.deviation import deviations
from pytest_modelbench.judge.answers.verdict import judge_outputs
from pytest_modelbench.results.comparison import Verdict
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.suite.compare import OutputTolerance

SIDES = ("baseline", "candidate")
Judge = Callable[..., Verdict]


def answers(values: list[Any], ids: Any = None) -> CaseResult:
    """A case with these answers, None for a failed sample."""
    hashes = [0 if value is None else hash64(value) for value in values]
    return answered_case(ids or range(1, len(values) + 1), hashes)


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Judges the answers of two sides, which are in files if there is a tolerance, or if `kept`."""

    def run(
        before: list[Any], after: list[Any], ids: Any = None, kept: bool = False, **tolerance: float
    ) -> Verdict:
        files = [tmp_path / f"{side}.npz" for side in SIDES]
        for file, values in zip(files, (before, after), strict=True):
            write_outputs(file, values)
        outputs = OutputTolerance(**tolerance) if tolerance else "equal"
        results = [answers(before), answers(after, ids)]
        return judge_outputs(outputs, SIDES, results, 1, files if tolerance or kept else ())

    return run


TEXTS = [f"text {number}" for number in range(24)]


def test_equal_answers_pass(judge: Judge) -> None:
    verdict = judge(TEXTS, list(TEXTS))
    assert (verdict.outcome, verdict.metric, verdict.method) == ("pass", "outputs", "outputs")
    assert verdict.message == "outputs: pass (all 24 answers equal)"
    assert (verdict.baseline_value, verdict.candidate_value, verdict.change) == (None, None, None)
    assert (verdict.tolerance, verdict.interval) == (None, None)


def test_answers_that_differ_are_a_regression_with_their_number_and_the_first(
    judge: Judge,
) -> None:
    after = list(TEXTS)
    after[5] = after[9] = after[23] = "else"
    verdict = judge(TEXTS, after)
    assert verdict.outcome == "regression"
    assert verdict.message == (
        "outputs: regression: outputs differ in 3 of 24 samples, first in sample 5"
    )
    assert verdict.evidence == {"samples": 24, "differing": 3, "first": 5}


def test_answers_that_should_be_equal_and_were_kept_say_by_how_much_they_differ(
    judge: Judge,
) -> None:
    after = list(TEXTS)
    after[5] = after[9] = "else"
    texts = judge(TEXTS, after, kept=True)
    assert texts.reason == (
        "outputs differ in 2 of 24 samples, first in sample 5; most in sample 5: 'text 5' -> 'else'"
    )
    assert texts.evidence["largest"] == {
        "sample": 5,
        "amount": None,
        "where": "'text 5' -> 'else'",
    }
    numbers = judge(
        [np.float32([1, 2])] * 3, [np.float32([1, one]) for one in (2, 2.5, 4)], kept=True
    )
    assert numbers.reason == (
        "outputs differ in 2 of 3 samples, first in sample 1; most in sample 2 by 2: [1] 2 -> 4"
    )
    assert "tolerance" not in numbers.evidence
    assert judge(TEXTS, list(TEXTS), kept=True).outcome == "pass"


def test_long_texts_are_shown_from_where_they_differ_on(judge: Judge) -> None:
    start = "it was the best of times, it was the worst of times, "
    verdict = judge([f"{start}said he to her"], [f"{start}said she to him"], kept=True)
    assert verdict.reason is not None
    assert verdict.reason.endswith("'...times, said he to her' -> '...times, said she to him'")
    whole = f"{start}and then he left"
    for sides in (([start], [whole]), ([whole], [start])):  # one is the other's beginning
        verdict = judge(*sides, kept=True)
        assert "'...t of times, and then he left'" in str(verdict.reason)


def test_numbers_that_differ_by_just_what_is_allowed_pass(judge: Judge) -> None:
    before, after = [np.array([2.0])], [np.array([2.1])]
    assert judge(before, after, absolute=0.1).outcome == "pass"
    assert judge(before, after, relative=0.05).outcome == "pass"
    assert judge(before, after, absolute=0.0999).outcome == "regression"


def test_answers_are_compared_by_sample_not_by_place(judge: Judge) -> None:
    assert judge(TEXTS, TEXTS[::-1], ids=range(24, 0, -1)).outcome == "pass"
    assert judge(TEXTS, TEXTS[::-1]).evidence["differing"] == 24
    after = TEXTS[::-1]
    after[0] = "else"
    assert judge(TEXTS, after, ids=range(24, 0, -1)).evidence["first"] == 23


def test_a_sample_that_one_side_did_not_answer_differs(judge: Judge) -> None:
    assert judge(["a", "b"], ["a", None]).outcome == "regression"
    assert judge([None, "b"], ["a", "b"], absolute=1.0).outcome == "regression"


def test_what_neither_answered_or_only_one_was_asked_proves_nothing(judge: Judge) -> None:
    failed = judge(["a", None, None], ["a", None, None])
    assert (failed.outcome, failed.evidence["samples"]) == ("inconclusive", 1)
    assert failed.reason == "2 samples failed on both sides"
    other = judge(["a", "b"], ["a", "b"], ids=[1, 7])
    assert other.outcome == "inconclusive"
    assert "1 of the baseline's samples and 1 of the candidate's were not asked" in str(
        other.reason
    )
    assert judge(["a", "b"], ["x", "b"], ids=[1, 7]).outcome == "regression"
    assert judge(["a"], ["a"], ids=[7]).reason == "no sample was asked of both sides"


def test_a_side_without_a_record_is_inconclusive() -> None:
    results = [made_case("c", {}), answers(["a"])]
    verdict = judge_outputs("equal", SIDES, results, 1)
    assert verdict.reason == "a side has no record of what it answered"


def test_each_candidate_is_named(judge: Judge) -> None:
    results = [answers(["a"]), answers(["a"]), answers(["b"])]
    verdict = judge_outputs("equal", ("baseline", "one", "two"), results, 2)
    assert (verdict.baseline, verdict.candidate) == ("baseline", "two")
    assert verdict.message.startswith("two: outputs: regression")


def test_numbers_within_the_tolerance_pass_and_the_largest_deviation_is_told(
    judge: Judge,
) -> None:
    before = [{"logits": np.float32([1.0, 2.0, 3.0])}, {"logits": np.float32([1.0, 2.0, 3.0])}]
    after = [{"logits": np.float32([1.0, 2.0, 3.0])}, {"logits": np.float32([1.0, 2.0, 3.5])}]
    close = judge(before, after, absolute=0.5)
    assert close.outcome == "pass"
    assert close.message == "outputs: pass (2 samples, largest deviation 0.5)"
    far = judge(before, after, absolute=0.4)
    assert far.reason == (
        "outputs differ in 1 of 2 samples, first in sample 1; most in sample 1 by 0.5: "
        "'logits' [2] 3 -> 3.5"
    )
    assert far.evidence["largest"] == {
        "sample": 1,
        "amount": 0.5,
        "where": "'logits' [2] 3 -> 3.5",
    }
    assert far.evidence["tolerance"] == {"absolute": 0.4, "relative": 0.0}


def test_what_is_beyond_the_tolerance_is_worse_than_what_is_further_off_within_it(
    judge: Judge,
) -> None:
    verdict = judge([1.0, 1000.0], [1.5, 1050.0], relative=0.1)
    assert verdict.evidence["differing"] == 1
    assert verdict.evidence["largest"]["sample"] == 0


def test_a_relative_tolerance_is_of_the_baseline(judge: Judge) -> None:
    assert judge([100.0], [109.9], relative=0.1).outcome == "pass"
    assert judge([100.0], [110.1], relative=0.1).outcome == "regression"
    assert judge([110.1], [100.0], relative=0.1).outcome == "pass"
    assert judge([0.0], [0.001], relative=0.1).outcome == "regression"
    assert judge([100.0], [111.0], relative=0.1, absolute=1.0).outcome == "pass"


def test_texts_are_compared_exactly_whatever_the_tolerance(judge: Judge) -> None:
    verdict = judge([["a", 1.0]], [["b", 1.0]], absolute=9.0)
    assert verdict.outcome == "regression"
    assert verdict.reason == (
        "outputs differ in 1 of 1 samples, first in sample 0; most in sample 0: [0] 'a' -> 'b'"
    )


def test_another_type_of_the_same_numbers_is_within_any_tolerance(judge: Judge) -> None:
    before, after = [np.float32([1, 2])], [np.float64([1, 2])]
    assert judge(before, after).outcome == "regression"
    assert judge(before, after, absolute=0.0).outcome == "pass"


@pytest.mark.parametrize("missing", [0, 1])
def test_answers_that_are_not_there_are_inconclusive_unless_nothing_differs(
    judge: Judge, tmp_path: Path, missing: int
) -> None:
    judge([1.0], [2.0], absolute=0.5)
    files = [tmp_path / f"{side}.npz" for side in SIDES]
    files[missing].unlink()
    tolerance = OutputTolerance(absolute=0.5)
    verdict = judge_outputs(tolerance, SIDES, [answers([1.0]), answers([2.0])], 1, files)
    assert verdict.outcome == "inconclusive"
    assert "the measuring process left no answers there" in str(verdict.reason)
    same = judge_outputs(tolerance, SIDES, [answers([1.0]), answers([1.0])], 1, files)
    assert same.outcome == "pass"
    unkept = judge_outputs(tolerance, SIDES, [answers([1.0]), answers([2.0])], 1)
    assert unkept.reason == "outputs differ, and by how much is not known: they were not kept"


def test_a_file_of_other_answers_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.npz"
    write_outputs(file, [1.0, 2.0, 3.0])
    verdict = judge_outputs(
        OutputTolerance(absolute=1.0), SIDES, [answers([1.0]), answers([2.0])], 1, [file, file]
    )
    assert verdict.reason == f"{file}: holds 3 answers, not 1"


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("before", "after", "amount", "words"),
    [
        (np.array([1.0, NAN]), np.array([1.0, NAN]), None, ""),
        (np.array([INF, -INF]), np.array([INF, -INF]), None, ""),
        (np.array([1.0, NAN]), np.array([1.0, 2.0]), INF, "[1] nan -> 2"),
        (np.array([1.0, INF]), np.array([1.0, -INF]), INF, "[1] inf -> -inf"),
        (np.array(1.0), np.array(3.0), 2.0, "1 -> 3"),
        (np.uint8([200, 3]), np.uint8([3, 200]), 197.0, "[0] 200 -> 3"),
        (np.float16([60000]), np.float16([-60000]), 120000.0, "[0] 60000 -> -60000"),
        (np.array([3 + 4j]), np.array([0j]), 5.0, "[0] 3+4j -> 0+0j"),
        (np.array([True, False]), np.array([True, True]), 1.0, "[1] False -> True"),
        (np.zeros((2, 3)), np.zeros((3, 2)), INF, "has shape (3, 2), not (2, 3)"),
        (np.zeros((2, 3)), np.ones((2, 3)), 1.0, "[0, 0] 0 -> 1"),
        ({"a": np.array(1)}, {"b": np.array(1)}, INF, "has 'b', not 'a'"),
        (["x", "y"], ["x"], INF, "has 1 parts, not 2"),
        ({"a": ["x", {"b": "y"}]}, {"a": ["x", {"b": "z"}]}, INF, "'a' [1] 'b' 'y' -> 'z'"),
        (None, "x", INF, "nothing -> 'x'"),
        ("x" * 60, np.array(1.0), INF, f"{'x' * 37!r}".rstrip("'") + "...' -> numbers"),
        (np.array(2**60), np.array(2**60 + 1), 0.0, f"{2**60} -> {2**60 + 1}"),
    ],
)
def test_the_worst_of_a_part_and_where_it_is(
    before: Any, after: Any, amount: float | None, words: str
) -> None:
    """With no tolerance, of which every difference is too much."""
    found = list(deviations(before, after, OutputTolerance()))
    if amount is None:
        assert found == []
        return
    assert [(one.amount, one.is_allowed, one.words) for one in found] == [(amount, False, words)]


def test_of_what_is_too_much_the_worst_is_told_not_what_is_allowed() -> None:
    """A large number may differ by more and still be within a relative tolerance."""
    before, after = np.array([1000.0, 1.0, 2.0]), np.array([1050.0, 1.5, 2.2])
    (found,) = deviations(before, after, OutputTolerance(relative=0.1, absolute=0.05))
    assert (found.is_allowed, found.words) == (False, "[1] 1 -> 1.5")
    (allowed,) = deviations(before[:1], after[:1], OutputTolerance(relative=0.1))
    assert (allowed.is_allowed, allowed.amount) == (True, 50.0)
