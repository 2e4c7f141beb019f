"""The published JSON Schemas (2020-12), generated from the models that validate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KINDS = ("suite", "run", "registry")


def document_model(kind: str) -> type[BaseModel]:
    """The pydantic model of a kind of document: `suite`, `run` or `registry`."""
    if kind == "suite":
        from pytest_modelbench.suite.document import Suite

        return Suite
    if kind == "run":
        from pytest_modelbench.results.run import BenchmarkRun

        return BenchmarkRun
    from pytest_modelbench.registry import RegistryDocument

    return RegistryDocument


def json_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of document, generated now."""
    return {"$schema": DIALECT, **document_model(kind).model_json_schema(by_alias=True)}


def committed_file(kind: str) -> Path:
    """The copy that ships with the package, for editors."""
    return Path(__file__).parent / f"{kind}.schema.json"


def schema_text(kind: str) -> str:
    """The schema as it stands in its file."""
    return json.dumps(json_schema(kind), indent=2, ensure_ascii=False) + "\n"
