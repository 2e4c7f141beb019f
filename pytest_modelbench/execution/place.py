"""Where processes that measure run: by which interpreter, on which path, in which directory."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from pytest_modelbench.child_environment import environment_with_path

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
    tree: tuple[str, str] | None = None
    """A directory and its counterpart here: what lies in the first is taken from the second."""

    @property
    def executable(self) -> str:
        return self.python or sys.executable

    @property
    def is_own_interpreter(self) -> bool:
        return self.python is None

    def environment(self) -> dict[str, str]:
        """For a Python process here. Another interpreter finds its own modules, not ours."""
        given = environment_with_path() if self.is_own_interpreter else dict(os.environ)
        if not self.is_own_interpreter:
            # Of the environment that was left: neither its modules nor its settings are meant.
            for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"):
                given.pop(name, None)
        path = os.pathsep.join(filter(None, (*self.path, given.get("PYTHONPATH", ""))))
        if path:
            given["PYTHONPATH"] = path
        return {**given, **dict(self.env)}

    def import_path(self) -> list[str]:
        """What a process here should have on its path beside what it finds by itself."""
        return [*self.path, *(sys.path if self.is_own_interpreter else ())]

    def counterpart(self, file: str) -> str:
        """`file`, or what stands for it here."""
        if self.tree is not None:
            before, here = map(Path, self.tree)
            if Path(file).is_relative_to(before):
                other = here / Path(file).relative_to(before)
                if other.exists():
                    return str(other)
        return file

    def extensions(self, files: list[Extension]) -> list[Extension]:
        """The same modules as they are found here; those of another environment by name alone."""
        return [(name, self._extension_file(file)) for name, file in files]

    def _extension_file(self, file: str) -> str:
        here = self.counterpart(file)
        is_installed = any(part in ("site-packages", "dist-packages") for part in Path(here).parts)
        return "" if is_installed and not self.is_own_interpreter else here


HERE = Place()
