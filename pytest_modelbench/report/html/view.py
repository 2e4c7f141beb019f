"""What a report shows of its runs: of each suite the newest run that has it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.report.case_table import case_name, suites_with_cases
from pytest_modelbench.report.headline import is_error
from pytest_modelbench.results.run import BenchmarkRun, CaseResult, SuiteRecord

State = Literal["error", "regression", "broken bound", "inconclusive", "skipped", "ok"]
STATES: tuple[State, ...] = (
    "error",
    "regression",
    "broken bound",
    "inconclusive",
    "skipped",
    "ok",
)
"""The worst first."""
COMMIT_DIGITS = 9
_NO_DAY = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ShownCase:
    """A case in the report, with the number by which the page's data knows it."""

    number: int
    run: BenchmarkRun
    result: CaseResult
    name: str
    """Its id, without its suite's where the report has but one."""
    state: State


@dataclass(frozen=True)
class ShownSuite:
    """A suite in the report, its best case first."""

    number: int
    run: BenchmarkRun
    record: SuiteRecord
    cases: Sequence[ShownCase]

    @property
    def results(self) -> list[CaseResult]:
        return [case.result for case in self.cases]


class Report:
    """The runs of a report, the oldest first, each once. Raises `ModelbenchError` without any."""

    def __init__(self, runs: Sequence[BenchmarkRun]) -> None:
        if not runs:
            raise ModelbenchError("a report needs one run at least: name one")
        once = {run.metadata.run_id: run for run in runs}
        self.runs = sorted(once.values(), key=lambda run: (moment(run), run.metadata.run_id))

    @property
    def newest(self) -> BenchmarkRun:
        return self.runs[-1]

    @cached_property
    def suites(self) -> list[ShownSuite]:
        """Those of the newest run first."""
        found: dict[str, tuple[BenchmarkRun, SuiteRecord, list[CaseResult]]] = {}
        for run in reversed(self.runs):
            for suite, cases in suites_with_cases(run):
                found.setdefault(suite.id, (run, suite, cases))
        shown: list[ShownSuite] = []
        first = 0
        for number, (run, suite, cases) in enumerate(found.values()):
            verdicts = _verdicts_by_case(run)
            mine = [
                ShownCase(
                    first + index,
                    run,
                    case,
                    case_name(case) if len(found) == 1 else case.id,
                    state_of(case, verdicts.get(case.id, ())),
                )
                for index, case in enumerate(cases)
            ]
            first += len(mine)
            shown.append(ShownSuite(number, run, suite, mine))
        return shown

    @cached_property
    def cases(self) -> list[ShownCase]:
        return [case for suite in self.suites for case in suite.cases]

    @property
    def shown_runs(self) -> list[BenchmarkRun]:
        """Those that suites are shown of, the newest first."""
        ids = {suite.run.metadata.run_id for suite in self.suites} | {self.newest.metadata.run_id}
        return [run for run in reversed(self.runs) if run.metadata.run_id in ids]


def state_of(case: CaseResult, verdicts: Collection[str] = ()) -> State:
    """The worst that there is to say of a case, on which there are such `verdicts`."""
    bounds = {check.outcome for check in case.bounds}
    if is_error(case):
        return "error"
    if "regression" in verdicts:
        return "regression"
    if "failed" in bounds:
        return "broken bound"
    if case.status == "skipped":
        return "skipped"
    return "inconclusive" if "inconclusive" in bounds.union(verdicts) else "ok"


def _verdicts_by_case(run: BenchmarkRun) -> dict[str, set[str]]:
    """Outcomes for the case of the run that was the candidate."""
    found: dict[str, set[str]] = {}
    for comparison in run.comparisons:
        here = (None, run.metadata.run_id)
        cases = {side.name: side.case_id for side in comparison.sides if side.run_id in here}
        for verdict in comparison.verdicts:
            if verdict.candidate in cases:
                found.setdefault(cases[verdict.candidate], set()).add(verdict.outcome)
    return found


def moment(run: BenchmarkRun) -> datetime:
    """When it began; a time without a zone is taken for UTC, and a day that never was for none."""
    try:
        when = datetime.fromisoformat(run.metadata.timestamp)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return _NO_DAY


def when_text(run: BenchmarkRun) -> str:
    when = moment(run)
    return run.metadata.timestamp if when == _NO_DAY else f"{when:%Y-%m-%d %H:%M} UTC"


def commit_text(run: BenchmarkRun) -> str:
    """The commit in short; `+` marks changes that were not committed; empty for none."""
    sha = run.metadata.git_sha
    return f"{sha[:COMMIT_DIGITS]}{'+' if run.metadata.git_dirty else ''}" if sha else ""
