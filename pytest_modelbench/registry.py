"""The registry: which models there are, and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

ModelType = Literal["base", "quantized", "distilled", "quantized+distilled"]
Text = Annotated[str, Field(min_length=1)]


class RegistryEntry(BaseModel):
    """One model as the registry file describes it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    version: Text
    """The name suites select it by; unique in the file."""
    model_path: Text
    """A directory or file, relative to the registry, or a hub id."""
    base_model: Text | None = None
    distilled_from: Text | None = None
    quantization: Text | None = None
    timestamp: str | None = None
    """When it was registered, ISO 8601."""
    metrics: dict[str, Any] = {}
    """Whatever earlier tools recorded; kept, never read."""
    active: bool = False
    last_good: bool = False
    commit_hash: str | None = None

    @property
    def model_type(self) -> ModelType:
        return derive_model_type(self.quantization, self.distilled_from)


class RegistryDocument(RootModel[list[RegistryEntry]]):
    """A registry file: a JSON list of models."""

    model_config = ConfigDict(strict=True)

    @model_validator(mode="after")
    def _versions_differ(self) -> RegistryDocument:
        seen: set[str] = set()
        for index, entry in enumerate(self.root):
            if entry.version in seen:
                raise ValueError(f"[{index}].version: {entry.version!r} is there twice")
            seen.add(entry.version)
        return self


def derive_model_type(quantization: str | None, distilled_from: str | None) -> ModelType:
    """`base`, `quantized`, `distilled` or `quantized+distilled`.

    >>> derive_model_type("int8", None)
    'quantized'
    """
    if quantization and distilled_from:
        return "quantized+distilled"
    if quantization:
        return "quantized"
    return "distilled" if distilled_from else "base"


@dataclass(frozen=True)
class Candidate:
    """A model to be measured: from a registry, a local path or a hub id."""

    version: str
    """A short unique name: the registry's version, the hub id, or a directory's name."""
    model_path: str
    """An absolute local path, or a hub id (or any name a runner understands)."""
    base_model: str | None = None
    distilled_from: str | None = None
    quantization: str | None = None

    @property
    def model_type(self) -> ModelType:
        return derive_model_type(self.quantization, self.distilled_from)

    @property
    def is_local(self) -> bool:
        return Path(self.model_path).is_absolute()

    @cached_property
    def file_size_mb(self) -> float | None:
        """Size of the model's files in MB (10^6 bytes); None when they are not on this machine."""
        path = Path(self.model_path)
        if not self.is_local or not path.exists():
            return None
        if path.is_file():
            return path.stat().st_size / 1e6
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6

    def labelled(self, version: str) -> Candidate:
        return replace(self, version=version)
