"""Whether a dataset can be where a suite says it is."""

from __future__ import annotations

from pathlib import Path

from pytest_modelbench.datasets import DATASET_SOURCES
from pytest_modelbench.datasets.spec import FILE_SOURCES, DatasetSpec
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.paths import path_from


def dataset_fault(spec: DatasetSpec, base_dir: Path) -> tuple[str, str] | None:
    """The field of the dataset that is wrong, and how; paths are relative to `base_dir`."""
    try:
        DATASET_SOURCES.get(spec.source)
    except ModelbenchError as error:
        return "source", str(error)
    if spec.source == "hf" and not spec.dataset_id:
        return "id", "source 'hf' needs 'id': a hub id or a directory"
    if spec.source in FILE_SOURCES:
        if not spec.path:
            return "path", f"source {spec.source!r} needs 'path': a JSON or JSON-lines file"
        try:
            path = path_from(spec.path, base_dir)
        except ModelbenchError as error:
            return "path", str(error)
        if not path.is_file():
            return "path", f"{spec.path!r}: there is no such file ({path})"
    return None
