"""The Hodges-Lehmann estimate of where differences lie, and how far off it may be.

The estimate is the median of the Walsh averages (x[i] + x[j]) / 2, i <= j. The ends of its
interval are Walsh averages, too, whose ranks come from the distribution of Wilcoxon's signed-rank
statistic (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3rd edition, sections
3.2 and 3.3). Half of the interval's length, over the normal quantile of its confidence, estimates
the standard error (Lehmann, Nonparametric confidence intervals for a shift parameter, 1963).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
FEWEST_FOR_NORMAL = 6
"""Of fewer differences, the widest interval there is has less than 95 % confidence."""
MOST_IN_A_TABLE = 500
"""Differences; of more, Walsh averages are found by counting."""
_PRECISION = 1e-12
"""As a share of the range: enough, and above what sums of doubles are off by."""


def hodges_lehmann(differences: NDArray[np.float64]) -> tuple[float, float]:
    """The estimate and its standard error; of a single difference, infinity.

    >>> import numpy as np
    >>> [round(float(one), 4) for one in hodges_lehmann(np.array([1.0, 2.0, 6.0]))]
    [2.75, 2.1733]
    """
    import numpy as np

    ordered = np.sort(differences)
    n = len(ordered)
    averages = n * (n + 1) // 2
    rank, quantile = _interval_rank(n)
    middle = ((averages + 1) // 2, averages // 2 + 1)
    *two, low, high = _walsh_averages(ordered, (*middle, rank, averages + 1 - rank))
    center = sum(two) / 2
    return center, (high - low) / (2 * quantile) if n > 1 else math.inf


def _interval_rank(n: int) -> tuple[int, float]:
    """The rank of the Walsh average at the interval's lower end, and the normal quantile for it."""
    if n < FEWEST_FOR_NORMAL:
        return 1, NormalDist().inv_cdf(1 - 0.5**n)
    mean, sd = n * (n + 1) / 4, math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    quantile = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    rank = max(1, math.floor(mean - quantile * sd))
    return rank, (mean + 0.5 - rank) / sd


def _walsh_averages(ordered: NDArray[np.float64], ranks: Sequence[int]) -> list[float]:
    """The Walsh averages of these ranks, from 1."""
    import numpy as np

    if len(ordered) > MOST_IN_A_TABLE:
        return [_by_counting(ordered, rank) for rank in ranks]
    one, other = np.triu_indices(len(ordered))
    averages = np.sort((ordered[one] + ordered[other]) / 2)
    return [float(averages[rank - 1]) for rank in ranks]


def _by_counting(ordered: NDArray[np.float64], rank: int) -> float:
    """The Walsh average of that rank without a table of all: there may be billions of them."""
    low, high = float(ordered[0]), float(ordered[-1])
    precision = _PRECISION * (high - low)
    if _count_up_to(ordered, low) >= rank:
        return low
    while high - low > precision:
        middle = (low + high) / 2
        if _count_up_to(ordered, middle) >= rank:
            high = middle
        else:
            low = middle
    return high


def _count_up_to(ordered: NDArray[np.float64], value: float) -> int:
    """How many Walsh averages are no greater than `value`."""
    import numpy as np

    in_both_orders = int(np.searchsorted(ordered, 2 * value - ordered, side="right").sum())
    of_one_with_itself = int(np.searchsorted(ordered, value, side="right"))
    return (in_both_orders + of_one_with_itself) // 2
