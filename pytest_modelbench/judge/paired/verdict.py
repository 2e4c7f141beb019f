"""The verdict of a paired comparison, from its record alone."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_modelbench.judge.paired.blocks import BLOCK_METRICS
from pytest_modelbench.judge.paired.data import PairedData, UnpackedLaunch, Unusable
from pytest_modelbench.judge.paired.decision import Seen, see
from pytest_modelbench.judge.paired.estimate import Estimate, detectable
from pytest_modelbench.judge.paired.evidence import evidence_of
from pytest_modelbench.judge.paired.judgement import Judgement, State, judge
from pytest_modelbench.judge.paired.looks import level_of_a_look, level_to_confirm
from pytest_modelbench.judge.paired.measure import Measure, calls_of_a_side
from pytest_modelbench.judge.paired.reasons import Context, reason_of
from pytest_modelbench.judge.paired.scale import as_change, tolerated
from pytest_modelbench.judge.paired.tails import TAIL_METRICS
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.wording import Method, in_seconds, make_verdict, untold
from pytest_modelbench.results.comparison import Outcome, Verdict

OUTCOMES: Mapping[State, Outcome] = {
    "noted": "noted",
    "pass": "pass",
    "regression": "regression",
}
"""All other states are inconclusive."""


def paired_verdict(data: PairedData, question: Question, seconds: float = 0.0) -> Verdict:
    """What the launches recorded so far say, as if none were to follow.

    `seconds` is how long they took; 0 if not known. Nothing but the arguments is read.
    """
    judgement = judge(data, question)
    if judgement.measure is not None and judgement.state != "unusable":
        try:
            return _verdict(data, question, judgement, judgement.measure, seconds)
        except Unusable as reason:  # of launches that only the report needs
            judgement = Judgement("unusable", judgement.measure, problem=str(reason))
    return untold(
        question,
        data.sides,
        _method(question.metric),
        data.broken or judgement.problem,
        rests_on=[in_seconds(seconds)] if seconds > 0 else [],
        evidence={
            "launches": {"decision": len(data.decision), "confirmation": len(data.confirmation)}
        },
    )


def _verdict(
    data: PairedData, question: Question, judgement: Judgement, measure: Measure, seconds: float
) -> Verdict:
    launches = judgement.reported(data)
    seen = see(measure, question, launches)
    estimate = seen.estimates[judgement.view].turned(question.worse_sign)
    level = level_of_a_look(data.procedure)
    low, high = (as_change(end, measure.scale) for end in estimate.ends(level))
    values = measure.values(launches)
    evidence = evidence_of(data, question, judgement, measure, seen)
    outcome = OUTCOMES.get(judgement.state, "inconclusive")
    reason = reason_of(Context(data, question, judgement, measure, seconds))
    if data.broken is not None and outcome in ("pass", "inconclusive"):
        # What it did before does not speak for a side that breaks; no more launches would, either.
        outcome, reason = "inconclusive", data.broken
    return make_verdict(
        question,
        data.sides,
        outcome,
        measure.method,
        values=values,
        change=as_change(estimate.center, measure.scale),
        interval=(low, high),
        is_relative=measure.scale == "log",
        confidence=1 - 2 * level,
        tolerance=tolerated(question, values[0], measure.scale),
        smallest_detectable=_detectable(data, question, judgement, measure, seen),
        reason=reason,
        evidence=evidence,
        rests_on=[
            *_rests_on(measure, launches, seconds, evidence.get("outlier_share") or 0.0),
            *([f"without {data.left_out} that failed"] if data.left_out else []),
        ],
    )


def _detectable(
    data: PairedData, question: Question, judgement: Judgement, measure: Measure, seen: Seen
) -> float | None:
    """By a series as long as that which decided, and one that confirms it."""
    level = level_of_a_look(data.procedure)
    if not measure.has_enough(data.decision):
        return None
    if judgement.decision is None or judgement.decision.whole is None:
        found = detectable(seen.estimates[0], 0.0, [level])
    else:
        whole: Seen = judgement.decision.whole
        one: Estimate = whole.estimates[judgement.view]
        found = detectable(one, whole.tolerance, [level, level_to_confirm(data.procedure)])
    if found is None:
        return None
    change = as_change(question.worse_sign * found, measure.scale)
    return None if change is None else abs(change)


def _rests_on(
    measure: Measure, launches: list[UnpackedLaunch], seconds: float, outliers: float
) -> list[str]:
    if measure.method == "blocks":
        amount = f"{sum(launch.block_count for launch in launches)} blocks"
        amount += f" ({100 * outliers:.2g} % outliers)" if outliers > 0 else ""
    elif measure.method == "tail":
        amount = f"{calls_of_a_side(launches)} calls a side"
    else:
        amount = f"{len(launches)} launch{'' if len(launches) == 1 else 'es'}"
    return [amount, in_seconds(seconds)] if seconds > 0 else [amount]


def _method(metric: str) -> Method:
    if metric in BLOCK_METRICS:
        return "blocks"
    return "tail" if metric in TAIL_METRICS else "launches"
