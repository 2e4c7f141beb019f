"""What the item of a comparison has given before it came to its end, which may never come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.run import CaseResult


def so_far_event(
    nodeid: str, results: Sequence[CaseResult], comparison: Comparison | None
) -> dict[str, Any]:
    """Plain JSON of what has come anew: sides measured by themselves, and a further launch."""
    compared = [] if comparison is None else [comparison]
    return {
        "event": "so_far",
        "nodeid": nodeid,
        "measured": [one.model_dump_json() for one in results],
        "compared": [one.model_dump_json() for one in compared],
    }


class SoFar:
    """The events of one item, put together."""

    def __init__(self) -> None:
        self.results: dict[str, CaseResult] = {}
        """Of the sides that were measured by themselves, by id."""
        self._comparison: Comparison | None = None

    def take(self, event: Mapping[str, Any]) -> None:
        """What a journal says."""
        results = map(CaseResult.model_validate_json, event["measured"])
        compared = map(Comparison.model_validate_json, event["compared"])
        self.add(list(results), next(compared, None))

    def add(self, results: Sequence[CaseResult], comparison: Comparison | None) -> None:
        """A comparison has the latest launch, and what all launches up to it say."""
        self.results |= {one.id: one for one in results}
        if comparison is not None:
            known = [] if self._comparison is None else self._comparison.launches
            launches = [*known, *comparison.launches]
            self._comparison = comparison.model_copy(update={"launches": launches})

    def ended(self, status: Literal["skipped", "error"], detail: str) -> list[Comparison]:
        """The comparison, if it was begun, as that which ended it leaves it."""
        if self._comparison is None:
            return []
        return [self._comparison.model_copy(update={"status": status, "detail": detail})]
