"""The usable part of a suite that has faults, so that the rest is checked in the same reading."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pytest_modelbench.documents.validate import explain

M = TypeVar("M", bound=BaseModel)
ROUNDS = 8


def salvage(model: type[M], value: Any) -> M | None:
    """`value` as a `model` after leaving out what is wrong; None where too little is left."""
    value = copy.deepcopy(value)
    for _ in range(ROUNDS):
        try:
            return model.model_validate(value)
        except ValidationError as error:
            # Each once: a place may have several faults, and is left out with the first.
            for location in dict(explain(error, model, value)):
                if not _leave_out(value, location):
                    return None
    return None


def _leave_out(value: Any, location: tuple[Any, ...]) -> bool:
    """Remove what is at `location`, if it is still there; False when that cannot help."""
    if not location:
        return False
    for part in location[:-1]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return True  # its parent was removed a moment ago
    last = location[-1]
    if isinstance(value, dict) and last in value:
        del value[last]
        return True
    if isinstance(value, list) and isinstance(last, int) and last < len(value):
        value.pop(last)
        return True
    return False
