"""Pieces of Markdown that read the same on the site and in a plain git view."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence

GENERATED = "<!-- Made by `python docs/generate.py`: change the code, not this page. -->"


def page(title: str, introduction: str, sections: Iterable[str]) -> str:
    """A whole generated page."""
    return "\n\n".join([f"# {title}", GENERATED, introduction, *sections]).rstrip() + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a column that is empty in every row is left out."""
    kept = list(rows)
    used = [index for index in range(len(heads)) if any(row[index] for row in kept)]
    lines = [[heads[index] for index in used], ["---"] * len(used)]
    lines += [[cell(row[index]) or "-" for index in used] for row in kept]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(text: str) -> str:
    """Text that may stand in a table: one line, no bars."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Text as code, or nothing for no text."""
    return f"`{text}`" if text else ""


def phrase(text: str) -> str:
    """A text as tables have it: without a point at its end.

    >>> phrase("run this suite."), phrase("threads, ...")
    ('run this suite', 'threads, ...')
    """
    text = " ".join(text.split())
    return text[:-1] if text.endswith(".") and not text.endswith("...") else text


def help_text(text: str) -> str:
    """A phrase of a command's help, which is no Markdown but for its code.

    >>> help_text("only `a*` and *, not <b>.")
    'only `a*` and \\\\*, not &lt;b>'
    """
    parts = phrase(text).split("`")
    parts[::2] = [one.replace("*", r"\*").replace("<", "&lt;") for one in parts[::2]]
    return "`".join(parts)


def sentence(text: str) -> str:
    """A phrase as a sentence.

    >>> sentence("run this suite")
    'Run this suite.'
    """
    return f"{text[:1].upper()}{phrase(text)[1:]}."


def prose(docstring: str | None) -> str:
    """A docstring as paragraphs, without its examples, which need the module around them."""
    paragraphs = inspect.cleandoc(docstring or "").split("\n\n")
    kept = [one for one in paragraphs if not one.lstrip().startswith(">>>")]
    return "\n\n".join(one if one.startswith(("- ", "    ")) else cell_free(one) for one in kept)


def cell_free(paragraph: str) -> str:
    """A paragraph on one line: where it was broken in the code means nothing here."""
    return " ".join(paragraph.split())


def anchor(heading: str) -> str:
    """The anchor that a heading has, on the site as in a git view."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def link(text: str, heading: str = "", page: str = "") -> str:
    """A link to a heading, of another page where one is named."""
    return f"[{text}]({page}#{anchor(heading or text)})"


def choices(values: Iterable[str], last: str = "or") -> str:
    """`a`, `b` or `c`."""
    *before, end = (code(value) for value in values)
    return f"{', '.join(before)} {last} {end}" if before else end
