"""Earlier sessions of the same thing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from pytest_modelbench.judge.stored.comparable import is_same_thing
from pytest_modelbench.judge.stored.measured_case import MeasuredCase, cases_of, without_series
from pytest_modelbench.results.find_run import id_of, read_run, run_files
from pytest_modelbench.results.run import BenchmarkRun

MOST_SESSIONS = 30
"""More hardly change what is known, and what is older says less about this machine."""
MOST_READ = 300


class History:
    """The runs in some folders, read newest first and only as far as anybody asks."""

    def __init__(self, folders: Collection[Path], without: Collection[str] = ()) -> None:
        found = {id_of(file): file for folder in folders for file in run_files(folder)}
        files = [found[name] for name in sorted(found, reverse=True) if name not in without]
        self._unread = iter(files[:MOST_READ])
        self._cases: dict[str, list[MeasuredCase]] = {}

    def sessions_of(
        self, wanted: MeasuredCase, judged: MeasuredCase | None = None
    ) -> list[MeasuredCase]:
        """`wanted` itself, and what is known of other sessions of the same thing.

        Without the one that has measured what is `judged` by it, whichever run took that over.
        """
        found, known = [wanted], _measured_in(wanted, judged)
        for one in self._of(wanted.case.id):
            if one.run_id not in known and is_same_thing(one, wanted):
                found.append(one)
                if len(found) == MOST_SESSIONS:
                    break
        return found

    def _of(self, case_id: str) -> Iterator[MeasuredCase]:
        position = 0
        while True:
            known = self._cases.get(case_id, [])
            if position < len(known):
                yield known[position]
                position += 1
            elif not self._read_on():
                return

    def _read_on(self) -> bool:
        """Read the next run; False when there is none."""
        for file in self._unread:
            run = read_run(file)
            if run is not None:
                self._take(run)
                return True
        return False

    def _take(self, run: BenchmarkRun) -> None:
        if run.metadata.is_trial:
            return
        for one in cases_of(run):
            # What was taken over is the same measuring once more, and no other session.
            if one.case.status == "ok" and not one.case.is_taken_over:
                self._cases.setdefault(one.case.id, []).append(
                    replace(one, case=without_series(one.case))
                )


def _measured_in(*cases: MeasuredCase | None) -> set[str | None]:
    """The ids of the runs whose sessions have measured them, and of those that have them."""
    return {name for one in cases if one is not None for name in (one.run_id, one.measured_in)}
