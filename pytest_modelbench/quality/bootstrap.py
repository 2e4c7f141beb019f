"""How far a figure over samples could lie from what another draw of samples would give."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 1000
SEED = 0
METHOD = f"bootstrap over samples, {RESAMPLES} resamples, seed {SEED}"
_INDICES_AT_ONCE = 1_000_000


def bootstrap_interval(
    statistic: Callable[[NDArray[np.intp]], NDArray[np.float64]], sample_count: int
) -> list[float] | None:
    """The percentile bootstrap interval (Efron, 1979) of a figure over `sample_count` samples.

    `statistic` is given indices of shape `(resamples, sample_count)` and returns one figure a
    resample, NaN where it has none. None when there is one sample, or no figure at all.
    """
    import numpy as np

    if sample_count < 2:
        return None
    generator = np.random.default_rng(SEED)
    figures: list[NDArray[np.float64]] = []
    remaining = RESAMPLES
    while remaining:
        block = min(remaining, max(1, _INDICES_AT_ONCE // sample_count))
        figures.append(statistic(generator.integers(0, sample_count, (block, sample_count))))
        remaining -= block
    known = np.concatenate(figures)
    known = known[np.isfinite(known)]
    if not len(known):
        return None
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(known, [tail, 100 - tail])
    return [float(low), float(high)]


def described(interval: list[float] | None) -> dict[str, Any]:
    """The metadata that says what an interval is."""
    return {"interval": interval, "confidence": CONFIDENCE, "method": METHOD}
