"""What pytest's own `--junitxml` shows of an item's verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_modelbench.redaction import printable
from pytest_modelbench.results.comparison import Comparison

NAME = "modelbench_verdict"


def junit_properties(comparisons: Iterable[Comparison]) -> list[tuple[str, str]]:
    """For `item.user_properties`: each verdict's line. Text alone: xdist carries nothing else."""
    return [
        (NAME, printable(" ".join(verdict.message.split())))
        for comparison in comparisons
        for verdict in comparison.verdicts
    ]


def show_in_junit(item: Any, comparisons: Iterable[Comparison]) -> None:
    """Give the item its verdicts as properties, instead of those of an earlier attempt."""
    others = [one for one in item.user_properties if one[0] != NAME]
    item.user_properties[:] = [*others, *junit_properties(comparisons)]
