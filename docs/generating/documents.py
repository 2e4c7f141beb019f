"""Suite, registry and run: a table for each object of their published JSON Schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache

from pydantic import BaseModel

from generating import UnexplainedError
from generating.markdown import code, link, page, phrase, prose, table
from generating.meanings import MEANINGS, SAME_AS
from generating.source import OURS, texts_of_fields
from generating.types import Schema, Types, without_null


def suite_page() -> str:
    """The page of the suite and of the registry."""
    return page(
        "Suite and registry fields",
        "Every object of the two documents that you write. [Suites](suites.md) explains how the "
        "fields work together. Unknown fields are mistakes; a field that is null, or an empty "
        "string, counts as not given. `modelbench schema suite` and `modelbench schema registry` "
        "print the JSON Schemas (2020-12) of which these tables are made.",
        [
            *_document("suite", "Suite"),
            *_document("registry", "RegistryEntry", "A registry is a list of these."),
        ],
    )


def run_page() -> str:
    """The page of the run file."""
    return page(
        "Run file fields",
        "Every object of the file that a session writes. [Results](results.md) explains how to "
        "read it, and the [packed](results.md#every-call) fields. A field is always there, "
        "unless a default says otherwise; null means that there is nothing, or that it could not "
        "be known. "
        "`modelbench schema run` prints the JSON Schema (2020-12) of which these tables are made.",
        _document("run", "BenchmarkRun"),
    )


def _document(kind: str, root: str, note: str = "") -> list[str]:
    from pytest_modelbench.schemas import json_schema

    schema = json_schema(kind)
    definitions = dict(schema.get("$defs", {}))
    if root not in definitions:
        definitions[root] = {key: value for key, value in schema.items() if key != "$defs"}
    types = Types(definitions)
    parts = []
    for name in _in_order(root, types):
        parts += _object(name, types, note if name == root else "")
    return parts


def _in_order(root: str, types: Types) -> list[str]:
    """Objects as a reader meets them: each before those that its fields hold."""
    found = [root]
    for name in found:
        found += dict.fromkeys(
            one for one in types.objects_in(types.definitions[name]) if one not in found
        )
    return found


def _object(name: str, types: Types, note: str) -> Iterator[str]:
    definition = types.definitions[name]
    yield f"## {name}"
    yield " ".join(filter(None, [prose(definition.get("description")), note]))
    if places := _places(name, types):
        yield f"It stands in {', '.join(places)}."
    required = definition.get("required", [])
    is_all_required = len(required) == len(definition["properties"])
    rows = []
    for field, node in definition["properties"].items():
        default = _default(node, is_required=field in required)
        words = types.words(without_null(node) if default == "-" else node)
        shown = "" if is_all_required else default
        rows.append((code(field), words, shown, _meaning(name, field)))
    yield table(["field", "type", "default", "meaning"], rows)


def _places(name: str, types: Types) -> list[str]:
    """The fields of other objects that hold this one."""
    return [
        f"`{field}` of {link(holder)}"
        for holder, definition in types.definitions.items()
        for field, node in definition.get("properties", {}).items()
        if name in types.objects_in(node)
    ]


def _default(node: Schema, *, is_required: bool) -> str:
    if is_required:
        return "required"
    default = node.get("default")
    if isinstance(default, dict):
        default = {key: value for key, value in default.items() if value not in (None, [])}
    return "-" if default is None else code(json.dumps(default))


_told: set[str] = set()
"""Fields that a line of `MEANINGS` was needed for."""


def unneeded_meanings() -> list[str]:
    """Lines of `MEANINGS` that no page needed."""
    return sorted(MEANINGS.keys() - _told)


def _meaning(name: str, field: str) -> str:
    from pytest_modelbench.catalogue import CATALOGUE

    text = _texts(name).get(field)
    for owner in (name, SAME_AS.get(name, name)):
        if text is None and f"{owner}.{field}" in MEANINGS:
            text = MEANINGS[f"{owner}.{field}"]
            _told.add(f"{owner}.{field}")
        text = text or _texts(owner).get(field)
    if text is None and field in CATALOGUE:
        text = link("The metric of this name", "Catalogue", "metrics.md")
    if text is None:
        raise UnexplainedError(
            f"{name}.{field}: nothing says what it means: write a text under the field in the "
            "code, or a line in docs/generating/meanings.py"
        )
    return phrase(re.sub(r"\bNone\b", "null", text))


def _texts(name: str) -> Mapping[str, str]:
    """The texts under an object's fields in the code, by the fields' names in the document."""
    model = _models().get(name)
    if model is None:
        return {}
    texts = texts_of_fields(model)
    return {
        info.alias or field: texts[field]
        for field, info in model.model_fields.items()
        if field in texts
    }


@cache
def _models() -> dict[str, type[BaseModel]]:
    """The classes behind the objects, by name."""
    from pytest_modelbench.schemas import KINDS, document_model

    for kind in KINDS:
        document_model(kind)  # which imports them
    found: dict[str, type[BaseModel]] = {}
    waiting: list[type[BaseModel]] = [BaseModel]
    for one in waiting:
        waiting += one.__subclasses__()
        if one.__module__.startswith(OURS):
            found[one.__name__] = one
    return found
