"""How much a quality metric differs between two sides, and how surely, over the same samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from pytest_modelbench.judge.bounds.expression_interval import Ends, Interval
from pytest_modelbench.judge.by_sample.relative import Weighted, relative_ends
from pytest_modelbench.judge.by_sample.shares import mcnemar_p, weighted_share_interval
from pytest_modelbench.normal import Z_95_PERCENT
from pytest_modelbench.quality.bootstrap import SEED, Statistic, expanded_ends, resampled
from pytest_modelbench.quality.rate_interval import rates
from pytest_modelbench.quality.similarity import correlation, correlations
from pytest_modelbench.quality.terms import SampleTerms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 2000
FEWEST_PAIRS = 10
"""Of fewer samples two correlations differ, or agree, too easily by chance."""


@dataclass(frozen=True)
class SampleChange:
    """Candidate less baseline, in the metric's own unit."""

    values: tuple[float, float]
    """Of the two sides, over the samples that are compared."""
    samples: int | None
    """None where they could not be paired."""
    differing: int | None
    """Samples that were scored otherwise."""
    weighted: Weighted
    """The interval of candidate - weight * baseline that is so sure, two-sided."""
    method: str
    is_rate: bool = False
    """Neither side's value can be below 0, so none can fall by more than all of it."""
    p_value: float | None = None
    """Of no change at all, where there is an exact test for it."""
    rests_on: Sequence[str] = ()
    """In words, what its line has to say."""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def difference(self) -> float:
        return self.values[1] - self.values[0]

    def interval_at(self, confidence: float) -> Ends:
        """Of the difference."""
        return self.weighted(1.0, confidence)

    def relative_at(self, confidence: float) -> Interval:
        """Of the difference as a share of the baseline's value, which is not 0."""
        return relative_ends(self.values, self.weighted, confidence, is_rate=self.is_rate)


class NoChangeError(Exception):
    """Why these samples have no such figure."""


def paired_change(
    baseline: SampleTerms, candidate: SampleTerms, by_rank: bool | None
) -> SampleChange:
    """The change over samples that are paired already. Raises `NoChangeError`.

    `by_rank` says which correlation; None where the metric is none.
    """
    if baseline.kind == "ratio":
        return _of_ratio(baseline, candidate)
    if baseline.kind == "right":
        return _of_shares(baseline.first, candidate.first)
    return _of_correlations(baseline, candidate, by_rank=bool(by_rank))


def _of_shares(before: NDArray[np.int64], after: NDArray[np.int64]) -> SampleChange:
    count = len(before)
    lost, won = int((before > after).sum()), int((after > before).sum())
    p_value = mcnemar_p(lost, won)
    return SampleChange(
        values=(float(before.mean()), float(after.mean())),
        samples=count,
        differing=lost + won,
        weighted=lambda weight, confidence: weighted_share_interval(
            int(before.sum()), lost, won, count, weight, confidence
        ),
        is_rate=True,
        method="Tango's score interval of paired shares; McNemar's exact test",
        p_value=p_value,
        rests_on=(f"{lost} newly wrong", f"{won} newly right", f"p = {p_value:.2g}"),
        evidence={"newly_wrong": lost, "newly_right": won, "p_value": p_value},
    )


def _of_ratio(baseline: SampleTerms, candidate: SampleTerms) -> SampleChange:
    """The interval has one sample more than there are, whichever end makes it wider.

    It differs by as much as those do that differ, or by one edit where none does. So rare changes
    that these samples happen to lack are allowed for; the interval is that of the rule of three
    where no sample differs, and that of a plain bootstrap where many do.
    """
    import numpy as np

    (_, edits, lengths), (_, new_edits, new_lengths) = baseline, candidate
    if not lengths.sum() or not new_lengths.sum():
        raise NoChangeError("the references of the samples in both are empty")
    differs = (edits != new_edits) | (lengths != new_lengths)
    by = float(np.abs(new_edits - edits)[differs].mean()) if differs.any() else 1.0

    def with_one_more(change: float) -> Statistic:
        before = rates(np.append(edits, edits.mean()), np.append(lengths, lengths.mean()))
        after = rates(
            np.append(new_edits, edits.mean() + change), np.append(new_lengths, lengths.mean())
        )
        return _both(before, after)

    values = float(edits.sum() / lengths.sum()), float(new_edits.sum() / new_lengths.sum())
    return SampleChange(
        values=values,
        samples=len(edits),
        differing=int(differs.sum()),
        weighted=_bootstrapped(values, with_one_more(-by), with_one_more(by), len(edits) + 1),
        is_rate=bool(min(edits.min(), new_edits.min()) >= 0),
        method=_METHOD,
    )


