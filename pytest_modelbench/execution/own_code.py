"""Whether the process of a revision has imported that revision's code, and no other's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.registering import Unregistered
from pytest_modelbench.execution.tree import Tree

_OURS = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class OwnCode:
    """What a process may have imported."""

    tree: Tree | None = None
    """None for a process that is of no revision."""
    given: frozenset[str] = frozenset()
    """Files of the working tree that it was told to import."""
    broken: Unregistered | None = None
    """A conftest of the revision that cannot be used, without which it is not that revision."""

    @classmethod
    def of(cls, wishes: dict[str, Any], failed: Sequence[Unregistered] = ()) -> OwnCode:
        """As the session wishes it; `failed` are the extensions that could not be registered."""
        tree = Tree(*wishes["tree"]) if wishes.get("tree") else None
        given = frozenset(file for _, file in wishes["extensions"])
        return cls(tree, given, next((one for one in failed if one.is_broken_in(tree)), None))

    def check_registered(self) -> None:
        """Raises `ModelbenchError` naming a conftest of the revision that cannot be used."""
        if self.broken is not None:
            raise ModelbenchError(self.broken.said(self.tree)) from self.broken.error

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
