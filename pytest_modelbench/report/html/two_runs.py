"""The newest run held against the one before it, as `modelbench compare` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.judge.asked_later import Asked, named_questions, questions_later
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.stored.comparison import Against, stored_comparison
from pytest_modelbench.judge.stored.history import History
from pytest_modelbench.judge.stored.measured_case import cases_of
from pytest_modelbench.report.columns import columns
from pytest_modelbench.report.html.leaderboard import direction
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.run import BenchmarkRun, CaseResult

MOST_NOTED = 200
"""Changes that nobody asked about; where there would be more, only those asked about are shown."""


class RunsAsHistory(History):
    """Earlier sessions as far as they are in the report."""

    def __init__(self, runs: Sequence[BenchmarkRun]) -> None:
        super().__init__([])
        for run in reversed(runs):
            self._take(run)


@dataclass(frozen=True)
class TwoRuns:
    """Two runs and what came of holding the second against the first."""

    before: BenchmarkRun
    after: BenchmarkRun
    comparisons: list[Comparison]
    trouble: str = ""
    """Why they could not be compared."""


def two_newest(runs: Sequence[BenchmarkRun], history: History | None) -> TwoRuns | None:
    """The newest run against the newest earlier one with a case of it; `runs` oldest first.

    A dry or quick run is held against nothing, and nothing against it.
    """
    after = runs[-1]
    if after.metadata.is_trial:
        return None
    ids = {case.id for case in after.cases}
    before = next((run for run in reversed(runs[:-1]) if _has_one(run, ids)), None)
    if before is None:
        return None
    try:
        comparisons = list(_held(before, after, history or RunsAsHistory(runs[:-1])))
    except ModelbenchError as error:
        return TwoRuns(before, after, [], str(error))
    return TwoRuns(before, after, comparisons)


def _has_one(run: BenchmarkRun, ids: set[str]) -> bool:
    return not run.metadata.is_trial and any(case.id in ids for case in run.cases)


def _held(before: BenchmarkRun, after: BenchmarkRun, history: History) -> Iterator[Comparison]:
    stored = {one.case.id: one for one in cases_of(before)}
    in_both = [one for one in cases_of(after) if one.case.id in stored]
    # One measurement, which one of the runs took over, has nothing to be compared with.
    both = [one for one in in_both if one.measured_in != stored[one.case.id].measured_in]
    asked = {one.case.id: questions_later(Asked(), one.case, [after, before]) for one in both}
    count = max(1, sum(map(len, asked.values())))
    noted = _noted(after, [one.case for one in both], before)
    for one in both:
        alone = before.model_copy(update={"cases": [stored[one.case.id].case]})
        questions = [*asked[one.case.id]]
        known = {question.metric for question in questions}
        questions += [each for each in noted.get(one.case.id, ()) if each.metric not in known]
        yield stored_comparison(one, questions, Against(alone, history), (), count)


def _noted(
    run: BenchmarkRun, cases: Sequence[CaseResult], before: BenchmarkRun
) -> dict[str, list[Question]]:
    """What else stands in the leaderboard, where that is not too much."""
    found: dict[str, list[Question]] = {}
    for suite in run.suites:
        mine = [case for case in cases if case.suite == suite.id and case.status == "ok"]
        names = [name for name in columns(suite, mine) if direction(name, mine)]
        for case in mine:
            asked = Asked([name for name in names if name in case.metrics])
            found[case.id] = named_questions(asked, case, [run, before], is_judged=False)
    total = sum(map(len, found.values()))
    return found if total <= MOST_NOTED else {}
