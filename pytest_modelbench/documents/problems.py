"""A fault in a document, said so that a person can mend it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pytest_modelbench.errors import ModelbenchError, cut

Location: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of a document, such as `("benchmarks", 0, "runner")`."""


def json_path(location: Location) -> str:
    """The way people write a location.

    >>> json_path(("benchmarks", 0, "runner"))
    'benchmarks[0].runner'
    """
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def shown(value: Any, limit: int = 80) -> str:
    """A value as it stands in JSON, cut to a readable length."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return cut(text, limit)


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it is and what would be right."""

    file: Path
    line: int | None
    location: Location
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        path = json_path(self.location)
        return f"{place}: {path}: {self.message}" if path else f"{place}: {self.message}"


class DocumentError(ModelbenchError):
    """A document that cannot be used, with every fault found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line or 0)
        super().__init__("\n".join(str(problem) for problem in self.problems))