def _of_correlations(
    baseline: SampleTerms, candidate: SampleTerms, *, by_rank: bool
) -> SampleChange:
    import numpy as np

    in_both = ~np.isnan(baseline.first) & ~np.isnan(candidate.first)
    x, new_x = baseline.first[in_both], candidate.first[in_both]
    y, new_y = baseline.second[in_both], candidate.second[in_both]
    count = len(x)
    if count < 2 or any(np.ptp(one) == 0 for one in (x, y, new_x, new_y)):
        raise NoChangeError(f"the {count} samples that both answered have no correlation")
    differing = int(((x != new_x) | (y != new_y)).sum())
    if differing and count < FEWEST_PAIRS:
        raise NoChangeError(
            f"{count} samples are too few to compare correlations: {FEWEST_PAIRS} or more would do"
        )
    both = _both(correlations(x, y, by_rank=by_rank), correlations(new_x, new_y, by_rank=by_rank))
    values = correlation(x, y, by_rank=by_rank), correlation(new_x, new_y, by_rank=by_rank)
    missing = [int(np.isnan(one.first).sum()) for one in (baseline, candidate)]
    return SampleChange(
        values=values,
        samples=count,
        differing=differing,
        weighted=_bootstrapped(values, both, both, count),
        method=_METHOD,
        evidence={"missing": missing} if any(missing) else {},
    )


_METHOD = f"paired bootstrap over samples, {RESAMPLES} resamples, seed {SEED}"


def _both(before: Statistic, after: Statistic) -> Statistic:
    """The figures of both sides, over the same draws."""
    import numpy as np

    def of_draws(indices: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.column_stack((before(indices), after(indices)))

    return of_draws


def _bootstrapped(values: Ends, for_low: Statistic, for_high: Statistic, count: int) -> Weighted:
    """The expanded percentile interval, each end from its own resamples, drawn once for all."""
    low_figures = resampled(for_low, count, RESAMPLES)
    is_one = for_low is for_high
    high_figures = low_figures if is_one else resampled(for_high, count, RESAMPLES)
    if not len(low_figures) or not len(high_figures):
        raise NoChangeError("no resample has such a figure")

    def weighted(weight: float, confidence: float) -> Ends:
        found = values[1] - weight * values[0]
        low, high = (one[:, 1] - weight * one[:, 0] for one in (low_figures, high_figures))
        return expanded_ends(found, low, high, count, confidence)

    return weighted


def unpaired_change(
    before: tuple[float, Ends], after: tuple[float, Ends], *, is_rate: bool = False
) -> SampleChange:
    """From a value and its 95 % interval on either side, as if of different samples.

    The intervals add up as variances do (Zou and Donner, 2008). Wider than a paired one would be,
    unless the sides err on different samples.
    """
    (value, ends), (new_value, (new_low, new_high)) = before, after

    def weighted(weight: float, confidence: float) -> Ends:
        found = new_value - weight * value
        least, most = sorted(-weight * end for end in ends)
        times = NormalDist().inv_cdf((1 + confidence) / 2) / Z_95_PERCENT
        down = math.hypot(new_value - new_low, -weight * value - least)
        up = math.hypot(new_high - new_value, most + weight * value)
        return found - times * down, found + times * up

    return SampleChange(
        values=(value, new_value),
        samples=None,
        differing=None,
        weighted=weighted,
        is_rate=is_rate,
        method="from the intervals of both sides, as if of different samples",
        rests_on=("not paired by sample",),
    )
