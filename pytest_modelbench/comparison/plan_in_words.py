"""What comparisons will do, said before they begin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_modelbench.case import Case, ComparisonPlan
from pytest_modelbench.comparison.pace import CALLS, FEWEST_BLOCKS, LONG_CALL_NS
from pytest_modelbench.comparison.whereabouts import equal_to_baseline
from pytest_modelbench.judge.paired.looks import FEWEST_LAUNCHES
from pytest_modelbench.report.verdicts import few

TURNS = 2
"""Of each side in a block."""


def plan_lines(cases: Iterable[Case]) -> list[str]:
    """How long those among `cases` may take that are compared, and which compare nothing."""
    compared = [(case, case.comparison) for case in cases if case.comparison is not None]
    if not compared:
        return []
    lines = [_longest_course([plan for _, plan in compared])]
    if equal := [case.name for case, plan in compared if equal_to_baseline(plan)]:
        lines.append(
            f"modelbench: a candidate is what the baseline is, so all it can show is noise "
            f"({few(equal)})"
        )
    return lines


def _longest_course(plans: Sequence[ComparisonPlan]) -> str:
    seconds = max(plan.settings.max_seconds for plan in plans)
    launches = max(plan.settings.launches for plan in plans)
    call_seconds = min(map(longest_call_seconds, plans))
    count = "1 comparison" if len(plans) == 1 else f"{len(plans)} comparisons"
    return (
        f"modelbench: {count}, each with at most {seconds:g} s of measuring in turn in "
        f"{launches} launches, and as much again to confirm a regression; longer where a call "
        f"takes over {call_seconds:.2g} s, since {FEWEST_LAUNCHES} launches of {FEWEST_BLOCKS} "
        "blocks are made in any case"
    )


def longest_call_seconds(plan: ComparisonPlan) -> float:
    """With calls of that length on each side the launches that are always made take all the time.

    Warming up apart, which takes some as well.
    """
    turns = FEWEST_LAUNCHES * FEWEST_BLOCKS * TURNS * len(plan.sides)
    alone = plan.settings.max_seconds / turns
    return alone if alone > LONG_CALL_NS / 1e9 else alone / CALLS
