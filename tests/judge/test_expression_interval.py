"""Interval arithmetic: what an expression can be while its metrics lie within their intervals."""

from __future__ import annotations

import math
import random

import pytest

from pytest_modelbench.judge.bounds.expression_interval import Interval, expression_interval
from pytest_modelbench.suite.expression import (
    Expression,
    ExpressionError,
    Name,
    Number,
    Operation,
    evaluate,
    names_in,
    parse_expression,
)

NAMES = ("a", "b", "c", "d")
NUMBERS = (-7.5, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 10.0)
ARITY = {
    "+": 2,
    "-": 2,
    "*": 2,
    "/": 2,
    "**": 2,
    "%": 2,
    "neg": 1,
    "pos": 1,
    "abs": 1,
    "min": 3,
    "max": 2,
    "sqrt": 1,
    "log": 1,
}


def interval_of(text: str, **intervals: Interval) -> Interval:
    return expression_interval(parse_expression(text), intervals)


@pytest.mark.parametrize(
    ("text", "x", "y", "expected"),
    [
        ("x + y", (1, 2), (-3, 10), (-2, 12)),
        ("x - y", (1, 2), (-3, 10), (-9, 5)),
        ("x * y", (-1, 2), (-3, 10), (-10, 20)),
        ("x * y", (-2, -1), (-3, -2), (2, 6)),
        ("x / y", (1, 2), (4, 10), (0.1, 0.5)),
        ("x / y", (1, 2), (-4, -2), (-1, -0.25)),
        ("x / y", (1, 2), (-1, 4), (None, None)),
        ("x / y", (1, 2), (0, 4), (0.25, None)),
        ("x / y", (1, 2), (-4, 0), (None, -0.25)),
        ("x / y", (-1, 2), (0, 4), (None, None)),
        ("x / y", (0, 2), (0, 4), (0, None)),
        ("x ** 2", (-3, 2), None, (0, 9)),
        ("x ** 2", (-3, -2), None, (4, 9)),
        ("x ** 3", (-3, 2), None, (-27, 8)),
        ("x ** 0", (-3, 2), None, (1, 1)),
        ("x ** -2", (-4, 2), None, (1 / 16, None)),
        ("x ** -1", (-4, 2), None, (None, None)),
        ("x ** -1", (2, 4), None, (0.25, 0.5)),
        ("x ** 0.5", (-4, 9), None, (0, 3)),
        ("x ** -0.5", (4, 9), None, (1 / 3, 0.5)),
        ("2 ** x", (-1, 3), None, (0.5, 8)),
        ("0.5 ** x", (-1, 3), None, (0.125, 2)),
        ("x ** y", (0.5, 2), (-1, 2), (0.25, 4)),
        ("x ** y", (-2, 1), (1, 3), (-8, 8)),
        ("x % y", (7, 8), (5, 5), (2, 3)),
        ("x % y", (4, 6), (5, 5), (0, 5)),
        ("x % y", (1, 100), (5, 6), (0, 6)),
        ("x % y", (1, 3), (4, 6), (1, 3)),
        ("x % y", (-2, -1), (5, 5), (3, 4)),
        ("x % y", (1, 2), (-5, -5), (-4, -3)),
        ("x % y", (1, 2), (-5, 3), (-5, 3)),
        ("-x", (1, 2), None, (-2, -1)),
        ("+x", (1, 2), None, (1, 2)),
        ("abs(x)", (-3, 2), None, (0, 3)),
        ("abs(x)", (-3, -2), None, (2, 3)),
        ("min(x, y)", (1, 5), (2, 3), (1, 3)),
        ("max(x, y, 2.5)", (1, 5), (2, 3), (2.5, 5)),
        ("sqrt(x)", (-1, 9), None, (0, 3)),
        ("log(x)", (1, math.e), None, (0, 1)),
        ("log(x)", (-1, 1), None, (None, 0)),
        ("log(x, 2)", (2, 8), None, (1, 3)),
        ("log(x, y)", (8, 64), (2, 8), (1, 6)),
    ],
)
def test_each_operation_has_the_interval_that_it_has_by_hand(
    text: str, x: Interval, y: Interval | None, expected: Interval
) -> None:
    found = interval_of(text, x=x, **({"y": y} if y else {}))
    for end, wanted in zip(found, expected, strict=True):
        assert end == (None if wanted is None else pytest.approx(wanted, rel=1e-12, abs=1e-300))


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("x + 1", (None, 2), (None, 3)),
        ("x * 0", (None, 2), (0, 0)),
        ("x * -1", (None, 2), (-2, None)),
        ("1 / x", (2, None), (0, 0.5)),
        ("abs(x)", (None, 2), (0, None)),
        ("min(x, 5)", (3, None), (3, 5)),
        ("max(x, 5)", (3, None), (5, None)),
        ("x ** 2", (None, 2), (0, None)),
        ("2 ** x", (None, 2), (2**-64, 4)),
        ("sqrt(x)", (4, None), (2, None)),
        ("log(x)", (1, None), (0, None)),
        ("x % 3", (None, 2), (0, 3)),
        ("x / x", (None, None), (None, None)),
    ],
)
def test_an_unknown_end_goes_on_as_far_as_it_matters(
    text: str, x: Interval, expected: Interval
) -> None:
    found = interval_of(text, x=x)
    for end, wanted in zip(found, expected, strict=True):
        assert end == (None if wanted is None else pytest.approx(wanted, rel=1e-12))


