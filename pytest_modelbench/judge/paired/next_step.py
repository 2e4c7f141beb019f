"""What is to be measured next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pytest_modelbench.judge.paired.data import PairedData
from pytest_modelbench.judge.paired.judgement import could_be_settled, is_measured_in_pairs, judge
from pytest_modelbench.judge.paired.looks import FEWEST_LAUNCHES
from pytest_modelbench.judge.question import Question

Step = Literal["launch", "confirm", "done"]


def next_step(data: PairedData, questions: Sequence[Question], seconds_left: float) -> Step:
    """Another launch that decides, one that confirms, or the end.

    `seconds_left` is of the series under way: of the launches that decide until there is one that
    confirms, from then on of those. Without any left there is no further launch of the series.
    What the first launches show is confirmed even so, since that has as much time once more.
    """
    asked = [one for one in questions if is_measured_in_pairs(one.metric)]
    if not asked:
        return "done"
    most = data.procedure.most_launches
    if not data.confirmation:
        may_go_on = seconds_left > 0 and len(data.decision) < most
        if may_go_on and any(_is_open(data, one) for one in asked):
            return "launch"
        shown = any(judge(data, one).state == "unconfirmed" for one in asked)
        return "confirm" if shown else "done"
    may_go_on = seconds_left > 0 and len(data.confirmation) < most
    return "confirm" if may_go_on and any(_is_confirming(data, one) for one in asked) else "done"


def _is_open(data: PairedData, question: Question) -> bool:
    if len(data.decision) < FEWEST_LAUNCHES:
        return True
    if not could_be_settled(data, question):
        return False
    return judge(data, question, is_over=False).state == "undecided"


def _is_confirming(data: PairedData, question: Question) -> bool:
    confirmation = judge(data, question, is_confirmation_over=False).confirmation
    return confirmation is not None and confirmation.shows == "nothing"
