"""The registry: which models there are, and what is known of each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, RootModel

from pytest_modelbench.digest import model_files
from pytest_modelbench.documents.problems import DocumentError
from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.documents.validate import load_document
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.paths import path_from
from pytest_modelbench.strict import Text

ModelType = Literal["base", "quantized", "distilled", "quantized+distilled"]
MODEL_SUFFIXES = (".xml", ".onnx")
"""Of model files; no hub id ends so."""


class RegistryEntry(StrictModel):
    """One model as the registry file describes it."""

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

    model_config = ConfigDict(strict=True, title="pytest-modelbench registry")


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
        try:
            files = model_files(path) if path.is_file() else path.rglob("*")
            sizes = [file.stat().st_size for file in files if file.is_file()]
        except OSError:  # a directory that may be listed and no more, a download that is going on
            return None
        return sum(sizes) / 1e6 if sizes else None


@dataclass(frozen=True)
class Registry:
    """A registry file that was read and found whole."""

    file: Path
    entries: tuple[RegistryEntry, ...]

    def candidate(self, entry: RegistryEntry) -> Candidate:
        """`entry` with its path made absolute; a path that is not there may be a hub id."""
        return Candidate(
            version=entry.version,
            model_path=resolve_model_path(entry.model_path, self.file.parent),
            base_model=entry.base_model,
            distilled_from=entry.distilled_from,
            quantization=entry.quantization,
        )

    def candidates(self) -> list[Candidate]:
        return [self.candidate(entry) for entry in self.entries]


def load_registry(file: Path) -> Registry:
    """Read a registry. Raises `DocumentError` naming the line; never returns less than there is."""
    document, text = load_document(file, RegistryDocument)
    seen: dict[str, int] = {}
    problems = []
    for index, entry in enumerate(document.root):
        if entry.version in seen:
            first = text.line((seen[entry.version], "version"))
            problems.append(
                text.problem(
                    (index, "version"),
                    f"{entry.version!r} is already the version on line {first}: versions differ",
                )
            )
        seen.setdefault(entry.version, index)
        try:
            path_from(entry.model_path, file.parent)
        except ModelbenchError as error:
            problems.append(text.problem((index, "model_path"), str(error)))
    if problems:
        raise DocumentError(problems)
    return Registry(file, tuple(document.root))


def resolve_model_path(text: str, base_dir: Path) -> str:
    """An absolute path for what is, or is written as, a local path; else the text as it is.

    `~`, `./`, `../`, absolute paths and names of OpenVINO and ONNX files are local whether they
    exist or not; anything else is local when it exists relative to `base_dir`, and otherwise a hub
    id. Raises `ModelbenchError` for what cannot be a path.
    """
    path = path_from(text, base_dir)
    if text.startswith("~") or Path(text).is_absolute():
        return str(path.absolute())
    if text.startswith(".") or path.suffix.lower() in MODEL_SUFFIXES or path.exists():
        # Not `resolve`: a link's own name is the name people know the model by.
        return os.path.abspath(path)  # noqa: PTH100
    return text
