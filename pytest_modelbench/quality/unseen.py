"""What so many samples cannot rule out, although none of them shows it."""

from __future__ import annotations

import math

TAIL = 0.025
"""Beyond either end of a 95 % interval."""


def unseen_share(count: int) -> float:
    """The upper end of the exact 95 % interval (Clopper and Pearson, 1934) of a share, where none
    of `count` samples is one: from 20 samples on about 3.7 / count.

    >>> round(unseen_share(1), 3), round(unseen_share(24), 3), round(unseen_share(368), 3)
    (0.975, 0.142, 0.01)
    """
    return 1 - math.pow(TAIL, 1 / count)


def times_as_many(not_ruled_out: float, wanted: float) -> float:
    """How many times the samples would leave `wanted`, where these leave `not_ruled_out`.

    Both are above 0. What is never seen is bounded by 1/n, not by 1/sqrt(n); shares exactly, and
    figures that are no shares in proportion.

    >>> round(24 * times_as_many(unseen_share(24), 0.01))
    367
    """
    if max(not_ruled_out, wanted) < 1:
        return math.log1p(-not_ruled_out) / math.log1p(-wanted)
    return not_ruled_out / wanted