def test_what_is_too_large_is_not_known() -> None:
    assert interval_of("x * 1e300", x=(1.0, 1e300)) == (1e300, None)
    assert interval_of("x ** 64", x=(2.0, 1e300))[1] is None


def test_points_stay_points() -> None:
    low, high = interval_of("x / (1 + y)", x=(10.0, 10.0), y=(0.25, 0.25))
    assert low == high == 8.0


def random_expression(draw: random.Random, depth: int) -> Expression:
    if depth == 0 or draw.random() < 0.15:
        if draw.random() < 0.7:
            return Name(draw.choice(NAMES))
        return Number(draw.choice(NUMBERS))
    symbol = draw.choice(list(ARITY))
    arity = draw.choice((1, 2)) if symbol == "log" else ARITY[symbol]
    operands = tuple(random_expression(draw, depth - 1) for _ in range(arity))
    return Operation(symbol, operands)


def random_interval(draw: random.Random) -> tuple[float, float]:
    """Of either sign, across 0, from 0, whole, narrow, or a point."""
    scale = draw.choice((0.1, 1.0, 5.0, 300.0))
    low, high = sorted((draw.uniform(-scale, scale), draw.uniform(-scale, scale)))
    kind = draw.randrange(6)
    if kind == 0:
        return 0.0, abs(high)
    if kind == 1:
        return float(math.floor(low)), float(math.ceil(high))
    if kind == 2:
        return low, low
    if kind == 3:
        return abs(low), abs(low) * (1 + draw.random() / 10)
    return low, high


def point_within(draw: random.Random, low: float, high: float) -> float:
    at = draw.random()
    if at < 0.2:
        return draw.choice((low, high))
    if at < 0.4:  # where powers and remainders do something else
        whole = float(round(draw.uniform(low, high)))
        return whole if low <= whole <= high else low
    return min(high, max(low, draw.uniform(low, high)))


@pytest.mark.parametrize("seed", range(20))
def test_no_point_of_the_operands_gives_a_value_outside(seed: int) -> None:
    draw = random.Random(seed)
    values = bounded = 0
    for _ in range(150):
        expression = random_expression(draw, draw.choice((1, 1, 2, 3, 4)))
        used = sorted(names_in(expression))
        intervals = {name: random_interval(draw) for name in used}
        low, high = expression_interval(expression, intervals)
        for _ in range(30):
            point = {name: point_within(draw, *intervals[name]) for name in used}
            try:
                value = evaluate(expression, point)
            except ExpressionError:
                continue
            values += 1
            bounded += low is not None or high is not None
            where = f"{expression} at {point} of {intervals}"
            assert low is None or low <= value, f"{value} is below {low}: {where}"
            assert high is None or value <= high, f"{value} is above {high}: {where}"
    assert values > 2_000
    assert bounded > values / 2


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "abs", "min", "max", "neg"])
def test_no_single_operation_is_wider_than_what_its_operands_give(symbol: str) -> None:
    """Points on a fine grid come near both ends; a rule that is too wide would show here."""
    draw = random.Random(1)
    arity = min(2, ARITY[symbol])
    for _ in range(40):
        intervals = {name: random_interval(draw) for name in NAMES[:arity]}
        expression = Operation(symbol, tuple(Name(name) for name in NAMES[:arity]))
        low, high = expression_interval(expression, intervals)
        seen = []
        for i in range(41):
            for j in range(41 if arity == 2 else 1):
                shares = (i / 40, j / 40)
                point = {
                    name: ends[0] + share * (ends[1] - ends[0])
                    for (name, ends), share in zip(intervals.items(), shares, strict=False)
                }
                try:
                    seen.append(evaluate(expression, point))
                except ExpressionError:
                    continue
        if seen and low is not None and high is not None:
            assert max(seen) - min(seen) >= 0.9 * (high - low) - 1e-12
