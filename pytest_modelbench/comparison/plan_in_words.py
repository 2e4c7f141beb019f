"""How long comparisons may take, said before they begin."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_modelbench.case import Case


def longest_course(cases: Iterable[Case]) -> str:
    """One line for all comparisons among `cases`; empty without any."""
    plans = [case.comparison for case in cases if case.comparison is not None]
    if not plans:
        return ""
    seconds = max(plan.settings.max_seconds for plan in plans)
    launches = max(plan.settings.launches for plan in plans)
    count = "1 comparison" if len(plans) == 1 else f"{len(plans)} comparisons"
    return (
        f"modelbench: {count}, each with at most {seconds:g} s of measuring in turn in "
        f"{launches} launches, and as much again to confirm a regression"
    )
