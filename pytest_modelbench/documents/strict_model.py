"""The base of every strict document: unknown fields and contradictions are faults, all told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

M = TypeVar("M", bound="StrictModel")


class StrictModel(BaseModel):
    """Wrong types, unknown fields and contradictory fields are faults, never guesses."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, populate_by_name=True, serialize_by_alias=True
    )

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        """Sentences on fields that contradict each other, from values not yet validated.

        It is asked even when single fields are wrong, so that one reading of a document finds
        everything; it must therefore expect values of any type.
        """
        return iter(())

    @model_validator(mode="wrap")
    @classmethod
    def _report_conflicts_too(cls: type[M], value: Any, handler: ModelWrapValidatorHandler[M]) -> M:
        sentences = list(cls.conflicts(value)) if isinstance(value, Mapping) else []
        conflicts = [_detail("value_error", (), value, {"error": text}) for text in sentences]
        try:
            made = handler(value)
        except ValidationError as error:
            if not conflicts:
                raise
            others = [
                _detail(fault["type"], fault["loc"], fault["input"], fault.get("ctx", {}))
                for fault in error.errors(include_url=False)
            ]
            raise ValidationError.from_exception_data(cls.__name__, others + conflicts) from None
        if conflicts:
            raise ValidationError.from_exception_data(cls.__name__, conflicts)
        return made


def _detail(
    kind: str, location: tuple[int | str, ...], given: Any, context: Mapping[str, Any]
) -> InitErrorDetails:
    # The text is made from `kind` and `context` where the fault is explained, not here.
    custom = PydanticCustomError(kind, "fault", dict(context))
    return InitErrorDetails(type=custom, loc=location, input=given)


def refuse(sentences: Mapping[tuple[int | str, ...], str], given: Any) -> None:
    """Raise a `ValidationError` with each sentence at its place inside `given`; nothing if none."""
    if sentences:
        details = [
            _detail("value_error", at, given, {"error": text}) for at, text in sentences.items()
        ]
        raise ValidationError.from_exception_data("value", details)
