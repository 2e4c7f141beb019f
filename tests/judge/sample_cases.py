"""Cases whose samples were scored as a test says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from made_cases import case as made_case

from pytest_modelbench.catalogue import better_of
from pytest_modelbench.judge.by_sample.verdict import judge_samples
from pytest_modelbench.judge.question import Question
from pytest_modelbench.quality.exact_match import exact_match
from pytest_modelbench.quality.similarity import pearson, spearman
from pytest_modelbench.quality.terms import MetricOfTerms, SampleTerms, checked_terms
from pytest_modelbench.quality.word_error_rate import cer, wer
from pytest_modelbench.results.comparison import Verdict
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.results.sample_record import record_of_samples
from pytest_modelbench.suite.tolerance import parse_tolerance

METRICS: Mapping[str, MetricOfTerms] = {
    "wer": wer,
    "cer": cer,
    "exact_match": exact_match,
    "spearman": spearman,
    "pearson": pearson,
}
SIDES = ("baseline", "candidate")


def sampled_case(
    metric: str,
    terms: tuple[Any, ...],
    ids: Iterable[int] | None = None,
    outputs: Iterable[int] | None = None,
    value: float | Metric | None = None,
) -> CaseResult:
    """With ids 1, 2, 3, ... and as many different answers where nothing else is said."""
    count = len(terms[1])
    checked = checked_terms(terms, count)
    if value is None:
        value = METRICS[metric].from_terms(checked)
    return answered_case(ids or range(1, count + 1), outputs, {metric: checked}, {metric: value})


def answered_case(
    ids: Iterable[int],
    outputs: Iterable[int] | None = None,
    terms: Mapping[str, SampleTerms] | None = None,
    metrics: Mapping[str, float | Metric] | None = None,
) -> CaseResult:
    ids = list(ids)
    record = record_of_samples(
        ids, range(1, len(ids) + 1) if outputs is None else outputs, terms or {}
    )
    return made_case("c", metrics or {}).model_copy(update={"samples": record, "detail": ""})


def judged(
    metric: str,
    baseline: CaseResult,
    candidate: CaseResult,
    tolerance: str | float | None,
    verdict_count: int = 1,
    sides: Sequence[str] = SIDES,
) -> Verdict:
    allowed = None if tolerance is None else parse_tolerance(tolerance)
    question = Question(metric, better_of(metric) or "lower", allowed)
    return judge_samples(question, sides, baseline, candidate, verdict_count)
