"""The types of fields in a run: each refuses the same in Python as in the published JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema
from typing_extensions import TypeAliasType

LARGEST = 1.7976931348623157e308
"""The largest finite double: JSON text such as 1e999 reads as infinity, which is no number."""

# JSON Schema has no word for "finite": beyond the largest number is infinity. Written as a
# negation it also refuses NaN, which is neither above nor below, where a lenient parser lets it in.
_NOT_FINITE = {"anyOf": [{"exclusiveMinimum": LARGEST}, {"exclusiveMaximum": -LARGEST}]}

Finite = Annotated[float, Field(allow_inf_nan=False, json_schema_extra={"not": _NOT_FINITE})]
Amount = Annotated[Finite, Field(ge=0)]
Share = Annotated[Finite, Field(ge=0, le=1)]


def _whole(value: Any) -> Any:
    # JSON Schema counts 3.0 as an integer, and so do languages that have but one kind of number.
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
Ordinal = Annotated[int, Field(ge=1), BeforeValidator(_whole)]
Count = Annotated[int, Field(ge=0), BeforeValidator(_whole)]

Json = TypeAliasType(
    "Json",
    Annotated[
        Any,
        WithJsonSchema(
            {
                "title": "Json",
                "description": "Any JSON value; its numbers are finite.",
                "not": {"type": "number", **_NOT_FINITE},
                "$dynamicAnchor": "json",
                "items": {"$dynamicRef": "#json"},
                "additionalProperties": {"$dynamicRef": "#json"},
            }
        ),
    ],
)

Text = Annotated[str, Field(min_length=1)]
JsonObject: TypeAlias = dict[Text, Json]

_MONTH_AND_DAY = (
    r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    r"|02-(0[1-9]|[12][0-9]))"
)
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]"


def _line(pattern: str) -> Any:
    # In Python's dialect `$` also matches before a line end at the very end.
    return Field(pattern=f"^{pattern}$", json_schema_extra={"not": {"pattern": r"\s"}})


Timestamp = Annotated[
    str, _line(rf"[0-9]{{4}}-{_MONTH_AND_DAY}T{_TIME}:[0-5][0-9](\.[0-9]+)?(Z|[+-]{_TIME})")
]
RunId = Annotated[
    str,
    _line(
        rf"benchmark_[0-9]{{4}}{_MONTH_AND_DAY.replace('-(', '(')}"
        rf"_{_TIME.replace(':', '')}[0-5][0-9]_[0-9a-f]{{12}}"
    ),
]
Digest = Annotated[str, _line("[0-9a-f]{32,128}")]
GitSha = Annotated[str, _line("[0-9a-f]{40}([0-9a-f]{24})?")]


def jsonable(value: Any) -> Any:
    """`value` with everything that JSON does not know turned into text."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted((jsonable(one) for one in value), key=str)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if abs(value) <= LARGEST else str(value)
    item = getattr(value, "item", None)  # a numpy scalar
    return jsonable(item()) if callable(item) and getattr(value, "ndim", 1) == 0 else str(value)
