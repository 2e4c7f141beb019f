"""Why a question could not be answered, and what would settle it, in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pytest_modelbench.judge.launch_noise import LAUNCH_SD
from pytest_modelbench.judge.paired.blocks import MEDIANS
from pytest_modelbench.judge.paired.data import PairedData
from pytest_modelbench.judge.paired.decision import (
    LAUNCHES_THAT_AGREE,
    Found,
    Seen,
    agreeing,
)
from pytest_modelbench.judge.paired.estimate import Estimate
from pytest_modelbench.judge.paired.judgement import Judgement
from pytest_modelbench.judge.paired.looks import (
    FEWEST_LAUNCHES,
    level_of_a_look,
    level_to_confirm,
)
from pytest_modelbench.judge.paired.measure import Measure, calls_of_a_side
from pytest_modelbench.judge.paired.scale import as_change
from pytest_modelbench.judge.paired.settling import what_would_settle
from pytest_modelbench.judge.paired.tails import what_would_do
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.wording import amount_text, change_text

CALIBRATE = (
    "launches of this machine differ by more than was assumed ('modelbench calibrate' measures it)"
)
TOO_NEAR = "the change is too near the tolerance to tell"
SURELY = 2.0
"""Standard errors by which series must differ before the machine is to blame."""


@dataclass(frozen=True)
class Context:
    """What the words are about."""

    data: PairedData
    question: Question
    judgement: Judgement
    measure: Measure
    seconds: float

    @property
    def seconds_per_launch(self) -> float:
        return self.seconds / max(1, len(self.data.launches))

    def said(self, estimate: Estimate) -> str:
        """The change that an estimate turned to the worse stands for."""
        return self.said_of(estimate.center)

    def said_of(self, worse: float) -> str:
        change = as_change(self.question.worse_sign * worse, self.measure.scale)
        if change is None:
            return "a hundredfold"
        return change_text(change, None, is_relative=self.measure.scale == "log")


def reason_of(about: Context) -> str | None:
    """Why it is inconclusive, or what else a reader must know; None if nothing."""
    words = {
        "undecided": _undecided,
        "unconfirmed": _unconfirmed,
        "refuted": _refuted,
        "contradicted": _contradicted,
        "regression": _regression,
        "pass": _passed,
    }.get(about.judgement.state)
    said = list(words(about)) if words is not None else []
    if about.judgement.state not in ("pass", "noted"):
        said += _circumstances(about)
    return "; ".join(said) or None


def _undecided(about: Context) -> Iterator[str]:
    data, question = about.data, about.question
    found = about.judgement.decision
    if len(data.decision) < FEWEST_LAUNCHES:
        yield f"rests on 1 launch and needs {FEWEST_LAUNCHES}: {_more_launches(data)}"
    elif not about.measure.has_enough(data.decision):
        settings = what_would_do(question.metric, data.procedure, about.seconds_per_launch)
        yield (
            f"rests on {calls_of_a_side(data.decision)} calls a side and needs "
            f"{about.measure.calls_needed}: {settings}"
        )
    elif found is not None and found.whole is not None:
        views = range(len(about.measure.views))
        yield from _not_sure(about, found.whole, level_of_a_look(data.procedure), views)


def _more_launches(data: PairedData) -> str:
    if data.procedure.most_launches < FEWEST_LAUNCHES:
        return "raise compare.launches"
    return f"compare.max_seconds of {data.procedure.max_seconds:g} was used up"


def _not_sure(about: Context, seen: Seen, level: float, views: Sequence[int]) -> Iterator[str]:
    """`views`: those in which a regression would have counted."""
    first = seen.estimates[0]
    beyond = [number for number in views if seen.is_beyond_in(number)]
    if beyond and first.ends(level)[1] <= seen.tolerance:
        other = "mean_latency_ms" if about.question.metric in MEDIANS else "p95_latency_ms"
        yield (
            f"{about.measure.views[0].words} would pass, but {about.measure.views[beyond[0]].words}"
            f" changed by {about.said(seen.estimates[beyond[0]])}: some calls are slower than "
            f"others, which 'max_regression' of {other} would tell"
        )
        return
    unsure = next(
        (one for one in seen.guards if seen.estimates[one].ends(level)[1] > seen.tolerance), 0
    )
    surely = [number for number in beyond if seen.estimates[number].ends(level)[0] > 0]
    if surely:
        yield _not_all(about, seen, surely[0])
        return
    if beyond and beyond[0]:
        which, change = about.measure.views[beyond[0]].words, seen.estimates[beyond[0]]
        yield f"{which} changed by {about.said(change)}, which may be no change at all"
    elif beyond:
        yield "it may be no change at all"
    elif seen.is_plain_beyond:
        yield _of_several_kinds(about, seen)
        return
    elif unsure:
        yield f"the interval of {about.measure.views[unsure].words} reaches beyond the tolerance"
    else:
        yield "the interval reaches beyond the tolerance"
    yield what_would_settle(
        seen.estimates[beyond[0] if beyond else unsure],
        0.0 if beyond else seen.tolerance,
        level,
        about.data.procedure,
        about.seconds_per_launch,
    )
    if about.data.procedure.launch_floor > LAUNCH_SD:
        floor = amount_text(about.data.procedure.launch_floor, is_relative=True)
        yield f"launches are taken to differ by {floor}, {about.data.procedure.launch_floor_from}"


def _of_several_kinds(about: Context, seen: Seen) -> str:
    """The metric itself is beyond the tolerance, and no turn side by side is."""
    hint = ", of which 'max_regression' of mean_latency_ms would tell more"
    return (
        f"over all calls it changed by {about.said_of(seen.plain)}, which turns side by side do "
        f"not bear out: calls are of several kinds{hint * (about.question.metric in MEDIANS)}"
    )


def _not_all(about: Context, seen: Seen, view: int) -> str:
    """Why a view that shows a change for the worse is not enough."""
    estimate = seen.estimates[view]
    if agreeing(estimate) < LAUNCHES_THAT_AGREE:
        agree = round(agreeing(estimate) * seen.launches)
        return f"only {agree} of {seen.launches} launches are worse by themselves"
    return (
        f"{about.measure.views[view].words} changed by {about.said(estimate)}, but over all calls "
        f"it is {about.said_of(seen.plain)}"
    )


def _unconfirmed(about: Context) -> Iterator[str]:
    count = len(about.data.decision)
    why = "there was no time to show it again with fresh ones"
    if not about.question.asked_then:
        why = "this metric was not confirmed in that session"
    yield (
        f"not confirmed: {count} launches show {_estimated(about, about.judgement.decision)}, and "
        f"{why}"
    )


def _refuted(about: Context) -> Iterator[str]:
    first, second = about.judgement.decision, about.judgement.confirmation
    counts = [len(about.data.decision), len(about.data.confirmation)]
    fresh = "1 fresh one shows" if counts[1] == 1 else f"{counts[1]} fresh ones show"
    yield (
        f"not confirmed: {counts[0]} launches show {_estimated(about, first)}, "
        f"{fresh} {_estimated(about, second)}"
    )
    if first is None or second is None or second.whole is None:
        return
    level = level_to_confirm(about.data.procedure)
    views = [one for one in first.views if second.whole.is_beyond_in(one)]
    if counts[1] < FEWEST_LAUNCHES:
        yield f"{FEWEST_LAUNCHES} are needed: {_more_launches(about.data)}"
    elif not about.measure.has_enough(about.data.confirmation):
        yield (
            f"these rest on {calls_of_a_side(about.data.confirmation)} calls a side and need "
            f"{about.measure.calls_needed}: {_more_launches(about.data)}"
        )
    elif second.shows == "pass" or not views:
        yield CALIBRATE if _disagree(about, first, second) else TOO_NEAR
    else:
        yield from _not_sure(about, second.whole, level, views)


def _disagree(about: Context, first: Found, second: Found) -> bool:
    """Whether two series differ by more than their noise explains."""
    if first.whole is None or second.whole is None:
        return False
    one, other = (found.estimates[about.judgement.view] for found in (first.whole, second.whole))
    return abs(one.center - other.center) > SURELY * math.hypot(one.se, other.se)


def _estimated(about: Context, found: Found | None) -> str:
    if found is None or found.whole is None:
        return "nothing"
    return about.said(found.whole.estimates[about.judgement.view])


def _contradicted(about: Context) -> Iterator[str]:
    found = about.judgement.decision
    if found is None or found.decided is None or found.whole is None:
        return
    views = range(len(about.measure.views))
    beyond = [one for one in views if found.whole.is_beyond_in(one)]
    if not found.views and not beyond:
        yield f"the first {found.decided.launches} launches passed"
        yield _of_several_kinds(about, found.whole)
        return
    at = found.views[0] if found.views else beyond[0]
    verb = "passed" if found.shows == "pass" else "showed a regression"
    by = f" by {about.measure.views[at].words}" if at else ""
    yield (
        f"the first {found.decided.launches} launches {verb} "
        f"({about.said(found.decided.estimates[at])}{by}), all {found.whole.launches} do not bear "
        f"it out ({about.said(found.whole.estimates[at])})"
    )
    if not at:
        yield CALIBRATE


def _regression(about: Context) -> Iterator[str]:
    """Only where another view does not show it."""
    whole = about.judgement.decision and about.judgement.decision.whole
    if not whole:
        return
    for number, view in enumerate(about.measure.views):
        if not whole.is_beyond_in(number):
            yield (
                f"shown by {about.measure.views[about.judgement.view].words}, while {view.words} "
                f"changed by {about.said(whole.estimates[number])}"
            )


def _passed(about: Context) -> Iterator[str]:
    """Only where the figures reported would not have passed by themselves."""
    found = about.judgement.decision
    if found is None or found.decided is None or found.whole is None:
        return
    if not found.whole.passes(level_of_a_look(about.data.procedure)):
        yield (
            f"decided after {found.decided.launches} launches, at "
            f"{about.said(found.decided.estimates[0])}; the others were made for other metrics"
        )


def _circumstances(about: Context) -> Iterator[str]:
    """What may have made it hard to tell."""
    launches = about.judgement.reported(about.data)
    checks: Sequence[tuple[str, Callable[[int], bool]]] = (
        ("had no steady state", lambda at: not launches[at].is_steady),
        ("were disturbed", lambda at: bool(launches[at].launch.disturbances)),
    )
    for words, holds in checks:
        found = [at for at in range(len(launches)) if holds(at)]
        if not found:
            continue
        disturbances = launches[found[0]].launch.disturbances
        example = f" ({disturbances[0]})" if words == "were disturbed" else ""
        yield f"{len(found)} of {len(launches)} launches {words}{example}"
