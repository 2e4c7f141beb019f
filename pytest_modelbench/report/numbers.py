"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_modelbench.results.metric import Metric

NOTHING = "-"
SIGNIFICANT_DIGITS = 3
FLAG_SIGNS = {"client_limited": "^"}
"""After a value; `!` for all other flags."""


def shown(value: float) -> str:
    """Three significant digits, never in exponents where plain digits do; counts in full.

    >>> shown(7.1234), shown(203.97), shown(0.014085), shown(24.0), shown(123456.7)
    ('7.12', '204', '0.0141', '24', '123457')
    """
    if abs(value) >= 1e15 or 0 < abs(value) < 1e-4:
        return f"{value:.2e}"
    if value == int(value):
        return str(int(value))
    if abs(value) >= 100:
        return f"{value:.0f}"
    rounded = abs(float(f"{value:.{SIGNIFICANT_DIGITS}g}"))  # 9.999 has one decimal less than 9.99
    decimals = SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(rounded))
    return f"{value:.{max(decimals, 0)}f}"


def with_interval(metric: Metric) -> str:
    """The value and, in brackets, its interval; `?` stands for an end that is not known."""
    if metric.value is None:
        return {"skipped": "skipped", "error": "error"}[metric.status]
    text = shown(metric.value)
    if flag := metric.metadata.get("flag"):
        text += FLAG_SIGNS.get(str(flag), "!")
    if metric.interval is not None:
        low, high = ("?" if end is None else shown(end) for end in metric.interval)
        text += f" [{low}, {high}]"
    return text


def without_interval(metric: Metric) -> str:
    """The value alone."""
    text = with_interval(metric)
    return text.partition(" [")[0]
