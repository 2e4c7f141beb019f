"""How far a figure over samples could lie from what another draw of samples would give."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_modelbench.normal import Z_95_PERCENT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Statistic: TypeAlias = "Callable[[NDArray[np.intp]], NDArray[np.float64]]"
"""Given indices of shape `(resamples, samples)`, one figure a resample, or as many each in columns;
NaN where it has none."""

CONFIDENCE = 0.95
RESAMPLES = 1000
SEED = 0
METHOD = f"bootstrap over samples, {RESAMPLES} resamples, seed {SEED}"
MOST_DRAWN = 4000
"""Samples of a resample."""
_INDICES_AT_ONCE = 1_000_000


def bootstrap_interval(statistic: Statistic, sample_count: int) -> list[float] | None:
    """The percentile bootstrap interval (Efron, 1979) of a figure over `sample_count` samples.

    None when there is one sample, or no figure at all.
    """
    import numpy as np

    if sample_count < 2:
        return None
    known = resampled(statistic, sample_count, RESAMPLES)
    if not len(known):
        return None
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(known, [tail, 100 - tail])
    return [float(low), float(high)]


def resampled(statistic: Statistic, sample_count: int, resamples: int) -> NDArray[np.float64]:
    """The figure of each resample that has one, or its row of figures where it has all of them.

    Of very many samples, resamples are of fewer, and what they scatter by around the figure of
    all is taken as so much smaller (Bickel, Goetze and van Zwet, 1997): to draw all of a million
    samples a thousand times would take longer than to measure them.
    """
    import numpy as np

    drawn = min(sample_count, MOST_DRAWN)
    generator = np.random.default_rng(SEED)
    figures: list[NDArray[np.float64]] = []
    remaining = resamples
    while remaining:
        block = min(remaining, max(1, _INDICES_AT_ONCE // drawn))
        figures.append(statistic(generator.integers(0, sample_count, (block, drawn))))
        remaining -= block
    known = np.concatenate(figures)
    known = known[np.isfinite(known).reshape(len(known), -1).all(axis=1)]
    if drawn < sample_count:
        figure_of_all = statistic(np.arange(sample_count)[np.newaxis])[0]
        known = figure_of_all + (known - figure_of_all) * np.sqrt(drawn / sample_count)
    return known


def expanded_ends(
    found: float,
    for_low: NDArray[np.float64],
    for_high: NDArray[np.float64],
    sample_count: int,
    confidence: float,
) -> tuple[float, float]:
    """The percentile interval of figures of resamples, each end from its own, around `found`.

    Expanded as Hesterberg (2015) has it: bootstrapped intervals of few samples are too narrow,
    by `sqrt(n / (n - 1))` and by what Student's quantile is above the normal one. That also takes
    the 95 % interval to another confidence, for which some thousand resamples would be too few.
    """
    import numpy as np
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    tail = 100 * (1 - CONFIDENCE) / 2
    low = min(0.0, float(np.percentile(for_low, tail)) - found)
    high = max(0.0, float(np.percentile(for_high, 100 - tail)) - found)
    quantile = float(stdtrit(sample_count - 1, (1 + confidence) / 2)) / Z_95_PERCENT
    times = quantile * math.sqrt(sample_count / (sample_count - 1))
    return found + times * low, found + times * high


def described(interval: list[float] | None, method: str = METHOD) -> dict[str, Any]:
    """The metadata that says what an interval is."""
    return {"interval": interval, "confidence": CONFIDENCE, "method": method}
