"""Arithmetic over metric names, parsed to a small tree of our own and bounded in every way.

Python's `ast` reads the text; nothing of it is ever compiled or evaluated.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pytest_modelbench.errors import cut

LONGEST_CHARS = 1_000
LONGEST_SHOWN = 60
DEEPEST = 32
LARGEST_EXPONENT = 64.0


class ExpressionError(ValueError):
    """What is wrong with an expression or with evaluating it, in one sentence."""


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator or function with its operands."""

    symbol: str
    operands: tuple[Expression, ...]


Expression: TypeAlias = Number | Name | Operation


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > LARGEST_EXPONENT:
        raise ExpressionError(f"exponent {exponent:g} is beyond +-{LARGEST_EXPONENT:g}")
    if base < 0 and not exponent.is_integer():
        raise ExpressionError(f"{base:g} ** {exponent:g} is not a real number")
    return math.pow(base, exponent)


_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.Mod: "%",
}
_OPERATORS: dict[str, Callable[..., float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": _power,
    "%": operator.mod,
    "neg": operator.neg,
    "pos": operator.pos,
    "abs": abs,
    "min": min,
    "max": max,
    "sqrt": math.sqrt,
    "log": math.log,
}
_FUNCTIONS: dict[str, tuple[int, int]] = {
    "abs": (1, 1),
    "min": (2, 16),
    "max": (2, 16),
    "sqrt": (1, 1),
    "log": (1, 2),
}
"""Function name to the least and greatest number of arguments."""


def parse_expression(text: str) -> Expression:
    """Parse `text`. Raises `ExpressionError` saying what is not allowed.

    >>> sorted(names_in(parse_expression("x_realtime / (1 + wer)")))
    ['wer', 'x_realtime']
    """
    if len(text) > LONGEST_CHARS:
        raise ExpressionError(f"longer than {LONGEST_CHARS} characters")
    text = text.strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python about text that is refused below anyway
            tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(
            f"{cut(text, LONGEST_SHOWN)!r} is not arithmetic over metric names"
        ) from None
    return _translate(tree.body, text, 1)


def _translate(node: ast.expr, text: str, depth: int) -> Expression:
    if depth > DEEPEST:
        raise ExpressionError(f"nested more than {DEEPEST} deep")
    match node:
        case ast.Constant(value=bool()):
            raise ExpressionError(f"{node.value!r} is not a number")
        case ast.Constant(value=int() | float() as value):
            return Number(_finite(value))
        case ast.Name(id=name):
            return Name(name)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            symbol = "neg" if isinstance(sign, ast.USub) else "pos"
            return Operation(symbol, (_translate(operand, text, depth + 1),))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            operands = (_translate(left, text, depth + 1), _translate(right, text, depth + 1))
            return Operation(_BINARY[type(op)], operands)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(name, arguments, text, depth)
    shown = cut(ast.get_source_segment(text, node) or text, LONGEST_SHOWN)
    raise ExpressionError(
        f"{shown!r} is not allowed: use numbers, "
        f"metric names, + - * / ** %, and {', '.join(_FUNCTIONS)}"
    )


def _call(name: str, arguments: list[ast.expr], text: str, depth: int) -> Expression:
    if name not in _FUNCTIONS:
        raise ExpressionError(f"{name!r} is not a function: use {', '.join(_FUNCTIONS)}")
    least, greatest = _FUNCTIONS[name]
    if not least <= len(arguments) <= greatest:
        wanted = str(least) if least == greatest else f"{least} to {greatest}"
        raise ExpressionError(f"{name}() takes {wanted} arguments, not {len(arguments)}")
    return Operation(name, tuple(_translate(argument, text, depth + 1) for argument in arguments))


def check_constants(expression: Expression) -> None:
    """Raise `ExpressionError` for a part without names that has no value, such as `1 / 0`."""
    if not names_in(expression):
        evaluate(expression, {})
    elif isinstance(expression, Operation):
        for operand in expression.operands:
            check_constants(operand)


def names_in(expression: Expression) -> set[str]:
    """The metric names an expression uses."""
    match expression:
        case Name(name):
            return {name}
        case Operation(_, operands):
            return set().union(*(names_in(operand) for operand in operands))
        case _:
            return set()


def evaluate(expression: Expression, values: Mapping[str, float]) -> float:
    """The value of an expression. Raises `ExpressionError`, never returns a non-finite number."""
    match expression:
        case Number(value):
            return value
        case Name(name):
            if name not in values:
                raise ExpressionError(f"{name!r} has no value")
            return _finite(values[name])
        case Operation(symbol, operands):
            numbers = [evaluate(operand, values) for operand in operands]
            try:
                return _finite(_OPERATORS[symbol](*numbers))
            except ZeroDivisionError:
                raise ExpressionError("division by zero") from None
            except OverflowError:
                raise ExpressionError("the result is too large") from None
            except ExpressionError:
                raise
            except ValueError:
                arguments = ", ".join(f"{number:g}" for number in numbers)
                raise ExpressionError(f"{symbol}({arguments}) is not defined") from None


def _finite(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        raise ExpressionError("a number is too large") from None
    if not math.isfinite(number):
        raise ExpressionError("the result is not a finite number")
    return number
