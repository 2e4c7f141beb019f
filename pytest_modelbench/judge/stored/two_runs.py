"""Two runs that are there already, held against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_modelbench.errors import WrongUsage
from pytest_modelbench.judge.asked_later import Asked, questions_later
from pytest_modelbench.judge.stored.choice import Found
from pytest_modelbench.judge.stored.comparison import Against, stored_comparison
from pytest_modelbench.judge.stored.measured_case import (
    MeasuredCase,
    cases_of,
    counterpart,
    identities,
)
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.find_run import (
    find_run,
    is_choice,
    nothing_found,
    runs_in_order,
)
from pytest_modelbench.results.project import is_same_suite_file
from pytest_modelbench.results.run import BenchmarkRun, CaseResult


@dataclass(frozen=True)
class Pairs:
    """The cases of two runs, each with the one that stands for it in the other."""

    baseline: BenchmarkRun
    run: BenchmarkRun
    peers: Sequence[Mapping[str, Any]]
    """The identities of all cases of the run."""
    compared: Sequence[tuple[MeasuredCase, MeasuredCase]]
    """Of the baseline and of the run."""
    copies: Sequence[str]
    """Ids in the run: one measurement that a session took over from the other run."""
    new: Sequence[str]
    lost: Sequence[str]
    """Ids in the one run that nothing in the other stands for."""

    @classmethod
    def of(cls, baseline: BenchmarkRun, run: BenchmarkRun) -> Pairs:
        peers = identities(run)
        matched = [(counterpart(one.case, peers, baseline), one) for one in cases_of(run)]
        known = [(stored, one) for stored, one in matched if stored is not None]
        stands = {stored.case.id for stored, _ in known}
        return cls(
            baseline,
            run,
            peers,
            compared=[pair for pair in known if pair[0].measured_in != pair[1].measured_in],
            copies=[one.case.id for old, one in known if old.measured_in == one.measured_in],
            new=[one.case.id for stored, one in matched if stored is None],
            lost=[case.id for case in baseline.cases if case.id not in stands],
        )

    def judged(self, against: Against, asked: Asked) -> list[Comparison]:
        """Raises `ModelbenchError` for what cannot be asked."""
        questions = [
            questions_later(asked, one.case, [self.run, self.baseline]) for _, one in self.compared
        ]
        count = max(1, sum(map(len, questions)))
        return [
            stored_comparison(one, each, against, self.peers, count)
            for (_, one), each in zip(self.compared, questions, strict=True)
        ]

    def broken(self, comparisons: Sequence[Comparison]) -> list[str]:
        """Ids of cases that the baseline measured well and that went wrong in the run.

        As a whole, or in a metric that was asked about.
        """
        return [
            one.case.id
            for (before, one), made in zip(self.compared, comparisons, strict=True)
            if before.case.status == "ok"
            and (
                one.case.status == "error"
                or any(_went_wrong(v.metric, before.case, one.case) for v in made.verdicts)
            )
        ]


def _went_wrong(metric: str, before: CaseResult, after: CaseResult) -> bool:
    had, has = before.metrics.get(metric), after.metrics.get(metric)
    return had is not None and had.is_ok and has is not None and has.status == "error"


def run_beside(text: str, other: BenchmarkRun, folder: Path) -> Found:
    """The run that `text` names, to be held against `other` or the other way round.

    `last` and `branch:NAME` choose among those of a suite of `other` in the same project: the
    newest that has measured one of its cases, else the newest, and `other` itself only where there
    is no further one. Raises `ModelbenchError`.
    """
    if not is_choice(text):
        return find_run(text, folder)
    faulty: list[Path] = []
    cases = {case.id for case in other.cases if case.status == "ok"}
    first = itself = None
    for file, run in runs_in_order(text, folder, faulty=faulty):
        if run.metadata.run_id == other.metadata.run_id:
            itself = file, run
        elif _has_suite_of(run, other):
            if any(case.status == "ok" and case.id in cases for case in run.cases):
                return file, run
            first = first or (file, run)
    first = first or itself
    if first is None:
        wanted = f" of a suite of run {other.metadata.run_id}, in the same project"
        raise WrongUsage(nothing_found(text, folder, wanted, faulty=faulty))
    return first


def _has_suite_of(run: BenchmarkRun, other: BenchmarkRun) -> bool:
    projects = (run.metadata.project, other.metadata.project)
    return any(
        one.id == two.id and is_same_suite_file(projects[0], one.file, projects[1], two.file)
        for one in run.suites
        for two in other.suites
    )
