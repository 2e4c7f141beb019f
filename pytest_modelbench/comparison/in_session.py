"""Comparisons as items of a session: what is asked of each, and what an item gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_modelbench.case import Case
from pytest_modelbench.comparison.compare import Comparer, Tell
from pytest_modelbench.comparison.record import Compared, unmeasured
from pytest_modelbench.judge.question import Question, questions_of, usual_question
from pytest_modelbench.judge.verdict import judged
from pytest_modelbench.quick import unjudged
from pytest_modelbench.recording.manifest import named_criteria
from pytest_modelbench.suite.document import Criterion

if TYPE_CHECKING:
    from pytest_modelbench.results.run import CaseResult
    from pytest_modelbench.session import ModelbenchSession

Criteria = Sequence[tuple[str, Criterion]]


def questions_about(case: Case, criteria: Criteria) -> list[Question]:
    """What a suite asks of the candidates of `case`; nothing where it compares nothing."""
    if case.comparison is None:
        return []
    usual = usual_question(case.comparison.settings.tolerance)
    return questions_of(criteria, case.runner, [usual])


def verdict_count(session: ModelbenchSession, cases: Iterable[Case]) -> int:
    """How many verdicts the comparisons among `cases` will give."""
    return sum(
        len(questions_about(case, named_criteria(session.load(case.suite_file))))
        * (len(case.measured) - 1)
        for case in cases
    )


def compare(session: ModelbenchSession, case: Case, tell: Tell) -> Compared:
    """Every side measured and judged; `tell` is given what there is as it comes.

    Bounds are for candidates: the baseline is what there was.
    """
    if session.config.option.suite_dry_run:
        return unmeasured(case, "skipped", "dry run")
    criteria = named_criteria(session.load(case.suite_file))
    baseline = case.measured[0].side

    def with_bounds(result: CaseResult) -> CaseResult:
        made = judged(result, criteria)
        is_free = session.is_quick or result.side == baseline
        return unjudged(made) if is_free else made

    comparer = Comparer(
        session.worker,
        session.extensions,
        session.lock,
        session.verdict_count,
        is_quick=session.is_quick,
        tell=lambda results, made: tell([with_bounds(one) for one in results], made),
        known=session.take_over.sides(case) if session.take_over else {},
        failed=session.failed_revisions,
    )
    compared = comparer.compare(case, questions_about(case, criteria))
    return replace(compared, results=[with_bounds(one) for one in compared.results])
