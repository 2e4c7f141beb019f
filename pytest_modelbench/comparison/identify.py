"""What the sides of a comparison are, without measuring them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pytest_modelbench.case import Case
from pytest_modelbench.comparison.whereabouts import places_of
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.isolated import IsolatedEngine
from pytest_modelbench.execution.turns import Turns

if TYPE_CHECKING:
    from pytest_modelbench.session import ModelbenchSession


def identify_sides(session: ModelbenchSession, case: Case) -> list[str]:
    """The fingerprint of each side, in its own place. Raises `ModelbenchError`."""
    assert case.comparison is not None
    found = []
    turns, failed = Turns(session.lock), session.failed_revisions
    with places_of(case.comparison, session.extensions, turns, failed) as places:
        for name, why in places.lost.items():
            raise ModelbenchError(f"side {name!r}: {why}")
        for side in places.found.values():
            engine = IsolatedEngine(session.worker, session.extensions, session.lock, side.place)
            with closing(engine):
                found.append(engine.identify(side.case))
    return found
