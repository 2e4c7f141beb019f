"""Which runs, and which cases, a person asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache

from pytest_modelbench.views.entry import Entry, Status


def fits(pattern: str, text: str) -> bool:
    """Whether a name is the one that is asked for. `*` and `?` stand for others.

    Brackets stand for themselves: names of cases have them.

    >>> fits("digits[*-CPU]", "digits[digits-fp32-CPU]"), fits("digits", "digits-fp32")
    (True, False)
    """
    return fnmatchcase(text, _without_classes(pattern))


@lru_cache
def _without_classes(pattern: str) -> str:
    return pattern.replace("[", "[[]")


def fits_case(pattern: str, case_id: str) -> bool:
    """The same of a case, by its whole id or by what follows its suite's."""
    return fits(pattern, case_id) or fits(pattern, case_id.partition("::")[2])


@dataclass(frozen=True)
class Wanted:
    """What `--suite` and the like ask for; of several values of one option any will do."""

    suites: Sequence[str] = ()
    models: Sequence[str] = ()
    devices: Sequence[str] = ()
    branches: Sequence[str] = ()
    statuses: Sequence[Status] = ()
    since: datetime | None = None

    def has(self, entry: Entry) -> bool:
        """Whether a run is wanted. One that cannot be read might be, and is never hidden."""
        if entry.state == "unreadable":
            return True
        return (
            _any(self.suites, entry.suites)
            and _any(self.models, entry.models)
            and _any_device(self.devices, entry.devices)
            and self.has_branch(entry.metadata.get("git_branch"))
            and (not self.statuses or not entry.statuses.isdisjoint(self.statuses))
        )

    def has_branch(self, branch: str | None) -> bool:
        """Whether runs of this git branch are."""
        return _any(self.branches, [branch] if branch else [])

    def has_case(self, suite: str, model: str, device: str) -> bool:
        """Whether a case of such a run is wanted, too."""
        return (
            _any(self.suites, [suite])
            and _any(self.models, [model])
            and _any_device(self.devices, [device])
        )


def _any(patterns: Sequence[str], names: Iterable[str]) -> bool:
    return not patterns or any(fits(pattern, name) for name in names for pattern in patterns)


def _any_device(patterns: Sequence[str], names: Iterable[str]) -> bool:
    """Devices are called in capitals, and typed in any."""
    return _any([one.upper() for one in patterns], [name.upper() for name in names])
