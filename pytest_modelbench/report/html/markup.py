"""HTML in which what comes from data is always text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TypeAlias, Union

from pytest_modelbench.errors import encodable
from pytest_modelbench.redaction import printable

_WITHOUT_END = frozenset({"br", "meta", "link", "col"})


class Markup(str):
    """HTML that is fit to be put into a page as it stands."""

    __slots__ = ()


Child: TypeAlias = Union[str, int, Iterable["Child"], None]  # noqa: UP007 - names itself
"""`Markup` goes in as it is, any other text is escaped, None is nothing."""


def plain(text: str) -> str:
    """`text` as a page can show it, on one line: nothing in it steers a browser or a terminal.

    >>> plain("two\\n lines\\x00")
    'two lines\\\\x00'
    """
    return printable(re.sub(r"\s+", " ", encodable(text)))


def plain_lines(text: str) -> str:
    """The same of a text with several lines, such as a traceback."""
    return "\n".join(printable(line.expandtabs(4)) for line in encodable(text).split("\n"))


def tag(name: str, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """An element. Attributes: `class_` for `class`, `_` for `-`; None and False are left out.

    >>> tag("td", "<b>", class_="best", data_case=3, hidden=True)
    '<td class="best" data-case="3" hidden>&lt;b&gt;</td>'
    """
    given = "".join(map(_attribute, attributes.items()))
    if name in _WITHOUT_END:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Markup:
    """What stands side by side."""
    return Markup("".join(map(_inner, children)))


def preformatted(text: str) -> Markup:
    """A block that keeps its lines."""
    # The first line break within the element would be dropped.
    return Markup(f"<pre>\n{html.escape(plain_lines(text))}</pre>")


def _attribute(given: tuple[str, str | int | bool | None]) -> str:
    name, value = given[0].rstrip("_").replace("_", "-"), given[1]
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(plain(str(value)))}"'


def _inner(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return html.escape(plain(child))
    if isinstance(child, int):
        return str(child)
    return joined(*child)
