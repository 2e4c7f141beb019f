"""What is looked at: cases, and of comparisons each side."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pytest_modelbench.case import Case

T = TypeVar("T")


@dataclass(frozen=True)
class Subject:
    """A case to be measured, for the item `name`."""

    case: Case
    name: str
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables that it will find set, whatever this session has."""
    is_here: bool = True
    """Whether it is measured by this interpreter and from these files: else little can be told."""


def subjects_of(cases: Iterable[Case]) -> Iterator[Subject]:
    """Each case, or the sides that it stands for."""
    for case in cases:
        if case.comparison is None:
            yield Subject(case, case.id)
            continue
        for side in case.comparison.sides:
            is_here = side.commit is None and side.python is None
            yield Subject(side.case, case.id, dict(side.env), is_here)


class Memo:
    """Answers that hold for many cases, found once."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def once(self, key: Hashable, find: Callable[[], T]) -> T:
        if key not in self._known:
            self._known[key] = find()
        answer: T = self._known[key]
        return answer
