"""Extensions registered a second time, in the process from which those that measure are forked."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.errors import one_line
from pytest_modelbench.execution.tree import Tree

_HOOK = "pytest_modelbench_register"


@dataclass(frozen=True)
class Unregistered:
    """A conftest or plugin that registers nothing here although it does so in the session."""

    name: str
    file: str
    """Empty for one that is imported by its name."""
    error: BaseException | None
    """None where it has nothing to register, as before somebody wrote that."""

    def is_broken_in(self, tree: Tree | None) -> bool:
        """Whether it is a file of the revision that fails."""
        is_its = tree is not None and tree.within_worktree(self.file) is not None
        return is_its and self.error is not None

    def said(self, tree: Tree | None) -> str:
        """Which it is, and why."""
        what = self.file or self.name
        if tree is not None and (inside := tree.within_worktree(self.file)):
            what = f"{inside} of {tree.revision}"
        if self.error is None:
            return f"{what} has no {_HOOK}"
        return f"{what} cannot be used: {one_line(self.error)}"


def register_extensions(
    files: Iterable[tuple[str, str]], registered: set[str], tree: Tree | None
) -> list[Unregistered]:
    """Run `pytest_modelbench_register` of the conftests and plugins that have one.

    What fails is given back, and said where something is asked for by a name that is not known.
    """
    from pytest_modelbench.extensions import Extensions

    extensions, failed = Extensions(), []
    for name, file in files:
        if (file or name) in registered:
            continue
        try:
            module = _import_file(name, file) if file else importlib.import_module(name)
            register = getattr(module, _HOOK, None)
            if register is None:
                failed.append(Unregistered(name, file, None))
                continue
            register(modelbench=extensions)
        except (Exception, SystemExit) as error:
            failed.append(Unregistered(name, file, error))
        else:
            registered.add(file or name)
    extensions.set_missing(one.said(tree) for one in failed)
    return failed


def _import_file(name: str, file: str) -> Any:
    """The module in `file`; several conftests share one name, so the file decides."""
    module = sys.modules.get(name)
    if module is not None and getattr(module, "__file__", None) == file:
        return module
    folder = os.path.dirname(file)  # noqa: PTH120 - a conftest may import its neighbours
    if folder not in sys.path:
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)  # half of it would pass for the whole when asked for again
        raise
    return module
