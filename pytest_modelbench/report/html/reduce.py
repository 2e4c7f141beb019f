"""Long series of calls as few figures, so that a page of a hundred cases stays small."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Series = NDArray[np.float64]

TAIL = (0.995, 0.999, 1.0)
"""Shares of calls at which a long distribution is told beside even ones."""
DIGITS = 4


def shares(step_percent: int) -> list[float]:
    """The shares of calls at which a distribution is told.

    >>> shares(50)
    [0.0, 0.5, 0.995, 0.999, 1.0]
    """
    return [*(number / 100 for number in range(0, 100, step_percent)), *TAIL]


def distribution(durations: Sequence[int], at: Sequence[float]) -> Series:
    """Every duration in order of size; of more than there are shares `at`, the quantiles there.

    A quantile is the duration within which that share of the calls was answered: one that was
    measured.
    """
    import numpy as np

    values = np.sort(np.asarray(durations, dtype=np.float64))
    if len(values) <= len(at):
        return values
    places = np.ceil(np.asarray(at) * len(values)).astype(int) - 1
    told: Series = values[places.clip(0)]
    return told


def envelope(durations: Sequence[int], most: int) -> tuple[int, list[Series]]:
    """How many calls are in a piece, and the median, lowest and highest of each piece.

    There are at most `most` pieces. Where one is a single call, there is its duration alone.
    """
    import numpy as np

    values = np.asarray(durations, dtype=np.float64)
    step = max(1, math.ceil(len(values) / most))
    if step == 1:
        return 1, [values]
    pieces = [values[start : start + step] for start in range(0, len(values), step)]
    return step, [np.array([of(one) for one in pieces]) for of in (np.median, np.min, np.max)]


def exponent_of(durations: Sequence[int]) -> int:
    """The power of ten in whose units the median has `DIGITS` digits; durations are above 0.

    >>> exponent_of([12_345_678])
    4
    """
    middle = statistics.median(durations) if len(durations) else 0
    return math.floor(math.log10(middle)) - DIGITS + 1 if middle > 0 else 0


def in_units(values: Series, exponent: int) -> list[int]:
    """Whole numbers, which are short: times ten to the `exponent` they are `values`."""
    import numpy as np

    whole: list[int] = np.rint(values / 10.0**exponent).astype(np.int64).tolist()
    return whole


def thinned(values: Sequence[float], most: int) -> list[float]:
    """At most `most` of the values, evenly spread."""
    step = max(1, math.ceil(len(values) / max(1, most)))
    return list(values[::step])


def rounded(value: float | None, digits: int = 6) -> Any:
    """`value` with so many significant digits, and without a fraction that is none.

    >>> rounded(10.32266651), rounded(24.0), rounded(None)
    (10.3227, 24, None)
    """
    if value is None:
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if abs(short) < 1e15 and short == int(short) else short
