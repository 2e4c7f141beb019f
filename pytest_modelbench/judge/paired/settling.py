"""How much more measuring would settle a question."""

from __future__ import annotations

import math

from pytest_modelbench.judge.paired.estimate import Estimate
from pytest_modelbench.judge.paired.looks import ERRORS_ALLOWED, LAUNCHES_BETWEEN
from pytest_modelbench.judge.wording import in_seconds
from pytest_modelbench.results.comparison import Procedure
from pytest_modelbench.suite.compare import MOST_LAUNCHES


def what_would_settle(
    estimate: Estimate, limit: float, level: float, procedure: Procedure, seconds_per_launch: float
) -> str:
    """How many launches, and for how long, if the change stays what it is."""
    launches = launches_needed(estimate, limit, level, procedure)
    if launches is None:
        return f"if it stays what it is, not even {MOST_LAUNCHES} launches would settle it"
    seconds = seconds_per_launch * launches
    time = f", {in_seconds(seconds)}" if seconds > 0 else ""
    how = "compare.launches" if launches > procedure.most_launches else "compare.max_seconds"
    return f"about {launches} launches would settle it ({how}{time})"


def launches_needed(
    estimate: Estimate, limit: float, level: float, procedure: Procedure
) -> int | None:
    """Launches whose interval would keep clear of `limit`; None if more than there can be."""
    made, gap = len(estimate.by_launch), abs(limit - estimate.center)
    start = made + LAUNCHES_BETWEEN - made % LAUNCHES_BETWEEN
    for launches in range(start, MOST_LAUNCHES + 1, LAUNCHES_BETWEEN):
        # A longer series has more looks, each of which must be surer.
        looks = max(launches, procedure.most_launches) / LAUNCHES_BETWEEN
        usual = ERRORS_ALLOWED / max(1, procedure.most_launches // LAUNCHES_BETWEEN)
        at = Estimate(
            estimate.center,
            estimate.se * math.sqrt(made / launches),
            estimate.degrees + launches - made,
            estimate.by_launch,
        )
        if at.quantile(level * (ERRORS_ALLOWED / looks) / usual) * at.se <= gap:
            return launches
    return None
