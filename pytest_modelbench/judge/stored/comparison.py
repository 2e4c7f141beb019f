"""A case held against an earlier run, as it stands in the run document."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.stored.comparable import ALL, Difference, differences
from pytest_modelbench.judge.stored.held import SIDES, amount_of
from pytest_modelbench.judge.stored.history import History
from pytest_modelbench.judge.stored.measured_case import MeasuredCase, counterpart
from pytest_modelbench.judge.stored.verdict import USUAL_ALLOW, stored_verdict
from pytest_modelbench.judge.wording import make_verdict
from pytest_modelbench.results.comparison import (
    Comparison,
    SideRecord,
    Verdict,
    bare_comparison,
)
from pytest_modelbench.results.run import BenchmarkRun, CaseResult

MOST_NAMED = 3


@dataclass(frozen=True)
class Against:
    """What a case is held against, and how strictly."""

    run: BenchmarkRun
    history: History
    allowed: Collection[str] = ()
    """Keys of differences that are accepted; `all` for every one."""
    allow_option: str = USUAL_ALLOW
    """What accepts more of them."""


def stored_comparison(
    candidate: MeasuredCase,
    questions: Sequence[Question],
    against: Against,
    peers: Iterable[Mapping[str, Any]] = (),
    verdict_count: int = 1,
) -> Comparison:
    """Every question about `candidate` answered by the case of the run that stands for it.

    `peers` are the identities of all cases of its suite, `verdict_count` is of all comparisons.
    """
    case, verdicts = candidate.case, list[Verdict]()
    baseline = counterpart(case, peers, against.run)
    found = differences(baseline, candidate) if baseline is not None else []
    if case.status == "ok":
        if baseline is None or baseline.case.status != "ok":
            reason = _nothing_there(baseline, candidate, against.run)
            verdicts = [_unanswered(one, candidate, reason) for one in questions]
        else:
            barred = [one for one in found if not _is_allowed(one, against.allowed)]
            sessions = against.history.sessions_of(baseline, candidate)
            option = against.allow_option
            made = [
                stored_verdict(one, baseline, candidate, sessions, barred, verdict_count, option)
                for one in questions
            ]
            verdicts = [_with_models(one, baseline.case, case) for one in made]
    found_texts = [_told(one, against.allowed) for one in found]
    return _comparison(candidate, verdicts, baseline, found_texts)


def nothing_told(candidate: MeasuredCase, questions: Sequence[Question], reason: str) -> Comparison:
    """The same where there is no run to hold it against."""
    questions = questions if candidate.case.status == "ok" else ()
    return _comparison(candidate, [_unanswered(one, candidate, reason) for one in questions])


def _comparison(
    candidate: MeasuredCase,
    verdicts: list[Verdict],
    baseline: MeasuredCase | None = None,
    differences: Sequence[str] = (),
) -> Comparison:
    case = candidate.case
    bare = bare_comparison(
        id=case.id,
        suite=case.suite,
        benchmark=case.benchmark,
        kind="stored",
        status=case.status,
        detail=case.detail,
    )
    sides = _sides(baseline, candidate)
    known = {"sides": sides, "differences": list(differences), "verdicts": verdicts}
    return bare.model_copy(update=known)


def _with_models(verdict: Verdict, baseline: CaseResult, candidate: CaseResult) -> Verdict:
    """The same, with both models in words where one has taken the other's place."""
    if baseline.id == candidate.id:
        return verdict
    both = f"model {candidate.model} in place of {baseline.model}"
    return verdict.model_copy(update={"message": f"{verdict.message}; {both}"})


def _is_allowed(difference: Difference, allowed: Collection[str]) -> bool:
    return ALL in allowed or difference.key in allowed


def _told(difference: Difference, allowed: Collection[str]) -> str:
    return f"{difference.text} (allowed)" if _is_allowed(difference, allowed) else difference.text


def _nothing_there(
    baseline: MeasuredCase | None, candidate: MeasuredCase, run: BenchmarkRun
) -> str:
    if baseline is not None:
        return f"the baseline's case is {baseline.case.status}: {baseline.case.detail}"
    ids = [case.id for case in run.cases]
    more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    has = f"has {', '.join(ids[:MOST_NAMED])}{more}" if ids else "has no case at all"
    return f"run {run.metadata.run_id} has no case {candidate.case.id!r}: it {has}"


def _unanswered(question: Question, candidate: MeasuredCase, reason: str) -> Verdict:
    metric = candidate.case.metrics.get(question.metric)
    tolerance = question.tolerance
    return make_verdict(
        question,
        SIDES,
        "noted" if tolerance is None else "inconclusive",
        "stored",
        values=(None, metric.value if metric else None),
        is_relative=tolerance.is_relative if tolerance else True,
        tolerance=amount_of(question),
        reason=reason,
        unit=metric.unit if metric else None,
    )


def _sides(baseline: MeasuredCase | None, candidate: MeasuredCase) -> list[SideRecord]:
    sides = zip(SIDES, (baseline, candidate), strict=True)
    return [_side(name, one) for name, one in sides if one is not None]


def _side(name: str, measured: MeasuredCase) -> SideRecord:
    case = measured.case
    described = {"model": case.model, "device": case.device, "params": case.params}
    if measured.commit is not None:
        described["commit"] = measured.commit
    return SideRecord(
        name=name,
        case_id=case.id,
        run_id=measured.run_id,
        described=described,
        python_version=measured.system.python_version,
        packages=measured.system.packages,
    )
