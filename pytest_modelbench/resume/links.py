"""The runs that lead to one: what it resumed, what that had resumed, and so on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.recording.recover import journaled
from pytest_modelbench.results.find_run import loaded_run
from pytest_modelbench.results.run import BenchmarkRun, SystemInfo
from pytest_modelbench.runs.folder import RunFolder
from pytest_modelbench.runs.journal import read_journal

RESUMES = "resumes"
"""What the first event of a journal has of the run that its session resumed."""
MOST_LINKS = 100


@dataclass(frozen=True)
class Link:
    """One of the runs."""

    run: BenchmarkRun
    folder: RunFolder | None
    """None for a run file alone."""

    @property
    def run_id(self) -> str:
        return self.run.metadata.run_id

    @cached_property
    def expressions(self) -> dict[str, set[str]]:
        """What was computed of metrics for criteria, by the criterion's id."""
        found: dict[str, set[str]] = {}
        for suite in self.run.suites:
            for one in suite.criteria:
                if "expression" in one:
                    found.setdefault(one["id"], set()).add(one["expression"])
        return found

    def differences(self, now: SystemInfo) -> list[str]:
        """Why nothing of it holds on this machine; nothing where it does."""
        return list(_differences(self.run.system_info, now))


def links(path: Path) -> Iterator[Link]:
    """The run at `path`, then the one that its session resumed, as far as they are there.

    A session that was killed before it had taken everything over has left the rest to its own
    predecessor. Raises `ModelbenchError` if the first one cannot be read.
    """
    yield _link(path)
    seen = {path}
    while len(seen) < MOST_LINKS and (before := _resumed(path)) is not None and before not in seen:
        try:
            yield _link(before)
        except ModelbenchError:
            return
        seen.add(before)
        path = before


def _link(path: Path) -> Link:
    if not path.is_dir():
        return Link(loaded_run(path), None)
    folder = RunFolder(path)
    run = loaded_run(folder.run_file) if folder.run_file.exists() else journaled(folder).run()
    return Link(run, folder)


def _resumed(path: Path) -> Path | None:
    first = next(read_journal(RunFolder(path).journal("main")), {})
    given = first.get(RESUMES)
    return Path(given) if isinstance(given, str) and Path(given).exists() else None


def _differences(before: SystemInfo, now: SystemInfo) -> Iterator[str]:
    for name in ("hostname", "cpu_info", "python_version"):
        old, new = getattr(before, name), getattr(now, name)
        if old != new:
            yield f"{name} was {old!r} and is {new!r}"
    for name in sorted(before.packages.keys() | now.packages.keys()):
        was, is_now = before.packages.get(name, "absent"), now.packages.get(name, "absent")
        if was != is_now:
            yield f"{name} was {was} and is {is_now}"
