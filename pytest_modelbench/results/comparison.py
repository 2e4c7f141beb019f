"""Comparisons of a run: what was measured side by side, or held against an earlier run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_modelbench.documents.strict_model import StrictModel
from pytest_modelbench.results.fields import (
    Amount,
    Count,
    Finite,
    JsonObject,
    Ordinal,
    Share,
    Text,
    Whole,
)
from pytest_modelbench.results.packed import Packed

Index = Count
Series = Literal["decision", "confirmation"]
Outcome = Literal["pass", "regression", "inconclusive", "noted"]
Ends = Annotated[list[Finite | None], Field(min_length=2, max_length=2)]


class SideRecord(StrictModel):
    """One side of a comparison."""

    name: Text
    case_id: Text
    """The case in which it was measured: of this run, or of the baseline's."""
    run_id: Text | None
    """The earlier run it is from; None for this one."""
    described: JsonObject
    """What makes it this side: model, device, params, revision, commit, python, env."""
    python_version: Text | None
    packages: dict[Text, Text]
    """Installed versions of the packages that results depend on, where it ran."""


class SideLaunch(StrictModel):
    """One side in one launch: a fresh process that loads the model and is warmed up."""

    warmup: Packed
    """The first call and the warm-up calls, in ns."""
    warmup_ended_by: Literal["steady", "count", "max_seconds", "max_samples"]
    warmup_rule: Text
    durations: Packed
    """Every timed call in ns, in the order made: `calls` for each of the side's segments. Where
    `repeats` is above 1, each figure is the mean of so many calls timed as one."""
    metrics: dict[Text, Finite]
    """What a launch gives once, such as `model_load_seconds` and `peak_ram_mb`."""


class Launch(StrictModel):
    """Fresh processes of all sides, measured in turn, never at the same moment."""

    series: Series
    """A regression that the launches of the first series show has to be shown by others again."""
    order: Packed
    """Which side each segment was measured on, in the order made. A block of n sides is 2 n
    segments: the sides in an order drawn by lot, then in the reverse order."""
    sides: list[SideLaunch]
    """In the order of the comparison's sides."""
    disturbances: list[Text]
    """What else went on, in words."""


class Procedure(StrictModel):
    """How sides were measured against each other."""

    seed: Whole
    calls: Ordinal
    """Timed calls of a segment, each on the next input."""
    repeats: Ordinal
    """Calls timed as one, each on the next input, where one is too short to be timed alone."""
    in_flight: Ordinal
    """Calls under way at once, at most; above 1 it is their rate that is measured."""
    blocks: Ordinal
    """Blocks of a launch, at least: where it is noisy there are up to five times as many."""
    most_launches: Ordinal
    """Of each series; looked at after each second one."""
    max_seconds: Amount
    launch_floor: Share
    """Standard deviation between launches of the same code, as a share: what no number of calls
    within a launch can average out. Only ever raised above 1 % by a calibration."""
    launch_floor_from: Text
    """`default`, or when and how this machine was calibrated."""
    verdict_count: Ordinal
    """Verdicts of the session: a regression is confirmed at a level divided by it."""


class Verdict(StrictModel):
    """One metric of one side held against another side's."""

    baseline: Text
    candidate: Text
    """Names of sides."""
    criterion: Text | None
    """Id of the suite's criterion; None for a verdict nobody asked for."""
    metric: Text
    unit: str
    baseline_value: Finite | None
    candidate_value: Finite | None
    change: Finite | None
    """Candidate against baseline: as a share of the baseline, or where `is_relative` is false as
    a difference in the metric's unit. Above 0 is more, whether more is better or worse."""
    interval: Ends | None
    is_relative: bool
    confidence: Share | None
    tolerance: Finite | None
    """The change for the worse that is allowed, in the same terms; None if nothing is required."""
    smallest_detectable: Finite | None
    """The change that this much measuring finds in 8 of 10 cases, in the same terms."""
    outcome: Outcome
    """`noted`: nothing is required of it."""
    method: Literal["blocks", "tail", "launches", "samples", "outputs", "exact", "stored"]
    reason: Text | None
    """Why it is inconclusive, and what would settle it; or what else a reader must know."""
    evidence: JsonObject
    """What it rests on: blocks, launches, samples, share of outliers, p-value, ..."""
    message: Text
    """All of this in one line."""

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        if given.get("outcome") == "inconclusive" and not given.get("reason"):
            yield "an inconclusive verdict has a 'reason'"
        if given.get("outcome") == "noted" and given.get("tolerance") is not None:
            yield "a verdict that is only noted has no 'tolerance'"


class Comparison(StrictModel):
    """Sides of one item held against each other."""

    id: Text
    """The id of the item: `suite::benchmark[...]`."""
    suite: Text
    benchmark: Text
    kind: Literal["paired", "stored"]
    """`paired`: measured side by side in this session; `stored`: against an earlier run."""
    status: Literal["ok", "skipped", "error"]
    detail: str
    """Why it was skipped, or what went wrong; where it is `ok`, which candidates could not be
    compared, and why; empty when all is well."""
    trace: str | None
    """The traceback of what went wrong while sides were measured in turn, as text."""
    sides: list[SideRecord]
    """The baseline first."""
    differences: list[Text]
    """What differs between the sides although nobody asked for it, in words."""
    procedure: Procedure | None
    launches: list[Launch]
    """Empty for a comparison with an earlier run."""
    verdicts: list[Verdict]
    duration_seconds: Amount
    """What the launches took, waiting for turns apart."""


def bare_comparison(
    *,
    id: str,
    suite: str,
    benchmark: str,
    kind: Literal["paired", "stored"],
    status: Literal["ok", "skipped", "error"],
    detail: str,
) -> Comparison:
    """One without sides, launches and verdicts."""
    return Comparison(
        id=id,
        suite=suite,
        benchmark=benchmark,
        kind=kind,
        status=status,
        detail=detail,
        trace=None,
        sides=[],
        differences=[],
        procedure=None,
        launches=[],
        verdicts=[],
        duration_seconds=0.0,
    )
