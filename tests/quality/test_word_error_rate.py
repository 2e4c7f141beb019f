"""Word and character error rates."""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.quality.word_error_rate import cer, wer

jiwer = pytest.importorskip("jiwer")
pytest.importorskip("whisper_normalizer")

REFERENCES = ["the cat sat on the mat", "a dog", "it rained all day", "seven nine two"]
PREDICTIONS = ["the cat sat on mat", "the dog barks", "it rained all day", ""]


def test_the_rate_is_that_of_jiwer_over_the_corpus() -> None:
    """1 deletion, 1 substitution, 1 insertion, 3 deletions, in 15 words."""
    metric = wer(PREDICTIONS, REFERENCES)
    assert metric.value == pytest.approx(6 / 15)
    assert metric.value == jiwer.wer(REFERENCES, PREDICTIONS)
    assert cer(PREDICTIONS, REFERENCES).value == jiwer.cer(REFERENCES, PREDICTIONS)
    assert metric.unit == ""
    assert (
        metric.metadata.items()
        >= {
            "samples": 4,
            "confidence": 0.95,
            "method": "bootstrap over samples, 1000 resamples, seed 0, with one sample more",
            "normalizer": "basic",
        }.items()
    )


@pytest.mark.parametrize("seed", range(5))
def test_random_corpora_agree_with_jiwer(seed: int) -> None:
    """Silent answers among them; silent references jiwer before 4 refuses."""
    draw = random.Random(seed)
    vocabulary = ["a", "b", "cc", "é", "日本"]

    def texts(fewest: int) -> list[str]:
        return [" ".join(draw.choices(vocabulary, k=draw.randint(fewest, 6))) for _ in range(40)]

    references, predictions = texts(1), texts(0)
    assert wer(predictions, references, normalizer="none").value == pytest.approx(
        jiwer.wer(references, predictions)
    )
    assert cer(predictions, references, normalizer="none").value == pytest.approx(
        jiwer.cer(references, predictions)
    )


def test_both_sides_are_normalised() -> None:
    """Case and punctuation do not count, unless asked for."""
    predictions, references = ["Hello, World!"], ["hello world"]
    assert wer(predictions, references).value == 0
    assert wer(predictions, references, normalizer="none").value == 1
    assert wer(["it's twenty one"], ["It is 21"], normalizer="whisper-english").value == 0


def test_a_missing_prediction_is_all_deletions() -> None:
    """A sample that failed is not left out of the score."""
    assert wer([None, "one two"], ["three four", "one two"]).value == 0.5


def test_words_where_the_reference_is_silent_are_insertions() -> None:
    """Three words too many over two; a reference of punctuation is silent too."""
    assert wer(["oh no", "one two", "um"], ["", "one two", "..."]).value == 1.5
    assert cer(["oh", "ab"], ["", "ab"]).value == 1.0
    assert wer([None, "one"], [" ", "one"]).value == 0


def test_references_that_are_all_silent_are_an_error() -> None:
    """There is nothing to divide by."""
    metric = wer(["a", ""], ["...", ""])
    assert metric.value is None
    assert "all 2 references are empty after the normalizer 'basic'" in str(metric.error_message)


def test_the_interval_holds_the_value_and_that_of_one_sample_is_wide() -> None:
    """Wider for fewer samples."""
    few, many = wer(PREDICTIONS, REFERENCES), wer(PREDICTIONS * 25, REFERENCES * 25)
    for metric in (few, many):
        low, high = metric.metadata["interval"]
        assert 0 <= low < metric.value < high
    assert few.metadata["interval"] == wer(PREDICTIONS, REFERENCES).metadata["interval"]
    assert many.metadata["interval"][1] < few.metadata["interval"][1]
    assert wer(["a"], ["b"]).metadata["interval"] == [0, 1]
    assert wer(["a"], ["a"]).metadata["interval"] == [0, pytest.approx(0.975)]


def test_resamples_of_silence_alone_have_no_rate() -> None:
    """They are left out of the interval."""
    low, high = wer(["a", "b"], ["a", ""]).metadata["interval"]
    assert low == 0
    assert 1 < high < 20


@pytest.mark.parametrize(
    ("predictions", "references", "message"),
    [
        (["a"], ["a", "b"], "1 predictions for 2 references"),
        ([], [], "there are no samples to score"),
        ([{"text": "a"}], ["a"], "prediction 0 is of type dict, not text"),
        (["a"], [4.5], "reference 0 is of type float, not text"),
    ],
)
def test_what_is_not_text_is_an_error(
    predictions: list[Any], references: list[Any], message: str
) -> None:
    """In one sentence."""
    assert wer(predictions, references).error_message == message


def test_an_unknown_normalizer_is_named() -> None:
    """With those there are."""
    with pytest.raises(ModelbenchError, match="'bacic' is not known; did you mean 'basic'"):
        wer(["a"], ["a"], normalizer="bacic")


def test_without_jiwer_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that installs it."""
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(Unavailable, match=r"jiwer is not installed: pip install .*\[audio\]"):
        wer(["a"], ["a"])
