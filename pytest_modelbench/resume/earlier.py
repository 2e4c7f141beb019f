"""What earlier sessions had measured when they ended, as far as it may still hold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path
from typing import Literal

from pytest_modelbench.case import Case
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.metric import Metric
from pytest_modelbench.results.run import CaseResult, SystemInfo, TakenOver
from pytest_modelbench.resume.links import Link, links
from pytest_modelbench.runs.answers import answers_name
from pytest_modelbench.suite.compare import OutputTolerance

_WAY = {True: "leave out --suite-quick", False: "give --suite-quick"}
Mode = Literal["resume", "retry"]
"""`resume`: whatever is not measured well is measured; `retry`: only what went wrong."""


class Earlier:
    """The results of an earlier session, and of those that it resumed itself."""

    def __init__(self, path: Path, mode: Mode, system: SystemInfo, is_quick: bool) -> None:
        """Raises `ModelbenchError` for what cannot be read, or is a mere trial and this is not."""
        self.path = path
        self.mode: Mode = mode
        whole = list(links(path))
        self._first = whole[0]
        if self._first.run.metadata.dry_run:
            raise ModelbenchError(f"{path}: a dry run, in which nothing was measured")
        if self._first.run.metadata.quick != is_quick:
            what = "no quick run, as this session is" if is_quick else "a quick run"
            raise ModelbenchError(f"{path}: {what}: name another run, or {_WAY[is_quick]}")
        self.differences = self._first.differences(system)
        """Why nothing of the session holds on this machine; empty where it does."""
        self._links = (
            []
            if self.differences
            else [
                one
                for one in whole
                if one.run.metadata.quick == is_quick and not one.differences(system)
            ]
        )
        self._cases: dict[str, tuple[Link, CaseResult]] = {}
        for link in reversed(self._links):
            for case in link.run.cases:
                if case.id not in self._cases or case.status != "skipped":
                    self._cases[case.id] = (link, case)

    @property
    def run_id(self) -> str:
        return self._first.run_id

    def answers_files(self, case: Case) -> list[tuple[str, Path]]:
        """Where they may have left answers to some of a case's samples, newest first, by run."""
        name = answers_name(case.id)
        return [
            (link.run_id, link.folder.answers / name)
            for link in self._links
            if link.folder is not None and (link.folder.answers / name).exists()
        ]

    def predictions_file(self, case: Case) -> Path | None:
        """What the session that measured `case` has kept of its texts, if it has any."""
        if case.trail.predictions is None or case.id not in self._cases:
            return None
        measured_in, _ = self._cases[case.id]
        name = case.trail.predictions.name
        # That session may have taken the case over itself, and have kept nothing of it.
        older = dropwhile(lambda one: one is not measured_in, self._links)
        files = (one.folder.predictions / name for one in older if one.folder is not None)
        return next((file for file in files if file.is_file()), None)

    def in_words(self) -> str:
        """What it had done, for people."""
        results = [case for _, case in self._cases.values()] or self._first.run.cases
        well = sum(one.is_well for one in results)
        skipped = sum(one.status == "skipped" for one in results)
        what = "resuming" if self.mode == "resume" else "retrying what went wrong in"
        return (
            f"modelbench: {what} {self.run_id} (cases measured: {well}, gone wrong: "
            f"{len(results) - well - skipped}, skipped or not come to: {skipped})"
        )

    def is_left_out(self, case: Case) -> bool:
        """Whether a session that only retries errors has nothing to do with it."""
        if self.mode == "resume" or self.differences:
            return False
        known = [self._cases[one.id][1] for one in case.measured if one.id in self._cases]
        if not known or all(one.status == "skipped" for one in known):
            return True
        return self._was_broken_off(case) and all(_went_well_or_not_at_all(one) for one in known)

    def results(self, case: Case, suite_digest: str) -> list[CaseResult] | None:
        """Those of a case that was measured well, as they stand; None where there are none."""
        found = [self._cases.get(one.id) for one in case.measured]
        known = [one for one in found if one is not None and _may_hold(one[1])]
        if len(known) < len(found):
            return None
        if case.comparison is not None and not self._compares(case, suite_digest, known):
            return None
        return [_marked(link, result) for link, result in known]

    def _compares(
        self, case: Case, suite_digest: str, known: list[tuple[Link, CaseResult]]
    ) -> bool:
        """Whether one run has all of the comparison, by the questions the suite asks today.

        Never of other code.
        """
        if _is_of_other_code(case):
            return False
        link = known[0][0]
        compared = self._compared(case)
        digests = {suite.id: suite.digest for suite in link.run.suites}
        is_one = all(one is link for one, _ in known)
        is_same_suite = digests.get(case.suite_id) == suite_digest
        return is_one and is_same_suite and compared is not None and compared.status == "ok"

    def sides(self, case: Case) -> dict[str, CaseResult]:
        """By id, the sides that were measured by themselves of a comparison that was broken off.

        Its launches are not among what is taken over: those of two sessions make no verdict. Nor
        are sides whose answers have to be there in full, which are not kept.
        """
        if not self._was_broken_off(case) or _is_of_other_code(case):
            return {}
        assert case.comparison is not None
        if isinstance(case.comparison.settings.outputs, OutputTolerance):
            return {}
        found = {one.id: self._cases[one.id] for one in case.measured if one.id in self._cases}
        return {name: _marked(*one) for name, one in found.items() if _may_hold(one[1])}

    def _was_broken_off(self, case: Case) -> bool:
        """Whether its sides were to be compared, and the session ended before they were."""
        if case.comparison is None or case.measured[0].id not in self._cases:
            return False
        compared = self._compared(case)
        return compared is None or (
            compared.status == "skipped" and compared.detail.startswith("unfinished: ")
        )

    def comparisons(self, case: Case) -> list[Comparison]:
        """That of its sides, if it has any."""
        compared = self._compared(case) if case.comparison is not None else None
        return [] if compared is None else [compared]

    def _compared(self, case: Case) -> Comparison | None:
        link, _ = self._cases[case.measured[0].id]
        of_case = (one for one in link.run.comparisons if one.id == case.id)
        return next((one for one in of_case if one.kind == "paired"), None)

    def lines(self) -> Iterator[str]:
        """What to say of it before anything is measured."""
        yield self.in_words()
        if self.differences:
            yield f"nothing is taken over from {self.run_id}: {'; '.join(self.differences)}"


def _is_of_other_code(case: Case) -> bool:
    """Or of another environment: neither is in a fingerprint."""
    sides = case.comparison.sides if case.comparison is not None else ()
    return any(side.commit or side.python or side.env for side in sides)


def _went_well_or_not_at_all(result: CaseResult) -> bool:
    return result.is_well or result.status == "skipped"


def _may_hold(result: CaseResult) -> bool:
    return result.is_well and result.fingerprint is not None


def _is_computed(metric: Metric, expression: str) -> bool:
    """Whether it is an expression's value, and not a metric that is called as the criterion is."""
    if metric.value is not None:
        return metric.metadata.get("expression") == expression
    return str(metric.error_message).startswith(f"{expression}: ")


def _marked(link: Link, result: CaseResult) -> CaseResult:
    """As it was measured, without what is computed of its metrics, and where it is from."""
    metrics = {
        name: one
        for name, one in result.metrics.items()
        if not any(_is_computed(one, text) for text in link.expressions.get(name, ()))
    }
    marks = list(result.taken_over)
    if not result.is_taken_over:
        marks.append(TakenOver(run_id=link.run_id, what="case", samples=None))
    return result.model_copy(update={"metrics": metrics, "taken_over": marks})
