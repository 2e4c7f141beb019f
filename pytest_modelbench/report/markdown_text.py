"""Text from anywhere as GitHub's Markdown that shows just that text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_modelbench.errors import cut, encodable
from pytest_modelbench.redaction import printable

LONGEST_CELL, LONGEST_LINE = 200, 600
"""Characters of the text itself, before anything is escaped."""
# A zero-width space: GitHub looks for names, numbers and addresses in the text that Markdown has
# become, where an escaped character is as good as any other.
_APART = "&#8203;"
# Entities, not backslashes, for what ends a cell: no reader of tables takes them for an end.
_PLAIN = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "|": "&#124;",
        "\\": "&#92;",
        "$": "<span>$</span>",  # as GitHub advises: elsewhere it begins a formula
        **{sign: f"\\{sign}" for sign in "`*[~"},
    }
)
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # between letters it is no emphasis
_MENTION_OR_ADDRESS = re.compile(
    r"@(?=\w)|(?<!&)#(?=\w)|:(?=//|[\w+-]+:)|GH(?=-\d)|www(?=\.)", re.IGNORECASE
)
_BEGINS_BLOCK = re.compile(
    r"(?:[-+]|#{1,6})(?=\s|$)|[-=][-=\s]*$|(?P<number>\d{1,9})(?=[.)](\s|$))"
)


def escaped(text: str, longest: int = LONGEST_CELL) -> str:
    """`text` in one line, to stand in a cell or behind other words.

    >>> escaped("<b>|*x* p50_ms @me")
    '&lt;b&gt;&#124;\\\\*x\\\\* p50_ms @&#8203;me'
    """
    plain = printable(cut(" ".join(encodable(text).split()), longest)).translate(_PLAIN)
    plain = _UNDERSCORE.sub(r"\\_", plain)
    return _MENTION_OR_ADDRESS.sub(rf"\g<0>{_APART}", plain)


def bullet(text: str) -> str:
    """A line of a list that holds `text`, which begins no list or heading of its own.

    >>> bullet("- 1"), bullet("2. two")
    ('- \\\\- 1', '- 2\\\\. two')
    """
    line = escaped(text, LONGEST_LINE)
    if found := _BEGINS_BLOCK.match(line):
        line = f"{found['number'] or ''}\\{line[len(found['number'] or '') :]}"
    return f"- {line}"


def table_row(cells: Iterable[str]) -> str:
    """A row of cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"


def table_head(titles: Iterable[str], left: Iterable[int]) -> list[str]:
    """The titles and the line below them; columns to the right, but for those in `left`."""
    titles, left = list(titles), set(left)
    rule = ["---" if column in left else "---:" for column in range(len(titles))]
    return [table_row(map(escaped, titles)), table_row(rule)]


def counted(number: int, noun: str) -> str:
    """
    >>> counted(1, "error"), counted(2, "error")
    ('1 error', '2 errors')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
