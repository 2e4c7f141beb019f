"""What an earlier session had measured when it ended, and whether that still holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pytest_modelbench.case import Case
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.recording.recover import journaled
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.find_run import usable_run
from pytest_modelbench.results.run import BenchmarkRun, CaseResult, SystemInfo, TakenOver
from pytest_modelbench.runs.answers import answers_name
from pytest_modelbench.runs.folder import RunFolder

Mode = Literal["resume", "retry"]
"""`resume`: whatever is not measured well is measured; `retry`: only what went wrong."""


class Earlier:
    """The results of an earlier session."""

    def __init__(self, path: Path, mode: Mode) -> None:
        """Raises `ModelbenchError` for what cannot be read."""
        self.mode: Mode = mode
        self.path = path
        self._folder = RunFolder(path) if path.is_dir() else None
        self._run = _read(path)
        self._cases = {case.id: case for case in self._run.cases}
        self._compared = {one.id: one for one in self._run.comparisons if one.kind == "paired"}
        if self._run.metadata.dry_run:
            raise ModelbenchError(f"{path}: a dry run, in which nothing was measured")

    @property
    def run_id(self) -> str:
        return self._run.metadata.run_id

    def answers_file(self, case: Case) -> Path | None:
        """Where it may have left answers to some of a case's samples."""
        return None if self._folder is None else self._folder.answers / answers_name(case.id)

    def in_words(self) -> str:
        """What it had done, for people."""
        counted = Counter(case.status for case in self._run.cases)
        what = "resuming" if self.mode == "resume" else "retrying what went wrong in"
        return (
            f"modelbench: {what} {self.run_id} (cases measured: {counted['ok']}, gone wrong: "
            f"{counted['error']}, skipped or not come to: {counted['skipped']})"
        )

    def is_left_out(self, case: Case) -> bool:
        """Whether a session that only retries errors has nothing to do with it."""
        if self.mode == "resume":
            return False
        known = [self._cases[one.id] for one in case.measured if one.id in self._cases]
        return not known or all(one.status == "skipped" for one in known)

    def results(self, case: Case, suite_digest: str) -> list[CaseResult] | None:
        """Those of a case that was measured well, as they stand; None where there are none."""
        known = [self._cases.get(one.id) for one in case.measured]
        found = [one for one in known if one is not None and one.status == "ok"]
        if len(found) < len(known) or not all(one.fingerprint for one in found):
            return None
        if case.comparison is not None and not self._holds(case, suite_digest):
            return None
        return [self._marked(one) for one in found]

    def comparisons(self, case: Case) -> list[Comparison]:
        """That of its sides, if it has any."""
        return [self._compared[case.id]] if case.comparison is not None else []

    def _holds(self, case: Case, suite_digest: str) -> bool:
        """Whether it was compared, by the questions that the suite asks today."""
        known = self._compared.get(case.id)
        digests = {suite.id: suite.digest for suite in self._run.suites}
        is_same_suite = digests.get(case.suite_id) == suite_digest
        return known is not None and known.status == "ok" and is_same_suite

    def _marked(self, result: CaseResult) -> CaseResult:
        is_marked = any(one.what == "case" for one in result.taken_over)
        mark = TakenOver(run_id=self.run_id, what="case", samples=None)
        return (
            result
            if is_marked
            else result.model_copy(update={"taken_over": [*result.taken_over, mark]})
        )

    def differences(self, system: SystemInfo) -> list[str]:
        """Why nothing of it holds on this machine; nothing where it does."""
        return list(_differences(self._run.system_info, system))


def _differences(before: SystemInfo, now: SystemInfo) -> Iterator[str]:
    for name in ("hostname", "cpu_info", "python_version"):
        old, new = getattr(before, name), getattr(now, name)
        if old != new:
            yield f"{name} was {old!r} and is {new!r}"
    for name in sorted(before.packages.keys() | now.packages.keys()):
        old, new = before.packages.get(name, "absent"), now.packages.get(name, "absent")
        if old != new:
            yield f"{name} was {old} and is {new}"


def _read(path: Path) -> BenchmarkRun:
    if not path.is_dir():
        return usable_run(path)
    folder = RunFolder(path)
    return usable_run(folder.run_file) if folder.run_file.exists() else journaled(folder).run()
