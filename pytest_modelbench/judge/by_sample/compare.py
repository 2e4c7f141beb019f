"""What two cases say of a quality metric, compared as closely as their results allow."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_modelbench.judge.bounds.expression_interval import Ends
from pytest_modelbench.judge.bounds.intervals import sample_interval
from pytest_modelbench.judge.by_sample.change import (
    NoChangeError,
    SampleChange,
    paired_change,
    unpaired_change,
)
from pytest_modelbench.judge.by_sample.pairing import Pairing, pair_samples
from pytest_modelbench.judge.by_sample.terms import MetricTerms, taken, terms_of
from pytest_modelbench.results.packed import unpack
from pytest_modelbench.results.run import CaseResult

RATES = ("wer", "cer", "exact_match")
"""Metrics that are known never to be below 0."""
Values = tuple[float | None, float | None]


@dataclass(frozen=True)
class Finding:
    """A change; or that there is none, in words; or why nothing can be said."""

    values: Values
    change: SampleChange | None = None
    equal: str | None = None
    samples: int | None = None
    """How many are equal."""
    why_not: str | None = None
    note: str | None = None
    """What else a reader must know."""


def compare_samples(
    metric: str, sides: tuple[str, str], baseline: CaseResult, candidate: CaseResult
) -> Finding:
    """By sample where both have terms of `metric`; else by the intervals of the two figures."""
    values = _value(baseline, metric), _value(candidate, metric)
    if why_not := why_missing(metric, sides, baseline, candidate):
        return Finding(values, why_not=why_not)
    pairing = None
    if baseline.samples is not None and candidate.samples is not None:
        pairing = pair_samples(baseline.samples, candidate.samples)
        if values[0] == values[1] and _answers_equal(baseline, candidate, pairing):
            count = len(pairing)
            return Finding(values, equal=f"all {count} answers equal", samples=count)
    before, after = terms_of(baseline, metric), terms_of(candidate, metric)
    if pairing is not None and before is not None and after is not None:
        return _by_sample(values, before, after, pairing)
    return _by_intervals(metric, values, baseline, candidate)


def _value(case: CaseResult, metric: str) -> float | None:
    return case.metrics[metric].value if metric in case.metrics else None


def why_missing(
    metric: str, sides: tuple[str, str], baseline: CaseResult, candidate: CaseResult
) -> str | None:
    """Which side has no figure, and why; None where both have one."""
    for side, case in zip(sides, (baseline, candidate), strict=True):
        found = case.metrics.get(metric)
        if found is None:
            return f"{side} has no metric {metric!r}"
        if found.value is None:
            return f"{side} has no {metric}: {found.error_message}"
    return None


def _answers_equal(baseline: CaseResult, candidate: CaseResult, pairing: Pairing) -> bool:
    """Every one of them, with none that is missing."""
    assert baseline.samples is not None
    assert candidate.samples is not None
    ours, theirs = unpack(baseline.samples.outputs), unpack(candidate.samples.outputs)
    if not len(pairing) or not len(pairing) == len(ours) == len(theirs):
        return False
    pairs = zip(pairing.baseline.tolist(), pairing.candidate.tolist(), strict=True)
    return all(ours[one] and ours[one] == theirs[other] for one, other in pairs)


def _by_sample(
    values: Values, before: MetricTerms, after: MetricTerms, pairing: Pairing
) -> Finding:
    import numpy as np

    if before.terms.kind != after.terms.kind or before.by_rank != after.by_rank:
        return Finding(values, why_not="the two sides compute it from different terms")
    if len(pairing) < 2:
        return Finding(values, why_not=f"{len(pairing)} samples were asked of both sides")
    ours, theirs = taken(before.terms, pairing.baseline), taken(after.terms, pairing.candidate)
    try:
        change = paired_change(ours, theirs, before.by_rank)
    except NoChangeError as reason:
        return Finding(values, why_not=str(reason))
    notes = [pairing.left_out]
    if ours.kind == "pairs":
        lacking = int((np.isnan(ours.first) | np.isnan(theirs.first)).sum())
        notes += [f"{lacking} samples that a side did not answer are left out" if lacking else None]
        if not change.differing:
            alike = f"all {change.samples} answers scored alike"
            return Finding(change.values, equal=alike, samples=change.samples, note=_joined(notes))
    return Finding(change.values, change=change, note=_joined(notes))


def _joined(notes: list[str | None]) -> str | None:
    return "; ".join(note for note in notes if note) or None


def _by_intervals(
    metric: str, values: Values, baseline: CaseResult, candidate: CaseResult
) -> Finding:
    known: list[tuple[float, Ends]] = []
    for case, value in zip((baseline, candidate), values, strict=True):
        low, high = sample_interval(metric, case.metrics) or (None, None)
        if value is None or low is None or high is None:
            why = (
                f"nothing says how far {metric} would differ over other samples: it has neither "
                "an interval nor terms by sample"
            )
            return Finding(values, why_not=why)
        known.append((value, (min(low, value), max(high, value))))
    change = unpaired_change(known[0], known[1], is_rate=metric in RATES)
    return Finding(values, change=change)
