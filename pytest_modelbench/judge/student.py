"""Student's t without SciPy, whose import alone takes as long as reading thousands of runs.

The tail of the distribution is an incomplete beta function, by its continued fraction (Abramowitz
and Stegun, Handbook of Mathematical Functions, 26.5.8 and 26.7.1).
"""

from __future__ import annotations

import math
from functools import lru_cache

_MOST_TERMS = 500
_ENOUGH = 1e-14
_TINY = 1e-300


@lru_cache(maxsize=1024)
def student_quantile(degrees: float, tail: float) -> float:
    """What is exceeded with a probability of `tail`, above 0 and at most 0.5.

    >>> round(student_quantile(4.0, 0.025), 4)
    2.7764
    """
    low, high = 0.0, 1.0
    while upper_tail(degrees, high) > tail:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if upper_tail(degrees, middle) > tail else (low, middle)
    return high


def upper_tail(degrees: float, value: float) -> float:
    """How probable more than `value`, which is not negative, is."""
    share = degrees / (degrees + value * value)
    return _incomplete_beta(degrees / 2, 0.5, share) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularized. The fraction converges fast below its middle; above, the other end is taken."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    gammas = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(gammas + a * math.log(x) + b * math.log1p(-x)) / (a * _fraction(a, b, x))


def _fraction(a: float, b: float, x: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)), from its beginning on (Lentz's way)."""
    found = numerator = 1.0
    denominator = 0.0
    for term in range(1, _MOST_TERMS):
        half = term // 2
        if term % 2:
            step = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            step = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        denominator = 1 / ((1 + step * denominator) or _TINY)
        numerator = (1 + step / numerator) or _TINY
        found *= numerator * denominator
        if abs(numerator * denominator - 1) < _ENOUGH:
            break
    return found
