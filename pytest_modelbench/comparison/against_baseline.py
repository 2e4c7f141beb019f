"""What a session measures held against `--suite-baseline`, an earlier run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modelbench.bench.parametrize import mark_arguments
from pytest_modelbench.bench.record import suite_of_test
from pytest_modelbench.collection import CaseItem
from pytest_modelbench.errors import ModelbenchError, encodable
from pytest_modelbench.execution.blank import identity
from pytest_modelbench.judge.question import Question, questions_of, usual_question
from pytest_modelbench.judge.stored.baseline import StoredBaseline
from pytest_modelbench.paths import path_from
from pytest_modelbench.recording.manifest import named_criteria
from pytest_modelbench.report.verdicts import few
from pytest_modelbench.results.find_run import is_choice
from pytest_modelbench.session_options import store_of
from pytest_modelbench.suite.tolerance import USUAL_TOLERANCE

if TYPE_CHECKING:
    from pytest_modelbench.case import Case
    from pytest_modelbench.results.comparison import Comparison
    from pytest_modelbench.results.project import Project
    from pytest_modelbench.results.run import CaseResult, SystemInfo
    from pytest_modelbench.session import ModelbenchSession
    from pytest_modelbench.suite.document import Criterion


class SessionBaseline:
    """Raises `ModelbenchError` if there is no run of that name."""

    def __init__(self, session: ModelbenchSession) -> None:
        option, folder = session.config.option, session.config.invocation_params.dir
        output = option.suite_output
        self._session = session
        try:
            self._stored = StoredBaseline(
                option.suite_baseline,
                folder,
                frozenset(option.suite_baseline_allow),
                path_from(output, folder) if output else None,
                self._project,
                store_of(session.config),
            )
        except ModelbenchError as error:
            raise ModelbenchError(f"--suite-baseline {error}") from None
        self.verdict_count = 0

    @property
    def _project(self) -> Project | None:
        """Looked at only where there is a run to be chosen."""
        if not is_choice(self._session.config.option.suite_baseline):
            return None
        from pytest_modelbench.recording.project import project_of

        return project_of(self._session.config.rootpath)

    @cached_property
    def _system(self) -> SystemInfo:
        from pytest_modelbench.recording.provenance import system_info

        return system_info()

    def prepare(self, items: Iterable[pytest.Item]) -> None:
        """Once everything is collected: how many verdicts there will be, and by which runs.

        What a test will ask beside its mark is not known before it runs.
        """
        items = list(items)
        cases = [one.case for one in items if isinstance(one, CaseItem)]
        tests = [
            one
            for one in items
            if not isinstance(one, CaseItem) and "modelbench" in getattr(one, "fixturenames", ())
        ]
        asked = {case: len(self._questions(case)) for case in cases}
        self.verdict_count = sum(map(_asked_by_mark, tests)) + sum(asked.values())
        try:
            self._stored.choose(
                {case.suite_id: encodable(str(case.suite_file)) for case in asked if asked[case]},
                {encodable(suite_of_test(one)): encodable(str(one.path)) for one in tests},
            )
        except ModelbenchError as error:
            # A worker cannot stop the session: its verdicts say what the newest run has.
            if self._session.worker == "main":
                raise pytest.UsageError(f"--suite-baseline {error}") from None

    def lost(self, items: Iterable[pytest.Item]) -> list[str]:
        """A line for each suite that is run whole and has fewer cases than its baseline."""
        selection = self._session.selection
        if selection.models or selection.devices or selection.against:
            return []
        collected: dict[Path, set[str]] = {}
        for one in items:
            if isinstance(one, CaseItem):
                collected.setdefault(one.case.suite_file, set()).add(one.case.id)
        return [line for file, ids in collected.items() for line in self._lost_of(file, ids)]

    def _lost_of(self, file: Path, collected: set[str]) -> Iterator[str]:
        loaded = self._session.load(file)
        if collected >= {one.id for one in loaded.cases}:
            present = [identity(side) for one in loaded.cases for side in one.measured]
            run_id, ids = self._stored.lost(loaded.id, present)
            if ids:
                yield f"{loaded.id}: in run {run_id}, the baseline, but no longer here: {few(ids)}"

    def _criteria(self, case: Case) -> Sequence[tuple[str, Criterion]]:
        return named_criteria(self._session.load(case.suite_file))

    def _questions(self, case: Case) -> list[Question]:
        """A case that is measured beside its baseline needs no stored one."""
        if case.comparison is not None or case.side:
            return []
        return _asked(self._criteria(case), case.runner)

    def hold_case(self, case: Case, result: CaseResult) -> list[Comparison]:
        """The comparison of a case; none of one that is not asked about."""
        questions = [one.for_result(result) for one in self._questions(case)]
        loaded = self._session.load(case.suite_file)
        # Asked for only where a model was replaced, and then they are many.
        peers = (identity(side) for one in loaded.cases for side in one.measured)
        return self._hold(result, questions, peers) if questions else []

    def hold_test(
        self, result: CaseResult, criteria: Sequence[tuple[str, Criterion]]
    ) -> list[Comparison]:
        """The comparison of a test in Python; none where its usual metric was not measured."""
        questions = [one.for_result(result) for one in _asked(criteria, result.runner)]
        metrics = [result.metrics.get(one.metric) for one in questions if one.criterion is None]
        if any(metric is None or not metric.is_ok for metric in metrics):
            return []
        return self._hold(result, questions)

    def _hold(
        self, result: CaseResult, questions: Sequence[Question], peers: Iterable[Any] = ()
    ) -> list[Comparison]:
        if self._session.config.option.suite_dry_run:
            return []
        count = max(1, self._session.verdict_count)
        return [self._stored.comparison(self._system, result, questions, peers, count)]


def _asked_by_mark(item: pytest.Item) -> int:
    """The criteria of a test's mark that ask; without any it is asked whether it is slower."""
    try:
        criteria = mark_arguments(item).get("criteria") or ()
    except ModelbenchError:  # the test says so itself when it runs
        return 1
    return max(1, sum(one.get("max_regression") is not None for one in criteria))


def _asked(criteria: Sequence[tuple[str, Criterion]], runner: str) -> list[Question]:
    return questions_of(criteria, runner, [usual_question(USUAL_TOLERANCE)])
