"""What metrics are computed from, sample by sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_modelbench.quality.exact_match import exact_match
from pytest_modelbench.quality.find import scored
from pytest_modelbench.quality.similarity import pearson, spearman
from pytest_modelbench.quality.terms import CannotScoreError, checked_terms
from pytest_modelbench.results.metric import Metric, failed, measured


def test_exact_match_tells_which_answers_are_right() -> None:
    metric, terms = scored(exact_match, ["a", "B", None, 5], ["a", "b", None, 5], {})
    assert terms is not None
    assert (terms.kind, terms.first.tolist(), terms.second) == ("right", [1, 0, 0, 1], None)
    assert metric.value == terms.first.mean()


@pytest.mark.parametrize("correlation", [spearman, pearson])
def test_correlations_tell_both_numbers_and_where_a_prediction_is_missing(
    correlation: Any,
) -> None:
    metric, terms = scored(correlation, [1.0, None, 2.5, 2.0], [1, 9, 2, 3], {})
    assert terms is not None
    assert terms.kind == "pairs"
    assert np.array_equal(terms.first, [1, np.nan, 2.5, 2], equal_nan=True)
    assert terms.second.tolist() == [1, 9, 2, 3]
    assert metric == correlation([1.0, 2.5, 2.0], [1, 2, 3]).model_copy(
        update={"metadata": metric.metadata}
    )


def test_error_rates_tell_edits_and_words_and_align_only_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jiwer = pytest.importorskip("jiwer")
    pytest.importorskip("whisper_normalizer")
    from pytest_modelbench.quality.word_error_rate import cer, wer

    calls = []
    for name in ("process_words", "process_characters"):
        process = getattr(jiwer, name)
        monkeypatch.setattr(
            jiwer, name, lambda *given, process=process: calls.append(1) or process(*given)
        )
    predictions, references = ["a cat sat", None, "Go home!"], ["a cat", "b", "go home"]
    for metric, edits, units in ((wer, [1, 1, 0], [2, 1, 2]), (cer, [4, 1, 0], [5, 1, 7])):
        calls.clear()
        figure, terms = scored(metric, predictions, references, {"normalizer": "basic"})
        assert len(calls) == 1
        assert terms is not None
        assert (terms.kind, terms.first.tolist(), terms.second.tolist()) == ("ratio", edits, units)
        assert figure.value == sum(edits) / sum(units)
        assert figure.metadata["normalizer"] == "basic"


class Two:
    """A metric of somebody else, in one step or in two."""

    def __init__(self, terms: Any, in_two_steps: bool = False) -> None:
        self.calls: list[str] = []
        self._terms = terms
        self.figure: Metric | None = None
        if in_two_steps:
            self.from_terms = self._from_terms

    def __call__(self, predictions: Any, references: Any, *, scale: float = 1.0) -> Any:
        self.calls.append("figure")
        return self.figure or 0.5 * scale

    def terms(self, predictions: Any, references: Any, *, scale: float = 1.0) -> Any:
        self.calls.append("terms")
        if isinstance(self._terms, Exception):
            raise self._terms
        return self._terms

    def _from_terms(self, terms: Any, *, scale: float = 1.0) -> Any:
        self.calls.append("from terms")
        return measured(0.25 * scale, own="note")


def test_a_metric_of_somebody_else_may_offer_its_terms() -> None:
    metric = Two(("right", [True, False]))
    figure, terms = scored(metric, ["a", "b"], ["a", "c"], {"scale": 3.0, "other": 1})
    assert figure.value == 1.5
    assert terms is not None
    assert terms.first.tolist() == [1, 0]
    assert metric.calls == ["figure", "terms"]


def test_a_metric_in_two_steps_is_computed_from_its_terms_alone() -> None:
    metric = Two(("ratio", [1, 2], np.array([4, 8])), in_two_steps=True)
    figure, terms = scored(metric, ["a", "b"], ["a", "c"], {"scale": 2.0})
    assert (figure.value, figure.metadata) == (0.5, {"own": "note"})
    assert terms is not None
    assert terms.second.tolist() == [4, 8]
    assert metric.calls == ["terms", "from terms"]


FAULTY = [
    (("right", [1]), "1 terms for 2 samples"),
    (("right", [1, 2]), "terms 'right' that are not true or false"),
    (("right", [1, 0], [1, 1]), "terms 'right' with 2 numbers a sample"),
    (("ratio", [1, 2]), "terms 'ratio' with 1 numbers a sample"),
    (("ratio", [0.5, 1], [1, 1]), "terms 'ratio' that are not whole numbers"),
    (("ratio", [float("nan"), 1], [1, 1]), "terms 'ratio' that are not whole numbers"),
    (("ratio", ["a", "b"], [1, 1]), "terms that are not numbers"),
    (("pairs", [[1, 2]], [[1, 2]]), "2 terms for 2 samples"),
    (("pairs", ["a", "b"], [1, 1]), "terms that are not numbers"),
    (("wrong", [1, 0]), "terms are (ratio | right | pairs, numbers, [numbers])"),
    ({"right": [1, 0]}, "terms are (ratio | right | pairs, numbers, [numbers])"),
    ((), "terms are (ratio | right | pairs, numbers, [numbers])"),
]


@pytest.mark.parametrize(("given", "message"), FAULTY)
def test_terms_that_cannot_be_used_leave_the_figure_alone(given: Any, message: str) -> None:
    with pytest.raises(CannotScoreError) as caught:
        checked_terms(given, 2)
    assert str(caught.value) == message
    figure, terms = scored(Two(given), ["a", "b"], ["a", "c"], {})
    assert (figure.value, terms) == (0.5, None)
    assert figure.metadata["note"] == f"not compared by sample: {message}"


def test_terms_that_raise_leave_the_figure_alone_too() -> None:
    figure, terms = scored(Two(ZeroDivisionError("by 0")), ["a"], ["b"], {})
    assert (figure.value, terms) == (0.5, None)
    assert figure.metadata["note"] == "not compared by sample: ZeroDivisionError: by 0"
    figure, terms = scored(Two(ZeroDivisionError("by 0"), in_two_steps=True), ["a"], ["b"], {})
    assert figure.error_message == "ZeroDivisionError: by 0"
    assert terms is None


def test_a_figure_that_is_an_error_has_no_terms() -> None:
    figure, terms = scored(spearman, [1.0, 1.0], [1, 2], {})
    assert "a constant correlates with nothing" in str(figure.error_message)
    assert terms is None
    metric = Two(("right", [True]))
    metric.figure = failed("it broke")
    assert scored(metric, ["a"], ["b"], {}) == (failed("it broke"), None)
    assert metric.calls == ["figure"]
