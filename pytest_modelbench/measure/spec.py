"""How long a case is measured: the stop rule a suite may set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from pytest_modelbench.documents.strict_model import StrictModel

_ENDS = (("min_samples", "max_samples"), ("min_seconds", "max_seconds"))


class MeasureSpec(StrictModel):
    """When to stop timing: enough samples and enough seconds, or a hard limit of either.

    The dataset is always gone through once, for quality, whatever the limits say.
    """

    warmup: Annotated[int, Field(ge=0, le=10_000)] = 3
    """Untimed calls after the first call and before the timed ones."""
    min_samples: Annotated[int, Field(ge=1, le=1_000_000)] = 130
    """Timed calls wanted; 130 is what a p95 needs (99 % confidence, MLPerf early stopping)."""
    min_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.5
    """Seconds of timed calls wanted."""
    max_samples: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """No further round of the dataset after this many timed calls."""
    timeout_seconds: Annotated[float, Field(gt=0, le=604_800)] = 3600.0
    """A case that takes longer, waiting for its device apart, is ended and is an error."""
    max_seconds: Annotated[float, Field(gt=0, le=86_400)] = 10.0
    """No further round of the dataset after this many seconds of timed calls."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        """Only between what is given here: the rest may come from the suite."""
        for least, most in _ENDS:
            low, high = given.get(least), given.get(most)
            if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
                yield f"{least!r} ({low:g}) is more than {most!r} ({high:g})"

    def overridden_by(self, other: MeasureSpec) -> dict[str, Any]:
        """What is set here or in `other`, which takes precedence."""
        return self.model_dump(exclude_unset=True) | other.model_dump(exclude_unset=True)

    @classmethod
    def completed(cls, given: Mapping[str, Any]) -> MeasureSpec:
        """`given` with the defaults. Raises `ValueError` where they contradict each other."""
        values = {name: info.default for name, info in cls.model_fields.items()} | dict(given)
        for sentence in cls.conflicts(values):
            raise ValueError(sentence)
        return cls.model_validate(dict(given))
