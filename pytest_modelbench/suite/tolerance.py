"""How much worse a metric may get."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from pytest_modelbench.errors import cut

PAIRED_TOLERANCE = "3%"
"""How much slower a side may be where nobody says: a true 5 % is then found nearly always."""
USUAL_TOLERANCE = "5%"
"""The same against a stored baseline, which cannot tell so little."""
LEAST_SHARES = {"p95_latency_ms": 0.15, "p99_latency_ms": 0.25}
"""Of percentiles far out, whose noise is larger: below these a gate would cry wolf."""
MOST_SHARE = 1e6
_SHARE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*")
WHAT_IS_RIGHT = (
    'a share such as "5%", or a number of 0 or more in the unit of the metric, such as 0.01'
)


@dataclass(frozen=True)
class Tolerance:
    """An amount of change for the worse."""

    amount: float
    is_relative: bool
    """Whether `amount` is a share of the baseline's value (0.05) or in the metric's unit."""

    def __str__(self) -> str:
        return f"{100 * self.amount:.6g} %" if self.is_relative else f"{self.amount:.6g}"


def parse_tolerance(given: str | float) -> Tolerance:
    """The tolerance that a suite writes as `"5%"` or as a number.

    Raises `ValueError` for anything else.

    >>> parse_tolerance("5%"), str(parse_tolerance("2.5 %"))
    (Tolerance(amount=0.05, is_relative=True), '2.5 %')
    """
    if isinstance(given, str):
        found = _SHARE.fullmatch(given)
        if found is None:
            raise ValueError(f"{given!r} should be {WHAT_IS_RIGHT}")
        share = float(found[1]) / 100
        if share > MOST_SHARE:
            raise ValueError(f"{cut(given, 40)!r} should be {MOST_SHARE:.0%} or less")
        return Tolerance(share, is_relative=True)
    if isinstance(given, bool) or not 0 <= given < float("inf"):
        raise ValueError(f"{given!r} should be {WHAT_IS_RIGHT}")
    return Tolerance(float(given), is_relative=False)


def why_too_strict(metric: str, tolerance: Tolerance) -> str | None:
    """Why equal code would break it, as the end of a sentence; None where it is fit for use.

    What a number in the metric's unit is as a share is not known before the baseline is.

    >>> why_too_strict("p50_latency_ms", parse_tolerance("1%"))
    """
    least = LEAST_SHARES.get(metric)
    if least is None or (tolerance.is_relative and tolerance.amount >= least):
        return None
    share = "" if tolerance.is_relative else "a share, "
    return (
        f"of {metric} should be {share}{least:.0%} or more, not {tolerance}: so far out, equal "
        "code differs by as much"
    )


def usual_tolerance(metric: str) -> Tolerance:
    """What is allowed where nobody says: `USUAL_TOLERANCE`, or the least that makes sense."""
    usual = parse_tolerance(USUAL_TOLERANCE)
    return Tolerance(max(usual.amount, LEAST_SHARES.get(metric, 0.0)), is_relative=True)


def _not_another_type(value: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int | float)):
        raise ValueError(f"{value!r} should be {WHAT_IS_RIGHT}")
    return float(value) if isinstance(value, int) else value


def _is_share(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(
            f'{value!r} should be a share such as "5%": an amount in a metric\'s unit is for a '
            "criterion's 'max_regression', which names the metric"
        )
    return value


def _parses(value: Any) -> Any:
    if value is not None:
        parse_tolerance(value)
    return value


_SHARE_SCHEMA = {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$"}

ShareText = Annotated[
    str, BeforeValidator(_is_share), AfterValidator(_parses), WithJsonSchema(_SHARE_SCHEMA)
]
ToleranceText = Annotated[
    str | float,
    BeforeValidator(_not_another_type),
    AfterValidator(_parses),
    WithJsonSchema({"anyOf": [_SHARE_SCHEMA, {"type": "number", "minimum": 0}]}),
]
