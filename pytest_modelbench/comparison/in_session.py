"""Comparisons as items of a session: what is asked of each, and what an item gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_modelbench.case import Case
from pytest_modelbench.comparison.compare import Compared, Comparer, unmeasured
from pytest_modelbench.judge.question import Question, questions_of, usual_question
from pytest_modelbench.judge.verdict import judged
from pytest_modelbench.quick import unjudged
from pytest_modelbench.recording.manifest import named_criteria
from pytest_modelbench.suite.document import Criterion

if TYPE_CHECKING:
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


def compare(session: ModelbenchSession, case: Case) -> Compared:
    """Every side measured and judged. Bounds are for candidates: the baseline is what there was."""
    if session.config.option.suite_dry_run:
        return unmeasured(case, "skipped", "dry run")
    criteria = named_criteria(session.load(case.suite_file))
    comparer = Comparer(
        session.worker,
        session.extensions,
        session.lock,
        session.verdict_count,
        is_quick=session.is_quick,
    )
    compared = comparer.compare(case, questions_about(case, criteria))
    baseline, *candidates = [judged(one, criteria) for one in compared.results]
    if session.is_quick:
        candidates = [unjudged(one) for one in candidates]
    compared.results = [baseline.model_copy(update={"bounds": []}), *candidates]
    return compared
