"""The baseline of a session: an earlier run, or for each suite the newest one that has it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.stored.comparison import Against, stored_comparison
from pytest_modelbench.judge.stored.history import History
from pytest_modelbench.judge.stored.measured_case import MeasuredCase
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.find_run import find_run, folder_of
from pytest_modelbench.results.run import BenchmarkRun, CaseResult, SystemInfo
from pytest_modelbench.results.store import runs_folder


class StoredBaseline:
    """What `--suite-baseline` names. Raises `ModelbenchError` at once if there is no such run."""

    def __init__(
        self,
        text: str,
        base_dir: Path,
        allowed: Collection[str] = (),
        own_output: Path | None = None,
    ) -> None:
        self._text, self._base_dir, self._own_output = text, base_dir, own_output
        self._allowed = allowed
        self._any = self._find()
        self._by_suite: dict[str, Against] = {}
        self._histories: dict[Path, History] = {}

    def _find(self, *suites: str) -> tuple[Path, BenchmarkRun]:
        return find_run(
            self._text, base_dir=self._base_dir, suites=suites, not_this=self._own_output
        )

    def choose(self, suites: Iterable[str]) -> None:
        """Fix the run for each of these suites. Raises `ModelbenchError` if all are in no run."""
        errors = []
        for suite in sorted(suites):
            try:
                self._against(suite, *self._find(suite))
            except ModelbenchError as error:  # of a suite that is new its verdicts say so
                errors.append(error)
        if errors and not self._by_suite:
            raise errors[0]

    def comparison(
        self,
        system: SystemInfo,
        case: CaseResult,
        questions: Sequence[Question],
        peers: Iterable[Mapping[str, Any]] = (),
        verdict_count: int = 1,
    ) -> Comparison:
        """`case`, as this machine has just measured it, held against the baseline."""
        here = MeasuredCase(None, None, system, case)
        return stored_comparison(here, questions, self._for(case.suite), peers, verdict_count)

    def _for(self, suite: str) -> Against:
        if suite not in self._by_suite:
            try:
                found = self._find(suite)
            except ModelbenchError:  # any other run says which suites and cases there are
                found = self._any
            self._against(suite, *found)
        return self._by_suite[suite]

    def _against(self, suite: str, file: Path, run: BenchmarkRun) -> None:
        folder = folder_of(file)
        if folder not in self._histories:
            self._histories[folder] = History([runs_folder(), folder])
        self._by_suite[suite] = Against(run, self._histories[folder], self._allowed)
