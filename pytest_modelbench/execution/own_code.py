"""Whether the process of a revision has imported that revision's code, and no other's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.tree import Tree

_OURS = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class OwnCode:
    """What a process may have imported."""

    tree: Tree | None = None
    """None for a process that is of no revision."""
    given: frozenset[str] = frozenset()
    """Files of the working tree that it was told to import."""

    @classmethod
    def of(cls, wishes: dict[str, Any]) -> OwnCode:
        """As the session wishes it."""
        tree = wishes.get("tree")
        return cls(Tree(*tree) if tree else None, frozenset(f for _, f in wishes["extensions"]))

    def check(self) -> None:
        """Raises `ModelbenchError` naming a module of the working tree that was imported."""
        if self.tree is None:
            return
        for name, file in sorted(_imported()):
            folder = os.path.dirname(file)  # noqa: PTH120 - of thousands of modules
            if file in self.given or self.tree.within(folder) is None:
                continue
            if file.startswith(_OURS + os.sep):
                continue  # this package measures both sides
            raise ModelbenchError(
                f"module {name!r} was imported from {file}, which is the working tree's and not "
                "the revision's: say in compare.revisions.path where the revision has it, or give "
                "it an environment of its own (compare.revisions.setup and python)"
            )


def _imported() -> Iterator[tuple[str, str]]:
    for name, module in list(sys.modules.items()):
        # Not by the module's own ways: a lazy one would import itself when asked.
        with suppress(AttributeError, TypeError):
            file = object.__getattribute__(module, "__dict__").get("__file__")
            if isinstance(file, str):
                yield name, file
