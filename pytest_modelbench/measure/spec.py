"""How a case is measured: warm-up, stop rule and limits, as a suite may set them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.shares import share_from

_ENDS = (("min_samples", "max_samples"), ("min_seconds", "max_seconds"))
MOST_WARMUP_CALLS = 100_000
NOT_IN_FINGERPRINT = {"timeout_seconds", "memory_limit_mb", "max_failed_samples"}
"""What ends a measurement that goes wrong, and does not change one that goes well; and what a
measurement with failed samples is called, whose figures are the same either way."""


def _number_or_auto(value: Any) -> Any:
    if isinstance(value, str) and value != "auto":
        raise ValueError(f'"{value}" should be a whole number, or "auto"')
    return value


def _kind(value: Any) -> str:
    return "word" if isinstance(value, str) else "number"


def _samples_or_share(value: Any) -> Any:
    """A whole number of samples as it is; a share as a number below 1."""
    share = share_from(value) if isinstance(value, str) and "%" in value else value
    is_count = type(share) is int and share >= 0
    if isinstance(share, float) and 0 <= share < 1:
        return share
    if not is_count:
        raise ValueError(
            f"{value!r} should be a whole number of samples, or a share of them below 1 such as "
            '"5%" or 0.05'
        )
    return share


SamplesOrShare = Annotated[
    int | float,
    BeforeValidator(_samples_or_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
                {"type": "string", "pattern": r"^\s*0*[0-9]{1,2}(\.[0-9]+)?\s*%\s*$"},
            ]
        }
    ),
]
Calls = Annotated[
    Annotated[int, Field(ge=0, le=MOST_WARMUP_CALLS), Tag("number")]
    | Annotated[Literal["auto"], Tag("word")],
    Discriminator(_kind),
    BeforeValidator(_number_or_auto),
]


class MeasureSpec(StrictModel):
    """When to stop timing: enough samples and enough seconds, or a hard limit of either.

    The dataset is always gone through once, for quality, whatever the limits say.
    """

    warmup: Calls = "auto"
    """Calls after the first and before the timed ones; `"auto"` goes on until they are steady."""
    warmup_max_seconds: Annotated[float, Field(ge=0, le=86_400)] = 2.0
    """`auto`: give up waiting for a steady state after so many seconds, and say so."""
    warmup_max_samples: Annotated[int, Field(ge=0, le=MOST_WARMUP_CALLS)] = 10_000
    """`auto`: the same, after so many calls."""
    min_samples: Annotated[int, Field(ge=1, le=1_000_000)] = 130
    """Timed calls wanted; 130 is what a p95 needs (99 % confidence, MLPerf early stopping)."""
    min_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.5
    """Seconds of timed calls wanted."""
    max_samples: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """No further round of the dataset after this many timed calls."""
    max_seconds: Annotated[float, Field(gt=0, le=86_400)] = 10.0
    """No further round of the dataset after this many seconds of timed calls."""
    timeout_seconds: Annotated[float, Field(gt=0, le=604_800)] = 3600.0
    """A case that takes longer, waiting for its turn apart, is ended and is an error."""
    memory_limit_mb: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """A case whose processes hold more resident memory (10^6 bytes) is ended and is an error."""
    threads: Annotated[int, Field(ge=1, le=4096)] | None = None
    """The most threads a model may compute with: so many processors are left to its process."""
    max_failed_samples: SamplesOrShare = 0
    """A case of which no more samples fail is measured all the same, and says so: a number of
    samples, or a share such as `"5%"` or `0.05`."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        """Only between what is given here: the rest may come from the suite."""
        for least, most in _ENDS:
            low, high = given.get(least), given.get(most)
            if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
                yield f"{least!r} ({low:g}) is more than {most!r} ({high:g})"

    def failures_tolerated(self, samples: int) -> int:
        """How many of so many samples may fail.

        >>> MeasureSpec(max_failed_samples="5%").failures_tolerated(40)
        2
        """
        most = self.max_failed_samples
        # Half a sample of noise less than nothing: 0.1 * 30 is a little more than 3.
        return most if isinstance(most, int) else int(most * samples + 1e-9)

    def overridden_by(self, other: MeasureSpec) -> dict[str, Any]:
        """What is set here or in `other`, which takes precedence."""
        return self.model_dump(exclude_unset=True) | other.model_dump(exclude_unset=True)

    @classmethod
    def completed(cls, given: Mapping[str, Any]) -> MeasureSpec:
        """`given` with the defaults, which yield: `max_samples` alone, at 50, is both limits.

        Raises `ValueError` where what is given contradicts itself.
        """
        for sentence in cls.conflicts(given):
            raise ValueError(sentence)
        made = cls.model_validate(dict(given))
        yielding = {}
        for least, most in _ENDS:
            if getattr(made, least) > getattr(made, most):
                is_least_given = least in made.model_fields_set
                default, other = (most, least) if is_least_given else (least, most)
                yielding[default] = getattr(made, other)
        return made.model_copy(update=yielding)
