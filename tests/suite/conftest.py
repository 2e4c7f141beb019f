"""What the tests of suites share: real files in a folder, and the faults found in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.documents.problems import DocumentError, Problem
from pytest_modelbench.suite.load import LoadedSuite, load_suite
from pytest_modelbench.suite.selection import Selection


class Folder:
    """A folder with a dataset, a model directory and whatever a test writes into it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "rows.json").write_text('[{"text": "a"}]')
        (path / "model").mkdir()

    def write(self, name: str, value: Any) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value if isinstance(value, str) else json.dumps(value, indent=1))
        return file

    def suite(self, **fields: Any) -> dict[str, Any]:
        """A right suite; a field given as None is left out."""
        whole = {
            "id": "s",
            "dataset": {"source": "json", "path": "rows.json"},
            "benchmarks": [{"id": "b", "runner": "embedding_text", "model": "model"}],
            **fields,
        }
        return {name: value for name, value in whole.items() if value is not None}

    def benchmark(self, **fields: Any) -> dict[str, Any]:
        """A right suite whose only benchmark has these fields in addition."""
        whole = {"id": "b", "runner": "embedding_text", "model": "model", **fields}
        kept = {name: value for name, value in whole.items() if value is not None}
        return self.suite(benchmarks=[kept])

    def load(self, value: Any, selection: Selection | None = None) -> LoadedSuite:
        return load_suite(self.write("suite.json", value), selection or Selection())

    def problems(self, value: Any, selection: Selection | None = None) -> list[Problem]:
        with pytest.raises(DocumentError) as caught:
            self.load(value, selection)
        return caught.value.problems

    def fault(self, value: Any, selection: Selection | None = None) -> str:
        """The only fault, without the file and line."""
        (problem,) = self.problems(value, selection)
        return str(problem).partition(": ")[2]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def registry(folder: Folder) -> Callable[..., Path]:
    """Writes `registry.json` with entries of these versions, each with a directory of its own."""

    def write(*versions: str, **fields: Any) -> Path:
        for version in versions:
            (folder.path / "models" / version).mkdir(parents=True, exist_ok=True)
        entries = [
            {"version": version, "model_path": f"models/{version}", **fields.get(version, {})}
            for version in versions
        ]
        return folder.write("registry.json", entries)

    return write
