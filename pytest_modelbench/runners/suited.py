"""A runner for the parameters of a case: of some, the metrics depend on these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Runner


def runner_for(name: str, params: Mapping[str, Any]) -> Runner:
    """The runner called `name`, as it is with `params`, which need not be valid.

    Raises `ModelbenchError` where there is none of that name.
    """
    runner = RUNNERS.get(name)()
    suited_to = getattr(runner, "suited_to", None)  # of a class that is no `Runner`
    return runner if suited_to is None else suited_to(params)
