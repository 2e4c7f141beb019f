"""How much worse a metric may get."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

USUAL_TOLERANCE = "5%"
"""Of slowness, where nobody says otherwise."""
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
        return Tolerance(float(found[1]) / 100, is_relative=True)
    if isinstance(given, bool) or not 0 <= given < float("inf"):
        raise ValueError(f"{given!r} should be {WHAT_IS_RIGHT}")
    return Tolerance(float(given), is_relative=False)


def _not_another_type(value: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int | float)):
        raise ValueError(f"{value!r} should be {WHAT_IS_RIGHT}")
    return float(value) if isinstance(value, int) else value


def _parses(value: Any) -> Any:
    if value is not None:
        parse_tolerance(value)
    return value


ToleranceText = Annotated[
    str | float,
    BeforeValidator(_not_another_type),
    AfterValidator(_parses),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$"},
                {"type": "number", "minimum": 0},
            ]
        }
    ),
]
