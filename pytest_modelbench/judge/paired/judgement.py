"""Decision and confirmation put together: how a question stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_modelbench.judge.paired.blocks import BLOCK_METRICS, block_measure
from pytest_modelbench.judge.paired.data import PairedData, UnpackedLaunch, Unusable
from pytest_modelbench.judge.paired.decision import Found, Levels, look_through
from pytest_modelbench.judge.paired.looks import level_of_a_look, level_to_confirm
from pytest_modelbench.judge.paired.measure import Measure
from pytest_modelbench.judge.paired.per_launch import LAUNCH_METRICS, launch_measure
from pytest_modelbench.judge.paired.tails import TAIL_METRICS, can_suffice, tail_measure
from pytest_modelbench.judge.question import Question

State = Literal[
    "noted", "pass", "regression", "undecided", "unconfirmed", "refuted", "contradicted", "unusable"
]
"""`unconfirmed`: shown by one series, and there is no other yet. `refuted`: the other series does
not show it. `contradicted`: all launches of a series do not bear out what its first ones showed.
`unusable`: no launches would answer it."""


def is_measured_in_pairs(metric: str) -> bool:
    """Whether it is judged from launches of a paired comparison.

    >>> is_measured_in_pairs("p50_latency_ms"), is_measured_in_pairs("wer")
    (True, False)
    """
    return metric in (*BLOCK_METRICS, *TAIL_METRICS, *LAUNCH_METRICS)


def measure_of(question: Question, data: PairedData) -> Measure:
    """How its metric is got. Raises `Unusable` where no launches would give it."""
    if question.metric in BLOCK_METRICS:
        return block_measure(question, data.procedure.launch_floor)
    if question.metric in TAIL_METRICS:
        return tail_measure(question, data)
    if question.metric in LAUNCH_METRICS:
        return launch_measure(question)
    raise Unusable(f"{question.metric} is not measured launch by launch")


@dataclass(frozen=True)
class Judgement:
    """How a question stands, and on what that rests."""

    state: State
    measure: Measure | None = None
    decision: Found | None = None
    confirmation: Found | None = None
    """None where nothing is to be confirmed, or nothing has been measured for it."""
    problem: str | None = None
    """Why it is unusable."""

    @property
    def view(self) -> int:
        """The view that is reported: the first, or that which shows the regression."""
        for found in (self.confirmation, self.decision):
            if found is not None and found.views and self.state != "contradicted":
                return found.views[0]
        return 0

    def reported(self, data: PairedData) -> list[UnpackedLaunch]:
        """The launches whose estimate is reported."""
        both = self.state in ("noted", "regression", "refuted")
        return [*data.decision, *data.confirmation] if both else data.decision


def judge(
    data: PairedData,
    question: Question,
    *,
    is_over: bool = True,
    is_confirmation_over: bool = True,
) -> Judgement:
    """How it stands. Unless a series is over, launches of it may follow."""
    measure = None
    try:
        measure = measure_of(question, data)
        if not data.decision:
            raise Unusable("no launch was measured")
        if question.tolerance is None:
            return Judgement("noted", measure)
        return _decided(data, question, measure, is_over, is_confirmation_over)
    except Unusable as reason:
        return Judgement("unusable", measure, problem=str(reason))


def _decided(
    data: PairedData,
    question: Question,
    measure: Measure,
    is_over: bool,
    is_confirmation_over: bool,
) -> Judgement:
    procedure, usual = data.procedure, level_of_a_look(data.procedure)
    decision = look_through(
        measure,
        question,
        data.decision,
        most_launches=procedure.most_launches,
        levels=Levels(usual, usual),
        is_over=is_over,
    )
    if decision.shows == "nothing":
        return Judgement("undecided", measure, decision)
    if decision.is_contradicted:
        return Judgement("contradicted", measure, decision)
    if decision.shows == "pass":
        return Judgement("pass", measure, decision)
    if not data.confirmation:
        return Judgement("unconfirmed", measure, decision)
    confirmation = look_through(
        measure,
        question,
        data.confirmation,
        most_launches=procedure.most_launches,
        # That it is not shown again needs no proof beyond the usual.
        levels=Levels(level_to_confirm(procedure), usual),
        is_over=is_confirmation_over,
        among=decision.views,
    )
    is_shown = confirmation.shows == "regression" and not confirmation.is_contradicted
    return Judgement("regression" if is_shown else "refuted", measure, decision, confirmation)


def could_be_settled(data: PairedData, question: Question) -> bool:
    """Whether more launches of the series, up to the most there may be, could decide it."""
    return can_suffice(question.metric, data.procedure)
