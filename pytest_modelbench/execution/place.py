"""Where processes that measure run: by which interpreter, on which path, in which directory."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from pytest_modelbench.execution.tree import Tree
from pytest_modelbench.git import OF_HOOKS

GIVEN_PYTHONPATH = "PYTEST_MODELBENCH_GIVEN_PYTHONPATH"
"""What PYTHONPATH was before it became ours: servers that are started have that one."""
Extension = tuple[str, str]
"""Name and file of a module that implements `pytest_modelbench_register`."""


@dataclass(frozen=True)
class Place:
    """The session's own interpreter and directory, unless something else is said."""

    python: str | None = None
    """Another interpreter, in whose environment this package is installed, too."""
    path: tuple[str, ...] = ()
    """Directories that come first on the import path."""
    folder: str | None = None
    """The working directory."""
    env: tuple[tuple[str, str], ...] = ()
    """Environment variables beside, or instead of, the session's."""
    tree: Tree | None = None
    """The working tree and the worktree that stands for it here."""

    @property
    def executable(self) -> str:
        return self.python or sys.executable

    @property
    def is_own_interpreter(self) -> bool:
        return self.python is None

    def environment(self) -> dict[str, str]:
        """For a Python process here. Another interpreter finds its own modules, not ours."""
        left_out = {"PYTHONPATH", *OF_HOOKS}
        if not self.is_own_interpreter:
            # Of the environment that was left: neither its modules nor its settings are meant.
            left_out |= {"PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
        given = {name: value for name, value in os.environ.items() if name not in left_out}
        given.setdefault(GIVEN_PYTHONPATH, os.environ.get("PYTHONPATH", ""))
        path = os.pathsep.join(filter(None, self.import_path()))
        if path:
            given["PYTHONPATH"] = path
        return {**given, **dict(self.env)}

    def import_path(self) -> list[str]:
        """What a process here should have on its path beside what it finds by itself."""
        if not self.is_own_interpreter:
            return list(self.path)
        return [*self.path, *(self.tree.import_path(sys.path) if self.tree else sys.path)]

    def counterpart(self, file: str) -> str:
        """`file`, or what stands for it here."""
        return (self.tree and self.tree.counterpart(file)) or file

    def lacks(self, file: str) -> bool:
        """Whether `file` is the working tree's, and the revision here has none of that name."""
        return (
            self.tree is not None
            and self.tree.within(file) is not None
            and self.tree.counterpart(file) is None
        )

    def extensions(self, files: list[Extension]) -> list[Extension]:
        """The same modules as they are found here; those of another environment by name alone."""
        return [(name, self._extension_file(file)) for name, file in files]

    def _extension_file(self, file: str) -> str:
        here = self.counterpart(file)
        is_installed = any(part in ("site-packages", "dist-packages") for part in Path(here).parts)
        return "" if is_installed and not self.is_own_interpreter else here


HERE = Place()
