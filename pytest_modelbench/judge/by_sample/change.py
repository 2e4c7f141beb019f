"""How much a quality metric differs between two sides, and how surely, over the same samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from pytest_modelbench.judge.by_sample.shares import mcnemar_p, paired_share_interval
from pytest_modelbench.normal import Z_95_PERCENT
from pytest_modelbench.quality.bootstrap import SEED, Statistic, resampled
from pytest_modelbench.quality.similarity import correlation, correlations
from pytest_modelbench.quality.terms import SampleTerms
from pytest_modelbench.quality.word_error_rate import rates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 2000
Ends = tuple[float, float]


@dataclass(frozen=True)
class SampleChange:
    """Candidate less baseline, in the metric's own unit."""

    values: tuple[float, float]
    """Of the two sides, over the samples that are compared."""
    samples: int | None
    """None where they could not be paired."""
    differing: int | None
    """Samples that were scored otherwise."""
    interval_at: Callable[[float], Ends]
    """The interval that is so sure, two-sided."""
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
        interval_at=lambda confidence: paired_share_interval(lost, won, count, confidence),
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
        return _difference(before, after)

    values = float(edits.sum() / lengths.sum()), float(new_edits.sum() / new_lengths.sum())
    return SampleChange(
        values=values,
        samples=len(edits),
        differing=int(differs.sum()),
        interval_at=_bootstrapped(
            values[1] - values[0], with_one_more(-by), with_one_more(by), len(edits) + 1
        ),
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
    difference = _difference(
        correlations(x, y, by_rank=by_rank), correlations(new_x, new_y, by_rank=by_rank)
    )
    values = correlation(x, y, by_rank=by_rank), correlation(new_x, new_y, by_rank=by_rank)
    missing = [int(np.isnan(one.first).sum()) for one in (baseline, candidate)]
    return SampleChange(
        values=values,
        samples=count,
        differing=int(((x != new_x) | (y != new_y)).sum()),
        interval_at=_bootstrapped(values[1] - values[0], difference, difference, count),
        method=_METHOD,
        evidence={"missing": missing} if any(missing) else {},
    )


_METHOD = f"paired bootstrap over samples, {RESAMPLES} resamples, seed {SEED}"


def _difference(before: Statistic, after: Statistic) -> Statistic:
    def of_draws(indices: NDArray[np.intp]) -> NDArray[np.float64]:
        return after(indices) - before(indices)

    return of_draws


def _bootstrapped(
    found: float, for_low: Statistic, for_high: Statistic, count: int
) -> Callable[[float], Ends]:
    """The percentile interval, each end from its own resamples, drawn once for every confidence.

    Expanded as Hesterberg (2015) has it: bootstrapped intervals of few samples are too narrow,
    by `sqrt(n / (n - 1))` and by what Student's quantile is above the normal one. That also takes
    the 95 % interval to another confidence, for which 2,000 resamples would be too few.
    """
    import numpy as np

    tail = 100 * (1 - CONFIDENCE) / 2
    low_figures = resampled(for_low, count, RESAMPLES)
    is_one = for_low is for_high
    high_figures = low_figures if is_one else resampled(for_high, count, RESAMPLES)
    if not len(low_figures) or not len(high_figures):
        raise NoChangeError("no resample has such a figure")
    low = min(0.0, float(np.percentile(low_figures, tail)) - found)
    high = max(0.0, float(np.percentile(high_figures, 100 - tail)) - found)

    def interval_at(confidence: float) -> Ends:
        from scipy.stats import t

        quantile = float(t.ppf((1 + confidence) / 2, count - 1)) / Z_95_PERCENT
        times = quantile * math.sqrt(count / (count - 1))
        return found + times * low, found + times * high

    return interval_at


def unpaired_change(
    before: tuple[float, Ends], after: tuple[float, Ends], *, is_rate: bool = False
) -> SampleChange:
    """From a value and its 95 % interval on either side, as if of different samples.

    The intervals add up as variances do (Zou and Donner, 2008). Wider than a paired one would be,
    unless the sides err on different samples.
    """
    (value, (low, high)), (new_value, (new_low, new_high)) = before, after
    found = new_value - value
    down = math.hypot(new_value - new_low, high - value)
    up = math.hypot(new_high - new_value, value - low)

    def interval_at(confidence: float) -> Ends:
        times = NormalDist().inv_cdf((1 + confidence) / 2) / Z_95_PERCENT
        return found - times * down, found + times * up

    return SampleChange(
        values=(value, new_value),
        samples=None,
        differing=None,
        interval_at=interval_at,
        is_rate=is_rate,
        method="from the intervals of both sides, as if of different samples",
        rests_on=("not paired by sample",),
    )
