"""The interval of an expression, by interval arithmetic over those of its metrics."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from pytest_modelbench.suite.expression import (
    LARGEST_EXPONENT,
    Expression,
    Name,
    Number,
    Operation,
)

Interval: TypeAlias = tuple[float | None, float | None]
"""Low and high end; None for one that is not known."""
Ends: TypeAlias = tuple[float, float]
"""The same with infinities, which are easier to reckon with."""

METHOD = "interval arithmetic over its metrics"
_UNKNOWN: Ends = (-math.inf, math.inf)
_ROUNDING = 1e-15
"""More than libm's powers and logarithms are off, as a share."""


def expression_interval(expression: Expression, intervals: Mapping[str, Interval]) -> Interval:
    """All values that `expression` can take while each metric lies within its interval.

    A metric without an interval is given as a point. The result is never too narrow and often too
    wide: a metric that is named twice is taken for two, and that all metrics are at their worst
    ends at once is counted as if it were likely. Where metrics lie outside an operation's domain
    it has no value, so only the part inside counts.
    """
    low, high = _ends(expression, intervals)
    return low if math.isfinite(low) else None, high if math.isfinite(high) else None


def _ends(expression: Expression, intervals: Mapping[str, Interval]) -> Ends:
    match expression:
        case Number(value):
            return value, value
        case Name(name):
            low, high = intervals[name]
            return -math.inf if low is None else low, math.inf if high is None else high
        case Operation(symbol, operands):
            low, high = _RULES[symbol](*(_ends(operand, intervals) for operand in operands))
            # What has no value anywhere (beyond all numbers, or outside a domain) has no ends.
            return (low, high) if low <= high and low < math.inf and high > -math.inf else _UNKNOWN


def _spanned(candidates: Iterable[float]) -> Ends:
    """The least interval with all of these; what is no number stands for a limit of 0."""
    numbers = [0.0 if math.isnan(one) else one for one in candidates]
    return min(numbers), max(numbers)


def _outward(ends: Ends) -> Ends:
    low, high = ends
    return low - abs(low) * _ROUNDING, high + abs(high) * _ROUNDING


def _negative(x: Ends) -> Ends:
    return -x[1], -x[0]


def _sum(x: Ends, y: Ends) -> Ends:
    return x[0] + y[0], x[1] + y[1]


def _difference(x: Ends, y: Ends) -> Ends:
    return _sum(x, _negative(y))


def _product(x: Ends, y: Ends) -> Ends:
    return _spanned(one * other for one in x for other in y)  # 0 * infinity is a limit of 0


def _quotient(x: Ends, y: Ends) -> Ends:
    """Next to 0 a divisor makes the quotient as large as one likes, on either side of it."""
    if y[0] < 0 < y[1] or y == (0.0, 0.0):
        return _UNKNOWN
    zero = 0.0 if y[1] > 0 else -0.0  # an end of 0 is neared from the side where the rest lies
    return _spanned(_divided(one, other or zero) for one in x for other in y)


def _divided(x: float, y: float) -> float:
    return x / y if y else math.copysign(math.inf, x) * math.copysign(1.0, y) if x else 0.0


def _absolute(x: Ends) -> Ends:
    largest = max(abs(x[0]), abs(x[1]))
    return (0.0 if x[0] <= 0 <= x[1] else min(abs(x[0]), abs(x[1]))), largest


def _smallest(*all_ends: Ends) -> Ends:
    return min(low for low, _ in all_ends), min(high for _, high in all_ends)


def _largest(*all_ends: Ends) -> Ends:
    return max(low for low, _ in all_ends), max(high for _, high in all_ends)


def _root(x: Ends) -> Ends:
    return math.sqrt(max(0.0, x[0])), math.sqrt(max(0.0, x[1]))


def _logarithm(x: Ends, base: Ends | None = None) -> Ends:
    own = _outward((_log(x[0]), _log(x[1])))
    return own if base is None else _outward(_quotient(own, _logarithm(base)))


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def _power(base: Ends, exponent: Ends) -> Ends:
    exponent = max(exponent[0], -LARGEST_EXPONENT), min(exponent[1], LARGEST_EXPONENT)
    if base[0] >= 0:
        return _outward(_power_of_positive(base, exponent))
    if math.ceil(exponent[0]) > exponent[1]:  # below 0 there is no power that is not whole
        return _outward(_power_of_positive((0.0, max(0.0, base[1])), exponent))
    if exponent[0] == exponent[1]:
        return _outward(_whole_power(base, int(exponent[0])))
    _, largest = _power_of_positive(_absolute(base), exponent)
    return _outward((-largest, largest))


def _power_of_positive(base: Ends, exponent: Ends) -> Ends:
    """It rises or falls all the way, in the base as in the exponent: the corners are the ends."""
    corners = [_raised(one, other) for one, other in itertools.product(base, exponent)]
    return min(corners), max(corners)


def _whole_power(base: Ends, exponent: int) -> Ends:
    if exponent < 0:
        return _quotient((1.0, 1.0), _outward(_whole_power(base, -exponent)))
    if exponent % 2 == 0:
        return _power_of_positive(_absolute(base), (float(exponent), float(exponent)))
    return _raised_odd(base[0], exponent), _raised_odd(base[1], exponent)


def _raised_odd(base: float, exponent: int) -> float:
    return math.copysign(_raised(abs(base), float(exponent)), base)


def _raised(base: float, exponent: float) -> float:
    """With its limits where it is not defined or too large; `base` is not below 0."""
    if base == 0 and exponent < 0:
        return math.inf
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf


def _remainder(x: Ends, y: Ends) -> Ends:
    """Python's: it has the sign of the divisor and is nearer to 0 than that."""
    if y[1] < 0:
        return _negative(_remainder(_negative(x), _negative(y)))
    if y[0] > 0 and x[0] >= 0 and x[1] < y[0]:
        return x
    if y[0] == y[1] > x[1] - x[0]:
        low, high = x[0] % y[0], x[1] % y[0]
        if low <= high:  # or else it begins anew in between
            return low, high
    return min(0.0, y[0]), max(0.0, y[1])


_RULES: dict[str, Callable[..., Ends]] = {
    "+": _sum,
    "-": _difference,
    "*": _product,
    "/": _quotient,
    "**": _power,
    "%": _remainder,
    "neg": _negative,
    "pos": lambda x: x,
    "abs": _absolute,
    "min": _smallest,
    "max": _largest,
    "sqrt": _root,
    "log": _logarithm,
}
