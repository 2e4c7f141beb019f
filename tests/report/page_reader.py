"""A page as a reader without scripts has it: its elements, its texts, its tables."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_WITHOUT_END = {"meta", "link", "br", "col", "input", "img"}


@dataclass
class Element:
    """An element with what is in it."""

    name: str
    attributes: dict[str, str | None]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, spaces drawn together."""
        return " ".join(self.raw.split())

    @property
    def raw(self) -> str:
        return "".join(one if isinstance(one, str) else one.raw for one in self.children)

    def all(self, name: str = "", **attributes: str) -> list[Element]:
        """Every element of that name and with these attributes, at any depth."""
        found = []
        for one in self.children:
            if isinstance(one, Element):
                given = {key.rstrip("_").replace("_", "-"): one for key, one in attributes.items()}
                fits = all(one.attributes.get(key) == value for key, value in given.items())
                found += [one] if fits and name in ("", one.name) else []
                found += one.all(name, **attributes)
        return found

    def one(self, name: str = "", **attributes: str) -> Element:
        found = self.all(name, **attributes)
        assert len(found) == 1, f"{len(found)} of {name} {attributes}"
        return found[0]

    def rows(self) -> list[list[str]]:
        """Of a table: its titles, then the texts of each row."""
        return [
            [cell.text for cell in row.children if isinstance(cell, Element)]
            for row in self.all("tr")
        ]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in _WITHOUT_END:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].name == tag, f"</{tag}> ends <{self._open[-1].name}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def read_page(text: str) -> Element:
    """The page; whatever is not closed in its order is a fault."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader._open == [reader.root]
    return reader.root


def data_in(page: Element) -> Any:
    """What scripts draw."""
    return json.loads(page.one("script", id="data").raw)


def table_called(page: Element, caption: str) -> Element:
    """The table whose caption begins so."""
    found = [
        table
        for table in page.all("table")
        for title in table.all("caption")
        if title.text.startswith(caption)
    ]
    assert len(found) == 1, f"{len(found)} tables are called {caption!r}"
    return found[0]
