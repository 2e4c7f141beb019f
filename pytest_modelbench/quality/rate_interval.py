"""The 95 % interval of an error rate over samples, honest of few samples and of rare errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modelbench.quality.bootstrap import (
    CONFIDENCE,
    METHOD,
    RESAMPLES,
    Statistic,
    expanded_ends,
    resampled,
)
from pytest_modelbench.quality.unseen import unseen_share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64] | NDArray[np.float64]

RATE_METHOD = f"{METHOD}, with one sample more"
FLAWLESS_METHOD = "Clopper and Pearson's of the share of samples that err, wholly"


def rates(edits: Numbers, lengths: Numbers) -> Statistic:
    """The rate over samples, for many draws of them."""
    import numpy as np

    def of_draws(indices: NDArray[np.intp]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore", divide="ignore"):
            rate: NDArray[np.float64] = edits[indices].sum(axis=1) / lengths[indices].sum(axis=1)
        return rate

    return of_draws


def rate_interval(edits: NDArray[np.int64], lengths: NDArray[np.int64]) -> tuple[list[float], str]:
    """The interval of sum(edits) / sum(lengths), and how it was had; some length is above 0.

    Resamples have one sample more than there are, of the usual length, because a percentile
    bootstrap of few samples knows nothing but those: for the low end one without an error; for
    the high end one that errs as those do that err, and one wholly wrong, on average. So it
    matters where hardly any sample errs, and fades where many do. Without any error nothing says
    how badly a sample would err: all its words count, in as many samples as may err unseen.
    """
    import numpy as np

    count, length = len(edits), float(lengths.mean())
    erring = edits[edits > 0]
    if not len(erring):
        return [0.0, unseen_share(count)], FLAWLESS_METHOD
    worse = (float(erring.sum()) + length) / (len(erring) + 1)
    with_one_more = [
        resampled(rates(np.append(edits, one), np.append(lengths, length)), count + 1, RESAMPLES)
        for one in (0.0, worse)
    ]
    found = float(edits.sum() / lengths.sum())
    low, high = expanded_ends(found, with_one_more[0], with_one_more[1], count + 1, CONFIDENCE)
    return [max(0.0, low), high], RATE_METHOD
