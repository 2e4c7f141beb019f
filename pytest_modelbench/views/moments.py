"""Dates and ages as people write and read them."""

from __future__ import annotations

import argparse
import re
from datetime import datetime, timedelta

_UNITS = {"min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
MOST_DAYS = 365_000
"""A thousand years: not much longer ago there are no dates."""
_AGE = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(_UNITS)})")


def moment(text: str) -> datetime:
    """What `--since` means: a date, a time, or how long ago; without a zone, local.

    >>> moment("2026-11-21T10:00+00:00").isoformat()
    '2026-11-21T10:00:00+00:00'
    """
    if _AGE.fullmatch(text.strip()):
        return datetime.now().astimezone() - age(text)
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(
            f"{text!r} should be a date such as 2026-11-21, or an age such as 30min, 12h, 7d or 2w"
        ) from None


def age(text: str) -> timedelta:
    """
    >>> age("7d").days, age("1.5h").seconds
    (7, 5400)
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} should be an age such as 30min, 12h, 7d or 2w")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > MOST_DAYS * _UNITS["d"]:
        raise argparse.ArgumentTypeError(f"{text!r} should be an age of at most {MOST_DAYS}d")
    return timedelta(seconds=seconds)


def age_in_words(seconds: float) -> str:
    """
    >>> [age_in_words(one) for one in (-5, 40, 90, 7300, 200_000, 86_400 * 400)]
    ['just now', '40 s ago', '1 min ago', '2 h ago', '2 d ago', '400 d ago']
    """
    if seconds < 1:
        return "just now"
    for limit, size, unit in ((60, 1, "s"), (3600, 60, "min"), (2 * 86_400, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds / size)} {unit} ago"
    return f"{int(seconds / 86_400)} d ago"


def duration_in_words(seconds: float) -> str:
    """
    >>> [duration_in_words(one) for one in (4.2, 75, 3700)]
    ['4 s', '1 min 15 s', '1 h 1 min']
    """
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def local_minute(when: datetime) -> str:
    """Of the local day and time."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M")
