"""Whether answers keep pace with the requests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FEWEST = 20
"""Answers: of fewer nothing can be told."""
_SURE = 1.645
"""Standard errors for 95 % on one side."""


def answered_share(intended_ns: ArrayLike, latency_ns: ArrayLike) -> float:
    """Which share of the offered rate was answered at; 1 where nothing shows that it was less.

    A server that cannot keep up answers at a rate of its own, and each request waits longer than
    the one before: with `s` seconds more latency for each second, the share is 1 / (1 + s). So the
    slope of a line through the latencies tells it, however long and varied these are, where
    counting answers until the last one would count the wait for that as well. Of the slope the
    lower end of its interval is taken, or chance would show in a short window.

    >>> answered_share([0, 10, 20, 30] * 10, [5, 10, 15, 20] * 10)
    0.6666666666666666
    """
    import numpy as np

    at = np.asarray(intended_ns, dtype=np.float64) / 1e9
    took = np.asarray(latency_ns, dtype=np.float64) / 1e9
    if len(at) < FEWEST:
        return 1.0
    at, took = at - at.mean(), took - took.mean()
    spread = float(at @ at)
    if spread == 0:
        return 1.0
    slope = float(at @ took) / spread
    left = took - slope * at
    error = math.sqrt(float(left @ left) / (len(at) - 2) / spread)
    return 1 / (1 + max(0.0, slope - _SURE * error))
