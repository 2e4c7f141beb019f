"""What was judged of a case: its bounds, its score, its place among others."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.results.comparison import Ends
from pytest_modelbench.results.fields import Amount, Finite, Ordinal, Share, Text


class BoundCheck(StrictModel):
    """A criterion's bound held against a case."""

    criterion: Text
    what: Text
    """The metric or expression."""
    value: Finite | None
    interval: Ends | None
    """What it was judged on: of timed calls, wider than that of the metric by what launches of
    the same code differ by. None where the value itself was."""
    unit: str
    min: Finite | None
    max: Finite | None
    outcome: Literal["passed", "failed", "inconclusive"]
    message: Text
    """One line: metric, value, interval and bound."""


class CriterionScore(StrictModel):
    """One criterion's part in a case's score."""

    id: Text
    goal: Literal["min", "max", "target"]
    weight: Annotated[Finite, Field(gt=0)]
    value: Finite | None
    normalized: Share | None
    """0 for the worst and 1 for the best of the cases that have a value."""
    interval: Ends | None
    """That of the value, on the same scale, beyond whose ends it may reach."""
    reason: Text | None
    """Why there is no value."""


class Score(StrictModel):
    """A case among the cases of its suite."""

    total: Share | None
    """Weighted mean of the normalized values there are; None without any."""
    interval: Annotated[list[Share], Field(min_length=2, max_length=2)] | None
    """95 %, from those of the criteria's values; None where none of them has one."""
    weight_total: Amount
    """Weight of the criteria that have a value."""
    weight_possible: Amount
    """Weight of all criteria in scope: a score that rests on less is partial."""
    criteria: list[CriterionScore]


class LeaderboardRow(StrictModel):
    """A ranked case."""

    rank: Ordinal
    case_id: Text
    runner: Text
    model: Text
    device: Text
    score: Share
    partial: bool
    """Whether criteria in its scope had no value; partial scores rank below full ones."""
    tied_with_above: bool
    """Whether its score differs from that of the row above by no more than noise."""
    tied_with_best: bool
    """The same of the first row; false for the first row itself."""
    mean_latency_ms: Amount | None
    p95_latency_ms: Amount | None
    throughput_items_per_second: Amount | None
