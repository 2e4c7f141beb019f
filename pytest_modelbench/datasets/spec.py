"""What a suite says about a dataset, before any row is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.strict import OptionalText, blank_is_unset, lower_case

_OTHER_NAMES = {"id": "dataset", "config": "name"}
FILE_SOURCES = ("json", "jsonl", "local", "local_json", "local_jsonl")
GENERATED = "generated"
SOURCES = ("hf", *FILE_SOURCES, GENERATED)
SEED_COLUMN = "seed"
"""The only column of source `generated`."""

_COLUMN = {"type": "string", "minLength": 1}
_ONE_OR_TWO = {"minItems": 1, "maxItems": 2}
Column = Annotated[str, Field(min_length=1)]


def _columns(value: Any) -> Any:
    """One column or a pair of columns, always as a tuple; anything else is left to the schema."""
    return [value] if isinstance(value, str) else value


class DatasetSpec(StrictModel):
    """Where samples come from and which columns hold the input and the reference."""

    source: Annotated[
        str,
        BeforeValidator(lower_case),
        Field(
            min_length=1, json_schema_extra={"anyOf": [{"enum": list(SOURCES)}, {"type": "string"}]}
        ),
    ] = "hf"
    """`hf` reads with `datasets.load_dataset`, `generated` counts seeds; the others read a JSON or
    JSON-lines file."""
    id: OptionalText = None
    """`hf`: a dataset id on the hub, or a local directory (relative to the suite file)."""
    dataset: OptionalText = None
    """Another name for `id`."""
    config: OptionalText = None
    """`hf`: the configuration (subset) to load."""
    name: OptionalText = None
    """Another name for `config`."""
    split: str = "validation"
    """`hf`: the split to read, slices such as `test[:100]` included."""
    path: OptionalText = None
    """JSON sources: the file to read, relative to the suite file."""
    input_column: Annotated[
        list[Column],
        BeforeValidator(_columns),
        Field(min_length=1, max_length=2),
        WithJsonSchema({"anyOf": [_COLUMN, {"type": "array", **_ONE_OR_TWO, "items": _COLUMN}]}),
    ] = ["text"]
    """The column a model is given; a list of two columns makes pairs."""
    reference_column: OptionalText = None
    """The column answers are scored against."""
    max_samples: Annotated[int, Field(ge=1)] = 32
    """How many usable rows to take; unusable ones do not count."""
    sampling_rate: Annotated[int, Field(ge=1, le=768_000)] = 16_000
    """Audio is resampled to this rate (Hz) before a model sees it."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        for field, alias in _OTHER_NAMES.items():
            first, second = (blank_is_unset(given.get(name)) for name in (field, alias))
            if first and second and first != second:
                yield (
                    f"{field!r} and its other name {alias!r} differ ({first!r}, {second!r}): "
                    "give one of them"
                )

    @property
    def dataset_id(self) -> str | None:
        """The hub id or directory, under whichever name it was given."""
        return self.id or self.dataset

    @property
    def config_name(self) -> str | None:
        """The configuration, under whichever name it was given."""
        return self.config or self.name

    @property
    def columns(self) -> list[str]:
        """The one or two columns a model is given; of source `generated`, unasked, the only one."""
        if self.source == GENERATED and "input_column" not in self.model_fields_set:
            return [SEED_COLUMN]
        return self.input_column

    @model_validator(mode="before")
    @classmethod
    def _blank_split_is_unset(cls, value: Any) -> Any:
        """Blank, like every other unset text, means the default, or what it would override."""
        if not isinstance(value, Mapping) or blank_is_unset(value.get("split")) is not None:
            return value
        return {name: one for name, one in value.items() if name != "split"}

    def overridden_by(self, other: DatasetSpec) -> DatasetSpec:
        """This spec with every key that `other` set itself taking precedence."""
        mine = self.model_dump(exclude_unset=True)
        theirs = other.model_dump(exclude_unset=True, exclude_none=True)
        for field, alias in _OTHER_NAMES.items():
            if field in theirs or alias in theirs:
                mine.pop(field, None)
                mine.pop(alias, None)
        return DatasetSpec.model_validate(mine | theirs)

    def describe(self) -> dict[str, Any]:
        """The spec without its unset keys and aliases, as it stands in a result."""
        kept: dict[str, Any] = {"source": self.source}
        # Sources of other packages may use the fields of any.
        if self.source not in (*FILE_SOURCES, GENERATED):
            kept |= {"id": self.dataset_id, "config": self.config_name, "split": self.split}
        if self.source not in ("hf", GENERATED):
            kept |= {"path": self.path}
        columns = self.columns
        kept["input_column"] = columns[0] if len(columns) == 1 else columns
        kept["reference_column"] = self.reference_column
        kept["max_samples"] = self.max_samples
        kept["sampling_rate"] = self.sampling_rate
        return kept


InputKind = Literal["audio", "audio_url", "text", "any"]
"""How a runner wants its input: decoded audio, where audio is, a string, or the column as it is."""
