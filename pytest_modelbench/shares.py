"""A share of a whole, as people write it."""

from __future__ import annotations

import re

_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_NUMBER = re.compile(r"\s*(\d*\.?\d+)\s*")


def share_from(text: str) -> float | None:
    """The share that `text` says, 0 to 1; None for anything else.

    >>> share_from("20%"), share_from("0.05"), share_from("1"), share_from("20")
    (0.2, 0.05, 1.0, None)
    """
    percent, number = _PERCENT.fullmatch(text), _NUMBER.fullmatch(text)
    if percent is not None:
        share = float(percent[1]) / 100
    elif number is not None:
        share = float(number[1])
    else:
        return None
    return share if share <= 1 else None
