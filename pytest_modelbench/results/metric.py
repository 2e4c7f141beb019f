"""One measured number, or the reason why there is none."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pytest_modelbench.results.fields import Finite, Json, jsonable

CLIENT_LIMITED = "client_limited"
"""The flag of metrics that say how fast the client was, not the endpoint."""


class MetricStatus(StrEnum):
    """Whether there is a number."""

    OK = "ok"
    SKIPPED = "skipped"
    ERROR = "error"


class Metric(BaseModel):
    """`ok` has a finite value; `skipped` and `error` have the reason in `error_message`.

    `metadata` says what the number rests on. Keys in use: `samples` (how many measurements),
    `interval` (`[low, high]`), `confidence` (of that interval), `flag` (`too_few_samples` for this
    percentile, with `samples_needed`; `means_of_calls`: of rounds of several `iterations` each,
    whose percentiles are not those of calls; `client_limited`: it says how fast the client was, and
    nothing of the endpoint), `better` for a metric of a test's own, `definition` where it departs
    from the catalogue.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        json_schema_extra={
            "oneOf": [
                {
                    "properties": {
                        "status": {"const": "ok"},
                        "value": {"type": "number"},
                        "error_message": {"type": "null"},
                    }
                },
                {
                    "properties": {
                        "status": {"enum": ["skipped", "error"]},
                        "value": {"type": "null"},
                        "error_message": {"type": "string", "minLength": 1},
                    }
                },
            ]
        },
    )

    status: MetricStatus = Field(strict=False)
    value: Finite | None
    unit: str
    """As in the catalogue; empty for a plain ratio or count."""
    error_message: Annotated[str, Field(min_length=1, pattern=r"\S")] | None
    metadata: dict[str, Json]

    @model_validator(mode="after")
    def _value_or_reason(self) -> Metric:
        if self.status is MetricStatus.OK:
            if self.value is None or self.error_message is not None:
                raise ValueError("a metric that is ok has a value and no error_message")
        elif self.value is not None or self.error_message is None:
            raise ValueError(f"a metric that is {self.status} has an error_message and no value")
        return self

    @property
    def is_ok(self) -> bool:
        return self.status is MetricStatus.OK

    @property
    def is_client_limited(self) -> bool:
        """Whether it says how fast the client was, and nothing of the endpoint."""
        return self.metadata.get("flag") == CLIENT_LIMITED

    @property
    def interval(self) -> tuple[float | None, float | None] | None:
        """The confidence interval of the value, where one was computed; an end may be unknown."""
        ends = self.metadata.get("interval")
        # Of a run file that somebody else has written it may be anything.
        if not isinstance(ends, list) or len(ends) != 2:
            return None
        low, high = (None if end is None else as_number(end) for end in ends)
        return low, high


def as_number(value: object) -> float | None:
    """A number out of a metric's metadata, which somebody's own may have as anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return None


def measured(value: float, unit: str = "", **metadata: Any) -> Metric:
    """A metric that was measured. A value that is not finite becomes an error, never a NaN.

    >>> measured(12.5, "ms", samples=24).value
    12.5
    >>> measured(float("nan"), "ms").status
    <MetricStatus.ERROR: 'error'>
    """
    number = float(value)
    if not math.isfinite(number):
        return failed(f"the computed value is {number}, not a finite number", unit)
    return Metric(
        status=MetricStatus.OK,
        value=number,
        unit=unit,
        error_message=None,
        metadata=jsonable(metadata),
    )


def skipped(reason: str, unit: str = "") -> Metric:
    """A metric that could not be had here, and why."""
    return Metric(
        status=MetricStatus.SKIPPED, value=None, unit=unit, error_message=reason, metadata={}
    )


def failed(cause: str, unit: str = "") -> Metric:
    """A metric whose measuring went wrong, and how."""
    return Metric(
        status=MetricStatus.ERROR, value=None, unit=unit, error_message=cause, metadata={}
    )
