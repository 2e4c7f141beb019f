"""The baseline of a session: an earlier run, or for each case the newest one that measured it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import tee
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_modelbench.errors import ModelbenchError, WrongUsage
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.stored.choice import Found, Shelf, best_for, lost_cases
from pytest_modelbench.judge.stored.comparison import Against, nothing_told, stored_comparison
from pytest_modelbench.judge.stored.history import History
from pytest_modelbench.judge.stored.measured_case import MeasuredCase
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.find_run import (
    find_run,
    folder_of,
    is_choice,
    loaded_run,
    runs_in_order,
)
from pytest_modelbench.results.project import (
    Project,
    is_same_project,
    is_same_suite_file,
    path_within,
)
from pytest_modelbench.results.run import BenchmarkRun, CaseResult, SystemInfo
from pytest_modelbench.results.store import runs_folder


class StoredBaseline:
    """What `--suite-baseline` names. Raises `ModelbenchError` at once if there is no such run.

    A run that is named is taken whatever it is of; `last` and `branch:NAME` choose among those of
    the same suites in the same `project`, among the runs that are kept in `store`.
    """

    def __init__(
        self,
        text: str,
        base_dir: Path,
        allowed: Collection[str] = (),
        own_output: Path | None = None,
        project: Project | None = None,
        store: Path | None = None,
    ) -> None:
        self._store = store or runs_folder()
        self._text, self._base_dir, self._own_output = text, base_dir, own_output
        self._allowed, self._project = allowed, project
        self._any = self._find()
        self._files: dict[str, str] = {}
        self._missing: dict[str, str] = {}
        self._known: dict[Path, Against] = {}
        self._histories: dict[Path, History] = {}

    def _find(self, *suites: str) -> Found:
        return find_run(self._text, self._store, self._base_dir, suites, self._own_output)

    @cached_property
    def _shelf(self) -> Shelf:
        if not is_choice(self._text):
            return Shelf([self._any])
        return Shelf(
            runs_in_order(self._text, self._store, self._own_output, is_wanted=self._may_be_ours)
        )

    def choose(self, files: Mapping[str, str], others: Mapping[str, str] | None = None) -> None:
        """Look for runs of these suites, whose files are given; of `others` only when asked.

        Raises `ModelbenchError` if all are in no run.
        """
        self._files = {**(others or {}), **files}
        missing = [why for suite in sorted(files) if (why := self._why_none(suite))]
        if missing and len(missing) == len(files):
            raise WrongUsage(missing[0])

    def _why_none(self, suite: str) -> str:
        """Why nothing can be held against; empty where there is a run to choose."""
        if not is_choice(self._text):
            return ""
        if suite not in self._missing:
            has_one = next(self._runs_of(suite), None) is not None
            self._missing[suite] = "" if has_one else self._other_project(suite)
        return self._missing[suite]

    def _runs_of(self, suite: str) -> Iterator[Found]:
        for file, run in self._shelf:
            if any(one.id == suite and self._is_ours(run, suite, one.file) for one in run.suites):
                yield file, run

    def _may_be_ours(self, metadata: Mapping[str, Any]) -> bool:
        """Told by the beginning of a file; what is in no repository is told by its suites."""
        try:
            theirs = Project.model_validate(metadata.get("project"))
        except ValidationError:  # it is of no repository
            return True
        outside = any(path_within(self._project, file) is None for file in self._files.values())
        return outside or is_same_project(self._project, theirs) is not False

    def _is_ours(self, run: BenchmarkRun, suite: str, file: str) -> bool:
        """Whether the suite in `file` of that run is the one of the same name here."""
        if not is_choice(self._text):
            return True
        theirs, ours = run.metadata.project, self._project
        if is_same_suite_file(ours, self._files.get(suite, file), theirs, file):
            return True
        # A suite that has been moved within its project is no longer where it was.
        place = path_within(theirs, file)
        is_gone = ours is not None and place is not None and not Path(ours.root, place).exists()
        return is_gone and is_same_project(ours, theirs) is True

    def _other_project(self, suite: str) -> str:
        try:
            _, run = self._find(suite)
        except ModelbenchError as error:
            return str(error)
        file = next(one.file for one in run.suites if one.id == suite)
        return (
            f"{self._text}: no run of suite {suite} of this project yet; run "
            f"{run.metadata.run_id} has one of that name, of another project ({file}): name that "
            "run to be held against it all the same"
        )

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
        if (missing := self._why_none(case.suite)) and self._any_has(case.suite):
            return nothing_told(here, questions, missing)
        to_choose, to_match = tee(peers)
        try:
            against = self._against(self._chosen(case, questions, to_choose))
        except ModelbenchError as error:  # it has been removed meanwhile
            return nothing_told(here, questions, str(error))
        return stored_comparison(here, questions, against, to_match, verdict_count)

    def _any_has(self, suite: str) -> bool:
        """Whether the run that stands in for none, to name the cases it has, is another one's."""
        return any(one.id == suite for one in self._any[1].suites)

    def _chosen(
        self, case: CaseResult, questions: Sequence[Question], peers: Iterable[Mapping[str, Any]]
    ) -> Path:
        if not is_choice(self._text):
            return self._any[0]

        def runs() -> Iterator[Found]:
            return self._runs_of(case.suite)

        found = best_for(case, {one.metric for one in questions}, peers, runs)
        return found or next((file for file, _ in runs()), self._any[0])

    def lost(self, suite: str, present: Iterable[Mapping[str, Any]]) -> tuple[str, list[str]]:
        """The id of the run that is the first choice for `suite`, and its cases that are gone.

        Those that it measured by themselves and that are not `present`, the identities of all
        cases that there are now, nor replaced by one of them.
        """
        run = next((run for _, run in self._runs_of(suite)), None)
        if run is None:
            return "", []
        return run.metadata.run_id, lost_cases(suite, list(present), run)

    def _against(self, file: Path) -> Against:
        if file not in self._known:
            run = self._any[1] if file == self._any[0] else loaded_run(file)
            folder = folder_of(file)
            if folder not in self._histories:
                self._histories[folder] = History([self._store, folder])
            self._known[file] = Against(run, self._histories[folder], self._allowed)
        return self._known[file]
