"""Word and character error rates of transcripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pytest_modelbench.errors import missing_extra
from pytest_modelbench.quality.bootstrap import described
from pytest_modelbench.quality.normalizers import normalizer as named_normalizer
from pytest_modelbench.quality.rate_interval import rate_interval
from pytest_modelbench.quality.terms import CannotScoreError, MetricOfTerms, SampleTerms
from pytest_modelbench.results.metric import Metric, measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_NORMALIZER = "basic"


def _word_terms(
    predictions: Sequence[str | None],
    references: Sequence[str],
    *,
    normalizer: str = DEFAULT_NORMALIZER,
) -> SampleTerms:
    return _terms(predictions, references, normalizer, _process_words)


def _character_terms(
    predictions: Sequence[str | None],
    references: Sequence[str],
    *,
    normalizer: str = DEFAULT_NORMALIZER,
) -> SampleTerms:
    return _terms(predictions, references, normalizer, _process_characters)


def _process_words(references: list[str], hypotheses: list[str]) -> Any:
    import jiwer

    return jiwer.process_words(references, hypotheses)


def _process_characters(references: list[str], hypotheses: list[str]) -> Any:
    import jiwer

    return jiwer.process_characters(references, hypotheses)


def _terms(
    predictions: Sequence[str | None],
    references: Sequence[str],
    normalizer: str,
    process: Callable[[list[str], list[str]], Any],
) -> SampleTerms:
    if complaint := _not_texts(predictions, references):
        raise CannotScoreError(complaint)
    normalize = named_normalizer(normalizer)
    try:
        edits, lengths = _edits_and_lengths(
            [normalize(text or "") for text in predictions],
            [normalize(text) for text in references],
            process,
        )
    except ImportError as error:
        raise missing_extra("jiwer", "audio") from error
    return SampleTerms("ratio", edits, lengths)


def _rate(terms: SampleTerms, *, normalizer: str = DEFAULT_NORMALIZER) -> Metric:
    _, edits, lengths = terms
    if not lengths.sum():
        raise CannotScoreError(
            f"all {len(lengths)} references are empty after the normalizer {normalizer!r}; "
            "an error rate needs words to divide by"
        )
    return measured(
        edits.sum() / lengths.sum(),
        samples=len(lengths),
        **described(*rate_interval(edits, lengths)),
        normalizer=normalizer,
    )


def _not_texts(predictions: Sequence[Any], references: Sequence[Any]) -> str | None:
    """What is wrong with the arguments, if anything."""
    if len(predictions) != len(references):
        return f"{len(predictions)} predictions for {len(references)} references"
    if not references:
        return "there are no samples to score"
    for number, (prediction, reference) in enumerate(zip(predictions, references, strict=True)):
        if not isinstance(prediction, str | None):
            return f"prediction {number} is of type {type(prediction).__name__}, not text"
        if not isinstance(reference, str):
            return f"reference {number} is of type {type(reference).__name__}, not text"
    return None


def _edits_and_lengths(
    hypotheses: list[str],
    references: list[str],
    process: Callable[[list[str], list[str]], Any],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Per sample: edits by jiwer's alignment, and the reference's length, in its units."""
    import numpy as np

    edits = np.zeros(len(references), dtype=np.int64)
    lengths = np.zeros(len(references), dtype=np.int64)
    said = [number for number, text in enumerate(references) if text.strip()]
    if said:
        output = process([references[n] for n in said], [hypotheses[n] for n in said])
        lengths[said] = [len(units) for units in output.references]
        edits[said] = [sum(map(_edits, chunks)) for chunks in output.alignments]
    # jiwer before 4 refuses empty references. Deleting all of a text takes as many edits as
    # inserting it, so the text stands as the reference of an empty answer.
    unsaid = [n for n, text in enumerate(references) if not text.strip() and hypotheses[n].strip()]
    if unsaid:
        output = process([hypotheses[n] for n in unsaid], [""] * len(unsaid))
        edits[unsaid] = [len(units) for units in output.references]
    return edits, lengths


def _edits(chunk: Any) -> int:
    """How many edits one stretch of an alignment stands for."""
    if chunk.type == "equal":
        return 0
    if chunk.type == "insert":
        return int(chunk.hyp_end_idx - chunk.hyp_start_idx)
    return int(chunk.ref_end_idx - chunk.ref_start_idx)


wer = MetricOfTerms(
    _word_terms,
    _rate,
    """Word error rate of the whole corpus: (substitutions + deletions + insertions) / words.

    Words are counted over all references together, as jiwer and Hugging Face `evaluate` do, after
    both sides went through `normalizer`. A prediction None is all deletions; words said where the
    reference is silent are insertions. Can exceed 1. The 95 % interval is a bootstrap over samples
    with one more than there are; without any error it is that of the share of samples that may err
    unseen, wholly. An error when every reference is empty.
    """,
)
cer = MetricOfTerms(
    _character_terms,
    _rate,
    "Character error rate of the whole corpus, spaces included; otherwise as `wer`.",
)
