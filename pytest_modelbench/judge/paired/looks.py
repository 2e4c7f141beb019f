"""When a series is looked at, and how sure each look has to be.

Who looks several times has several chances to be wrong. The looks share what is allowed: each may
err with 3 % over their number, so that all together err with 3 % at most (Bonferroni's bound). At
the usual looks, after 2, 4 and 6 launches, that is 1 % on each side.
"""

from __future__ import annotations

from pytest_modelbench.results.comparison import Procedure

ERRORS_ALLOWED = 0.03
"""Probability, over all looks of a series, to take equal sides for different ones."""
LAUNCHES_BETWEEN = 2
FEWEST_LAUNCHES = 2
"""One launch does not show by how much launches differ."""


def planned_looks(most_launches: int) -> list[int]:
    """After how many launches of a series it is looked at.

    >>> planned_looks(6), planned_looks(5), planned_looks(1)
    ([2, 4, 6], [2, 4, 5], [])
    """
    looks = list(range(FEWEST_LAUNCHES, most_launches + 1, LAUNCHES_BETWEEN))
    if looks and looks[-1] < most_launches:
        looks.append(most_launches)
    return looks


def looks_at(launches: int, most_launches: int, is_over: bool) -> list[int]:
    """The looks at a series that has come to so many launches.

    One that ended between two looks, because its time was up, is looked at there as well: in the
    place of a look that it did not come to, so there are no more than were planned.

    >>> looks_at(3, 6, is_over=False), looks_at(3, 6, is_over=True)
    ([2], [2, 3])
    """
    looks = [one for one in planned_looks(most_launches) if one <= launches]
    if is_over and launches >= FEWEST_LAUNCHES and launches not in looks:
        looks.append(launches)
    return looks


def level_of_a_look(procedure: Procedure) -> float:
    """Probability to err at one look, on one side."""
    return ERRORS_ALLOWED / max(1, len(planned_looks(procedure.most_launches)))


def level_to_confirm(procedure: Procedure) -> float:
    """The same when a regression is confirmed: shared by all verdicts of the session.

    That is Bonferroni's correction. Holm's would need all results at once, but an item has its
    outcome before the next is measured.
    """
    return level_of_a_look(procedure) / procedure.verdict_count
