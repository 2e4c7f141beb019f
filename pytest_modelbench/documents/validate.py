"""From a JSON value to a pydantic model, with every fault in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from pytest_modelbench.documents.problems import DocumentError, Location, Problem, shown
from pytest_modelbench.documents.read import JsonDocument, read_document
from pytest_modelbench.registered import did_you_mean

M = TypeVar("M", bound=BaseModel)

_WANTED = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "none_required": "null",
}


def load_document(file: Path, model: type[M]) -> tuple[M, JsonDocument]:
    """Read and validate `file`. Raises `DocumentError` with all faults at once."""
    document = read_document(file)
    return validate(document, model), document


def validate(document: JsonDocument, model: type[M]) -> M:
    """`document` as a `model`. Raises `DocumentError` with all faults at once."""
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        raise DocumentError(_problems(error, document, model)) from None


def explain(
    error: ValidationError, model: type[BaseModel], value: Any
) -> list[tuple[Location, str]]:
    """Each fault of a pydantic error as (location inside `value`, what is wrong and right)."""
    explained = []
    for fault in error.errors(include_url=False):
        location = _real_location(fault, value)
        explained.append((location, _message(fault, location, model)))
    return list(dict.fromkeys(explained))


def _problems(
    error: ValidationError, document: JsonDocument, model: type[BaseModel]
) -> Iterator[Problem]:
    for location, message in explain(error, model, document.value):
        yield document.problem(location, message)


def _real_location(fault: Any, value: Any) -> Location:
    """Where a fault is, without the names pydantic adds for the branches of a union."""
    kept: list[str | int] = []
    location = fault["loc"]
    for index, part in enumerate(location):
        if (isinstance(value, Mapping) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        ):
            value = value[part]
        elif fault["type"] != "missing" or index < len(location) - 1:
            continue  # a union's branch
        kept.append(part)
    return tuple(kept)


def _message(fault: Any, location: Location, model: type[BaseModel]) -> str:
    kind, context, given = fault["type"], fault.get("ctx", {}), shown(fault.get("input"))
    if kind == "missing":
        return "is missing: it must be given"
    if kind == "extra_forbidden":
        known = _fields_at(model, location[:-1])
        hint = did_you_mean(str(location[-1]), known) or (
            f"; known here: {', '.join(known)}" if known else ""
        )
        return f"unknown field{hint}"
    if kind in _WANTED:
        return f"{given} should be {_WANTED[kind]}"
    if kind in ("literal_error", "enum"):
        choices = str(context.get("expected", "")).replace(" or ", ", ")
        near = did_you_mean(str(fault.get("input")), choices.replace("'", "").split(", "))
        fields = " and ".join(map(repr, _fields_at(model, location)))
        instead = f", or an object with {fields}" if fields else ""
        wanted = f"one of {choices}" if "," in choices else choices
        return f"{given} should be {wanted}{instead}{near}"
    if kind == "value_error":
        return str(context.get("error", fault["msg"]))
    if bound := _bound(kind, context):
        return f"{given} {bound}"
    return f"{given}: {_lower_first(fault['msg'])}"


def _bound(kind: str, context: Mapping[str, Any]) -> str | None:
    wordings = {
        "greater_than": ("gt", "should be more than"),
        "greater_than_equal": ("ge", "should be at least"),
        "less_than": ("lt", "should be less than"),
        "less_than_equal": ("le", "should be at most"),
    }
    if kind in wordings:
        key, words = wordings[kind]
        return f"{words} {context[key]:g}"
    if kind == "too_short" and context.get("min_length", 1) > 1:
        return f"should have {context['min_length']} entries or more"
    if kind in ("string_too_short", "too_short"):
        return "should not be empty"
    if kind == "string_pattern_mismatch" and context.get("pattern") == r"\S":
        return "should not be blank"
    return None


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _fields_at(model: type[BaseModel], location: Location) -> list[str]:
    """The field names a document may use at `location`; empty where that is not known."""
    current: type[BaseModel] | None = model
    for part in location:
        if current is None:
            return []
        if isinstance(part, int):
            continue  # an item of a list: the field's annotation already led to the item's model
        info = {_name(name, info): info for name, info in current.model_fields.items()}.get(part)
        current = _model_in(info.annotation) if info else None
    if current is not None and "root" in current.model_fields:
        current = _model_in(current.model_fields["root"].annotation)
    if current is None:
        return []
    return [_name(name, info) for name, info in current.model_fields.items()]


def _name(field: str, info: Any) -> str:
    return str(info.alias or field)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The first pydantic model inside an annotation such as `list[X | None]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if found := _model_in(argument):
            return found
    return None
