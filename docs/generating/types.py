"""What a published JSON Schema asks of a value, in a few words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from generating.markdown import choices, code, link

Schema = Mapping[str, Any]
PLURALS = {"string": "strings", "integer": "integers", "number": "numbers", "object": "objects"}


class Types:
    """The types of one document, whose objects have headings of their own names."""

    def __init__(self, definitions: Schema) -> None:
        self.definitions = definitions

    def words(self, node: Schema) -> str:
        """The type of a field.

        >>> Types({}).words({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]})
        'integer, 1 or more, or null'
        """
        if "$ref" in node:
            return self._named(node["$ref"].rpartition("/")[2])
        for key in ("anyOf", "oneOf"):
            if key in node and "properties" not in node:
                return self._any_of(node[key])
        if "const" in node:
            return code(json.dumps(node["const"]))
        if "enum" in node:
            return choices([json.dumps(value) for value in node["enum"]])
        return self._plain(node)

    def objects_in(self, node: Any) -> Iterator[str]:
        """Names of the objects that a node refers to, in order."""
        if isinstance(node, Mapping):
            if "$ref" in node:
                name = node["$ref"].rpartition("/")[2]
                if self.is_object(name):
                    yield name
            for value in node.values():
                yield from self.objects_in(value)
        elif isinstance(node, list):
            for value in node:
                yield from self.objects_in(value)

    def is_object(self, name: str) -> bool:
        """Whether a definition has fields, and so a table."""
        return "properties" in self.definitions[name]

    def _named(self, name: str) -> str:
        if self.is_object(name):
            return link(name)
        node = self.definitions[name]
        return choices([json.dumps(one) for one in node["enum"]]) if "enum" in node else "any JSON"

    def _any_of(self, nodes: list[Schema]) -> str:
        *before, last = dict.fromkeys(self.words(node) for node in nodes)
        if not before:
            return last
        comma = "," if any("," in word or " or " in word for word in before) else ""
        return f"{', '.join(before)}{comma} or {last}"

    def _plain(self, node: Schema) -> str:
        kind = node.get("type")
        if kind == "array":
            return self._list(node)
        if kind == "object":
            return self._object(node)
        if kind in ("integer", "number"):
            return f"{kind}{_range(node)}"
        if kind == "string" and node.get("contentEncoding"):
            return f"string, {node['contentEncoding']}"
        return str(kind or "any JSON")

    def _list(self, node: Schema) -> str:
        of = self.words(node.get("items", {}))
        of = f"({of})" if " or " in of or "," in of else of
        least, most = node.get("minItems", 0), node.get("maxItems")
        count = f" {least}" if least == most else ""
        words = f"list of{count} {PLURALS.get(of, of)}"
        if most is not None and least != most:
            words += f", {least} to {most} of them"
        elif least and not count:
            words += ", not empty"
        return words

    def _object(self, node: Schema) -> str:
        values = list(node.get("patternProperties", {}).values())
        if isinstance(node.get("additionalProperties"), Mapping):
            values.append(node["additionalProperties"])
        of = self.words(values[0]) if values else "any JSON"
        return "object" if of == "any JSON" else f"object of names to {PLURALS.get(of, of)}"


def without_null(node: Schema) -> Schema:
    """The same type, but for null."""
    kept = [one for one in node.get("anyOf", []) if one != {"type": "null"}]
    return {"anyOf": kept} if kept else node


def _range(node: Schema) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if high is not None and high >= 2**53:  # as far as numbers of JSON are exact: nothing to say
        high = None
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f", {low:,} to {high:,}"
    words = []
    words += [f"{low:,} or more"] if low is not None else []
    words += [f"above {above:,}"] if above is not None else []
    words += [f"below {below:,}"] if below is not None else []
    words += [f"up to {high:,.12g}"] if high is not None else []
    return "".join(f", {word}" for word in words)
