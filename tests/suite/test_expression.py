"""Expressions: plain arithmetic, right to the last bit, and bounded whatever the text is."""

from __future__ import annotations

import contextlib
import math
import random
import string
import time
import warnings

import pytest

from pytest_modelbench.suite.expression import (
    DEEPEST,
    LONGEST_CHARS,
    ExpressionError,
    evaluate,
    names_in,
    parse_expression,
)

VALUES = {"a": 2.5, "b": -3.0, "zero": 0.0, "wer": 0.125, "big": 1e300}


def value(text: str) -> float:
    return evaluate(parse_expression(text), VALUES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", 2.5),
        (" 1 + 2 * 3 ", 7.0),
        ("-2 ** 2", -4.0),
        ("2 ** 3 ** 2", 512.0),
        ("2 ** -1", 0.5),
        ("(-8) ** 3", -512.0),
        ("7 % 3", 1.0),
        ("-7 % 3", 2.0),
        ("+b", -3.0),
        ("--b", -3.0),
        ("abs(b) + min(a, b, 1) + max(a, b)", 2.5),
        ("sqrt(16)", 4.0),
        ("log(8, 2)", 3.0),
        ("log(1)", 0.0),
        ("1_000 / 4", 250.0),
        ("1e3 * .5", 500.0),
        ("0x10", 16.0),
        ("a / (1 + wer)", 2.5 / 1.125),
        ("(a\n+ b)", -0.5),
    ],
)
def test_arithmetic_means_what_it_means_everywhere(text: str, expected: float) -> None:
    assert value(text) == pytest.approx(expected, rel=1e-15)


def test_the_names_an_expression_needs_are_known_before_it_is_evaluated() -> None:
    assert names_in(parse_expression("max(x, y) / (1 + sqrt(z)) - x + 3")) == {"x", "y", "z"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a +",
        "a b",
        "a; b",
        "a = 1",
        "a == b",
        "a < b",
        "a and b",
        "not a",
        "~a",
        "a if b else 1",
        "a // b",
        "a @ b",
        "a << 2",
        "a | b",
        "a.real",
        "a.__class__",
        "a[0]",
        "[a]",
        "(a, b)",
        "{a}",
        "{1: 2}",
        "'a'",
        "b'a'",
        "f'{a}'",
        "...",
        "1j",
        "True",
        "None",
        "lambda: 1",
        "lambda",
        "[x for x in a]",
        "(x for x in a)",
        "(a := 1)",
        "await a",
        "yield a",
        "__import__('os')",
        "open('/etc/passwd')",
        "().__class__.__bases__",
        "abs(*a)",
        "abs(x=1)",
        "abs",
        "abs(1)(2)",
        "abs(a).real",
        "round(a)",
        "a\0",
        "9 9",
        "1 is 1",
        "0o8",
        "\ud800",
    ],
)
def test_anything_but_arithmetic_is_refused(text: str) -> None:
    if text == "abs":  # as a bare word it is a metric's name, and no such metric has a value
        with pytest.raises(ExpressionError, match="'abs' has no value"):
            value(text)
        return
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert "\n" not in str(caught.value)


def test_no_warning_escapes_from_text_that_python_would_warn_of() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for text in ("1if 2else 3", "'\\d'", "1()", "1 is 1"):
            with pytest.raises(ExpressionError):
                parse_expression(text)
    assert seen == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("abs()", "takes 1 arguments, not 0"),
        ("min(1)", "takes 2 to 16 arguments, not 1"),
        ("max(" + "1," * 17 + ")", "takes 2 to 16 arguments, not 17"),
        ("log(1, 2, 3)", "takes 1 to 2 arguments, not 3"),
        ("exp(1)", "'exp' is not a function: use abs, min, max, sqrt, log"),
        ("1 +" * LONGEST_CHARS, "longer than 1000 characters"),
        ("9" * 400, "a number is too large"),
        ("1e999", "not a finite number"),
        ("-" * DEEPEST + "1", "nested more than 32 deep"),
        ("+".join("1" * (DEEPEST + 2)), "nested more than 32 deep"),
        ("-" * 990 + "1", "nested more than 32 deep"),
        ("~" * 990 + "1", "is not allowed"),
        ("not " * 240 + "1", "is not allowed"),
        ("(" * 990, "is not arithmetic"),
        ("abs(" * 200 + "1" + ")" * 200, ""),
        ("a" + ".b" * 450, "is not allowed"),
        ("[" * 150 + "]" * 150, ""),
    ],
)
def test_size_depth_and_arguments_are_bounded(text: str, words: str) -> None:
    """Whatever Python's own parser makes of it: an answer, or a sentence; never a traceback."""
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 250


