"""Whether parameters are as their runner wants them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from pytest_modelbench.documents.problems import Location
from pytest_modelbench.documents.validate import explain
from pytest_modelbench.errors import one_line


def param_faults(model: type[BaseModel], params: Mapping[str, Any]) -> list[tuple[Location, str]]:
    """Everything that `model` finds wrong with `params`: where in them, and in what way.

    A validator of the user's is given a copy, which it may change, and may raise what it likes.
    """
    try:
        model.model_validate(copy.deepcopy(dict(params)))
    except ValidationError as error:
        return list(explain(error, model, params))
    except Exception as error:
        return [((), f"{model.__name__} failed to check them: {one_line(error)}")]
    return []
