"""Runners, one file per kind of model; `contract.py` says what a runner is."""

from __future__ import annotations

from pytest_modelbench.registered import Registered
from pytest_modelbench.runners.contract import Runner

RUNNERS: Registered[type[Runner]] = Registered(
    "pytest_modelbench.runners", "runner", folds_case=True, is_called=True
)
"""Every runner by name: entry points of installed packages, and those a conftest adds."""