def test_brackets_alone_make_no_depth() -> None:
    assert value("(" * 150 + "1" + ")" * 150) == 1.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("9 ** 9 ** 9", "exponent 3.8742e+08 is beyond +-64"),
        ("9 ** (9 ** 9)", "exponent 3.8742e+08 is beyond +-64"),
        ("2 ** -65", "exponent -65 is beyond +-64"),
        ("big ** 2", "the result is too large"),
        ("big * big", "not a finite number"),
        ("big * big - big * big", "not a finite number"),
        ("(-8) ** 0.5", "-8 ** 0.5 is not a real number"),
        ("0 ** -1", "**(0, -1) is not defined"),
        ("a / zero", "division by zero"),
        ("a % zero", "division by zero"),
        ("sqrt(b)", "sqrt(-3) is not defined"),
        ("log(zero)", "log(0) is not defined"),
        ("log(2, 1)", "division by zero"),
        ("log(2, -1)", "log(2, -1) is not defined"),
        ("a + nothing", "'nothing' has no value"),
    ],
)
def test_what_has_no_value_says_why(text: str, words: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ExpressionError) as caught:
        value(text)
    assert words in str(caught.value)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_a_value_that_is_no_finite_number_is_never_passed_on(number: float) -> None:
    with pytest.raises(ExpressionError, match="not a finite number"):
        evaluate(parse_expression("x"), {"x": number})


def test_whole_numbers_as_values_are_numbers() -> None:
    assert evaluate(parse_expression("x ** y"), {"x": 3, "y": 2}) == 9.0


def _random_expression(source: random.Random, depth: int) -> str:
    if depth == 0 or source.random() < 0.2:
        return source.choice(["a", "b", "wer", "zero", str(source.randrange(10)), "0.5", "2e3"])
    inner = [_random_expression(source, depth - 1) for _ in range(2)]
    return source.choice(
        [
            "({} + {})",
            "({} - {})",
            "{} * {}",
            "({}) / ({})",
            "({}) ** ({})",
            "({}) % ({})",
            "-{}",
            "+({})",
            "abs({})",
            "min({}, {})",
            "max({}, {})",
            "sqrt({})",
            "log({})",
        ]
    ).format(*inner)


def test_random_expressions_have_python_s_own_value_or_none() -> None:
    """Python's arithmetic on floats is the reference; where it fails or is complex, so do we."""
    source = random.Random(2024)
    functions = {"sqrt": math.sqrt, "log": math.log, "abs": abs, "min": min, "max": max}
    agreed = refused = 0
    for _ in range(3000):
        text = _random_expression(source, source.randrange(1, 6))
        as_floats = "".join(f"{part}.0" if part.isdigit() else part for part in _words(text))
        try:
            expected = eval(as_floats, {"__builtins__": {}, **functions}, dict(VALUES))
        except (ArithmeticError, ValueError, TypeError):  # complex numbers have no order
            expected = None
        try:
            found = value(text)
        except ExpressionError:
            refused += 1
            bounded = "**" in text  # exponents have a bound that Python's do not
            assert (
                expected is None
                or isinstance(expected, complex)
                or bounded
                or (not math.isfinite(expected))
            ), text
        else:
            agreed += 1
            assert isinstance(expected, float), text
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-300), text
    assert agreed > 1500
    assert refused > 100


def _words(text: str) -> list[str]:
    """Numbers, names and signs apart, so that whole numbers can be written as floats."""
    words, word = [], ""
    for character in text + " ":
        if character.isalnum() or character in "._":
            word += character
        else:
            words += [word, character]
            word = ""
    return words


def test_garbage_is_refused_and_never_crashes() -> None:
    source = random.Random(7)
    alphabet = string.printable + "é\0\u2028()()**//,,abminsqrt"
    for _ in range(2000):
        text = "".join(source.choice(alphabet) for _ in range(source.randrange(40)))
        with contextlib.suppress(ExpressionError):
            assert math.isfinite(evaluate(parse_expression(text), VALUES))
