"""What must be there before a case can be measured, and is brought there."""

from __future__ import annotations

import importlib.util
import os
import warnings
from importlib import import_module
from pathlib import Path

from pytest_modelbench.case import Case
from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.runners.contract import Runner


def make_ready(case: Case, runner: Runner) -> None:
    """Check and import what `case` needs, and fetch its model.

    Raises `Unavailable` for what is absent here, `ModelbenchError` for what is wrong.
    """
    _check_environment(case)
    import_requirements(case, runner)
    _check_model_files(case)
    runner.check_device(case.device)
    runner.fetch(case.candidate, case.params)


def _check_environment(case: Case) -> None:
    for name in case.env:
        if not os.environ.get(name):
            raise Unavailable(f"environment variable {name} is not set")


def import_requirements(case: Case, runner: Runner) -> None:
    """Import now what loading would import, so that neither its time nor its memory is counted.

    Raises `Unavailable` for what is absent.
    """
    for requirement in runner.requirements(case.params):
        try:
            found = importlib.util.find_spec(requirement.module) is not None
        except ModuleNotFoundError:  # its parent package is absent
            found = False
        if not found:
            package = requirement.pip_name or requirement.module
            other = f"; or {requirement.alternative}" if requirement.alternative else ""
            raise Unavailable(f"{package} is not installed: {requirement.install_line}{other}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a library about itself, which no user can mend
            import_module(requirement.module)


def _check_model_files(case: Case) -> None:
    path = Path(case.candidate.model_path)
    if path.is_absolute() and not path.exists():
        raise ModelbenchError(f"model path does not exist: {path}")
