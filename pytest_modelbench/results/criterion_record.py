"""A suite's criterion as it stands in a run."""

from __future__ import annotations

from typing import Annotated, Literal, Required, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field
from typing_extensions import TypedDict

from pytest_modelbench.results.fields import Finite, Text
from pytest_modelbench.suite.tolerance import ToleranceText


class CriterionRecord(TypedDict, total=False):
    """A criterion as the suite gives it; what it left to the defaults is absent."""

    __pydantic_config__ = ConfigDict(  # type: ignore[misc]
        extra="forbid",
        strict=True,
        json_schema_extra={"oneOf": [{"required": ["metric"]}, {"required": ["expression"]}]},
    )

    id: Required[Text]
    metric: Text
    expression: Text
    goal: Literal["min", "max", "target"]
    weight: Annotated[Finite, Field(gt=0)]
    target: Finite
    runners: list[Text]
    runner: Text
    min: Finite
    max: Finite
    max_regression: ToleranceText


def _metric_or_expression(record: CriterionRecord) -> CriterionRecord:
    if ("metric" in record) == ("expression" in record):
        raise ValueError("a criterion has either 'metric' or 'expression' (one of them)")
    return record


CheckedCriterion: TypeAlias = Annotated[CriterionRecord, AfterValidator(_metric_or_expression)]
