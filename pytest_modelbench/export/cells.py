"""Texts of others in files that spreadsheets open."""

from __future__ import annotations

from typing import Any

_BEGINNINGS = tuple("=+-@\t\n＝＋－＠")  # noqa: RUF001 - some programs read these alike


def safe_cell(value: Any) -> Any:
    """`value` as it may stand in a CSV file: a text never begins like a formula.

    Such a text gets an apostrophe in front, which spreadsheets show as text. Numbers stay. Lines
    end with a line feed alone: a carriage return would begin a row of its own.

    >>> safe_cell("=1+1"), safe_cell("-CPU"), safe_cell(-1.5), safe_cell("digits")
    ("'=1+1", "'-CPU", -1.5, 'digits')
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(_BEGINNINGS) else text
